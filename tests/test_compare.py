"""The comparison: what it refuses, what it computes, and how often it cries wolf."""

import dataclasses
import importlib
import math
import re

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.simulation.result import CAUSES, QUANTITIES, Moments
from tests.agreement import FALSE_ALARM
from tests.strategies import example_problem

PROBLEM = example_problem(fraction=0.25)
EXACT = example_problem(nfl.scores.Uniform, fraction=0.25)
LIMIT = nfl.FixedDimension(3)
FINITE = nfl.FiniteSample(dim=3, num_samples=80)
SIZES = (400, 800, 1600)
COUNT = 1000


@pytest.fixture(scope="module")
def prediction():
    return nfl.predict(PROBLEM, LIMIT)


@pytest.fixture(scope="module")
def exact():
    return nfl.predict(EXACT, FINITE)


def synthetic(num_samples, mean, sem, problem=PROBLEM, *, failed=0, **changes):
    """A simulation with this mean and standard error of the excess risk, and no other content."""
    risk = np.eye(len(QUANTITIES))[QUANTITIES.index("excess_risk")]
    causes = np.eye(len(CAUSES), dtype=int)[CAUSES.index("diverged")]
    count = COUNT - failed
    moments = Moments(count, mean * risk, sem**2 * count * (count - 1) * risk, failed * causes)
    kept = nfl.num_kept(float(problem.rule.fraction), num_samples)
    return nfl.Simulation(
        problem,
        dim=changes.get("dim", 3),
        num_samples=num_samples,
        num_replicates=COUNT,
        num_kept=kept,
        probe="fixed",
        moments=moments,
        trustworthy=changes.get("trustworthy", True),
    )


def line(prediction, size):
    return float(prediction.excess_risk) + float(prediction.finite_size) / size


def runs_on(prediction, shift=0.0, curve=0.0, sem=1e-4, **changes):
    """Means E + shift + C/n + curve/n^2 at three sizes, all with one standard error."""
    means = [line(prediction, n) + shift + curve / n**2 for n in SIZES]
    return [synthetic(n, m, sem, **changes) for n, m in zip(SIZES, means, strict=True)]


# ------------------------------------------------------------------ what it computes


def test_true_means_agree_exactly(prediction):
    """Both the limit and the coefficient are found through a term of higher order."""
    found = nfl.compare(prediction, runs_on(prediction, curve=50.0))
    assert found.verdict == "agree"
    assert found.predicted == float(prediction.excess_risk)
    assert found.limit == pytest.approx(found.predicted, rel=1e-9)
    assert found.rate == pytest.approx(float(prediction.finite_size), rel=1e-9)
    assert found.z == pytest.approx(0.0, abs=1e-6)
    assert "agree" in str(found)


def test_a_shift_is_measured_with_its_error(prediction):
    """Weighted least squares by the normal equations, with unequal errors."""
    sems = np.array([1e-4, 2e-4, 5e-4])
    noise = np.array([0.3, -0.5, 0.2]) * sems
    sizes = np.array(SIZES, float)
    values = [line(prediction, n) + 2e-3 + e for n, e in zip(SIZES, noise, strict=True)]
    runs = [synthetic(*row) for row in zip(SIZES, values, sems, strict=True)]
    found = nfl.compare(prediction, runs)

    def solve(design, data):
        weights = design / sems[:, None] ** 2
        covariance = np.linalg.inv(weights.T @ design)
        return covariance @ weights.T @ data, np.sqrt(np.diag(covariance))

    shift, error = solve(np.stack([sizes**0, sizes**-2], axis=1), 2e-3 + noise)
    free = np.array(values) - float(prediction.excess_risk)
    rate, rate_error = solve(np.stack([sizes**-1, sizes**-2], axis=1), free)
    assert found.limit - found.predicted == pytest.approx(shift[0], rel=1e-6)
    assert found.sem == pytest.approx(error[0], rel=1e-6)
    total = math.hypot(error[0], float(prediction.numerical_error))
    assert found.z == pytest.approx(shift[0] / total, rel=1e-6)
    assert found.rate == pytest.approx(rate[0], rel=1e-6)
    assert found.rate_sem == pytest.approx(rate_error[0], rel=1e-6)
    rate_z = (rate[0] - float(prediction.finite_size)) / rate_error[0]
    assert found.rate_z == pytest.approx(rate_z, rel=1e-6)


