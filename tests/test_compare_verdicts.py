"""The comparison: what it refuses, what it will not decide, and how often it cries wolf."""

import importlib
import math
import re

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from tests.agreement import FALSE_ALARM
from tests.strategies import example_problem
from tests.synthetic import EXACT, FINITE, LIMIT, PROBLEM, SIZES, line, runs_on, shifted, synthetic


@pytest.fixture(scope="module")
def prediction():
    return nfl.predict(PROBLEM, LIMIT)


@pytest.fixture(scope="module")
def exact():
    return nfl.predict(EXACT, FINITE)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"failed": 2}, "6 of 3000 replicates failed"),
        ({"trustworthy": False}, "infinite variance"),
        ({"sem": 10.0}, "standard error .* is not small"),
    ],
)
def test_inconclusive(prediction, changes, reason):
    found = nfl.compare(prediction, runs_on(prediction, **changes))
    assert found.verdict == "inconclusive"
    assert re.search(reason, found.reason)


def test_one_failure_in_a_thousand_is_tolerated(prediction):
    runs = runs_on(prediction)
    runs[0] = synthetic(SIZES[0], line(prediction, SIZES[0]), 1e-4, failed=1)
    assert nfl.compare(prediction, runs).verdict == "agree"


def test_sizes_that_do_not_fit_the_rate_are_inconclusive(prediction):
    bend = (0.0, 0.05, 0.0)
    runs = [synthetic(n, line(prediction, n) + b, 1e-4) for n, b in zip(SIZES, bend, strict=True)]
    found = nfl.compare(prediction, runs)
    assert found.verdict == "inconclusive"
    assert "do not fit the rate" in found.reason


def test_refusals(prediction, exact):
    good = runs_on(prediction)
    other = example_problem(fraction=0.25, angle=0.7)
    unconverged = eqx.tree_at(lambda p: p.converged, prediction, jnp.asarray(False))
    single = [synthetic(SIZES[0], 1.0, 0.1)] * 3
    table = [
        ((prediction, runs_on(prediction, problem=other)), "another problem"),
        ((prediction, [*good, synthetic(3200, 1.0, 0.1, dim=4)]), "dim=3, but simulated dim=4"),
        ((prediction, good[:2]), r"3 or more distinct num_samples .*\[400, 800\]"),
        ((prediction, single), r"3 or more distinct num_samples .*\[400\]"),
        ((prediction, []), "at least one simulation"),
        ((unconverged, good), "did not converge"),
        ((exact, [synthetic(81, 1.0, 0.1, EXACT)]), "num_samples=80, but .*num_samples=81"),
    ]
    for arguments, message in table:
        with pytest.raises(ValueError, match=message):
            nfl.compare(*arguments)
    for rate in (0.0, 1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"false_alarm must lie in \(0, 1\)"):
            nfl.compare(prediction, good, false_alarm=rate)


def wolf(count, draws, low, high):
    """Whether a count of alarms fits a rate between two, at the module's false alarm."""
    least = stats.binom.isf(1 - FALSE_ALARM / 2, draws, low)
    return least <= count <= stats.binom.isf(FALSE_ALARM / 2, draws, high)


def test_false_alarms_of_the_limit_are_as_stated(prediction, monkeypatch):
    """Normal means with true parameters: of two tests at alpha/2, between alpha/2 and alpha."""
    module = importlib.import_module("nfl_sim.compare.moved")
    monkeypatch.setattr(module, "predict", lambda problem, regime: prediction)
    draws, alpha, sems = 2000, 0.02, (1e-4, 2e-4, 3e-4)
    runs = [synthetic(n, 0.0, sem) for n, sem in zip(SIZES, sems, strict=True)]
    truth = np.array([line(prediction, n) + 30.0 / n**2 for n in SIZES])
    means = truth + np.array(sems) * np.random.default_rng(5).normal(size=(draws, 3))
    verdicts = []
    for row in means:
        for_row = [shifted(run, mean) for run, mean in zip(runs, row, strict=True)]
        verdicts.append(nfl.compare(prediction, for_row, false_alarm=alpha).verdict)
    # The test of the fit takes a share alpha of the draws away, at most.
    assert wolf(verdicts.count("disagree"), draws, alpha / 2 * (1 - alpha), alpha)
    assert wolf(verdicts.count("inconclusive"), draws, alpha, alpha)


def test_false_alarms_of_exact_means_are_as_stated(exact):
    draws, alpha = 2000, 0.02
    run = synthetic(80, 0.0, 1e-3, EXACT)
    means = float(exact.excess_risk) + 1e-3 * np.random.default_rng(6).normal(size=draws)
    verdicts = [nfl.compare(exact, [shifted(run, m)], false_alarm=alpha).verdict for m in means]
    assert wolf(verdicts.count("disagree"), draws, alpha, alpha)