def test_a_limit_off_by_a_percent_disagrees(prediction):
    shift = 0.01 * float(prediction.excess_risk)
    found = nfl.compare(prediction, runs_on(prediction, shift=shift, sem=shift / 20))
    assert found.verdict == "disagree"


def test_the_given_prediction_is_judged_not_a_fresh_one(prediction):
    wrong = eqx.tree_at(lambda p: p.excess_risk, prediction, 1.01 * prediction.excess_risk)
    found = nfl.compare(wrong, runs_on(prediction, sem=1e-5))
    assert found.predicted == float(wrong.excess_risk)
    assert found.limit == pytest.approx(float(prediction.excess_risk), rel=1e-6)
    assert found.verdict == "disagree"


def test_an_unknown_rate_is_fitted(prediction):
    unknown = eqx.tree_at(lambda p: p.finite_size, prediction, jnp.asarray(jnp.nan))
    found = nfl.compare(unknown, runs_on(prediction, curve=30.0))
    assert found.verdict == "agree"
    assert math.isnan(found.rate)
    assert found.limit == pytest.approx(float(prediction.excess_risk), rel=1e-9)


def test_fractions_are_those_really_kept():
    """0.25 of 402 is 101 of 402: the mean belongs to the prediction at 101/402."""
    sizes = (402, 805, 1606)
    predictions = [
        nfl.predict(example_problem(fraction=nfl.num_kept(0.25, n) / n), LIMIT) for n in sizes
    ]
    means = [line(p, n) for p, n in zip(predictions, sizes, strict=True)]
    runs = [synthetic(n, mean, 1e-6) for n, mean in zip(sizes, means, strict=True)]
    assert nfl.compare(nfl.predict(PROBLEM, LIMIT), runs).verdict == "agree"


def test_exact_means_are_pooled(exact):
    predicted = float(exact.excess_risk)
    sems = np.array([1e-3, 2e-3])
    weights = sems**-2 / np.sum(sems**-2)
    shifts = np.array([2e-3, -1e-3])
    runs = [
        synthetic(80, predicted + shift, sem, EXACT)
        for shift, sem in zip(shifts, sems, strict=True)
    ]
    found = nfl.compare(exact, runs)
    assert found.limit == pytest.approx(predicted + weights @ shifts, rel=1e-9)
    assert found.sem == pytest.approx(np.sum(sems**-2) ** -0.5, rel=1e-9)
    assert found.z == pytest.approx((weights @ shifts) / found.sem, rel=1e-6)
    assert (found.verdict, math.isnan(found.rate)) == ("agree", True)
    off = synthetic(80, 1.1 * predicted, 1e-3, EXACT)
    assert nfl.compare(exact, [off]).verdict == "disagree"


# ------------------------------------------------------------------ what it will not decide


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
    runs = [
        synthetic(n, line(prediction, n) + b, 1e-4) for n, b in zip(SIZES, bend, strict=True)
    ]
    found = nfl.compare(prediction, runs)
    assert found.verdict == "inconclusive"
    assert "do not fit the rate" in found.reason


# ------------------------------------------------------------------ what it refuses


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


# ------------------------------------------------------------------ how often it cries wolf


def wolf(count, draws, low, high):
    """Whether a count of alarms fits a rate between two, at the module's false alarm."""
    least = stats.binom.isf(1 - FALSE_ALARM / 2, draws, low)
    return least <= count <= stats.binom.isf(FALSE_ALARM / 2, draws, high)


def test_false_alarms_of_the_limit_are_as_stated(prediction, monkeypatch):
    """Normal means with true parameters: of two tests at alpha/2, between alpha/2 and alpha."""
    module = importlib.import_module("nfl_sim.compare")
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


def shifted(simulation, mean):
    risk = np.eye(len(QUANTITIES))[QUANTITIES.index("excess_risk")]
    moments = dataclasses.replace(simulation.moments, mean=mean * risk)
    return dataclasses.replace(simulation, moments=moments)
