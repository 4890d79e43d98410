"""The comparison as n and d grow together: the limit, its rate, and how often it cries wolf."""

import importlib
import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.compare.proportional import rate_of
from nfl_sim.extrapolation import fit_powers
from nfl_sim.scores import PointwiseScore
from tests.agreement import FALSE_ALARM
from tests.growing import DIMS, RATIO, REGIME, closed_form, exact, expansion, grown, limit
from tests.strategies import example_logistic_problem, example_problem
from tests.synthetic import EXACT, shifted, synthetic


class SidedLength(PointwiseScore):
    """|x| on one side of the probe's boundary, -|x| on the other: what GraNd is to a perceptron."""

    sees: ClassVar = frozenset({"probe_margin", "norm"})
    probe: nfl.Probe

    def __call__(self, view):
        return jnp.sign(view.probe_margin) * view.norm


SIDED = eqx.tree_at(lambda p: p.score, example_problem(), SidedLength(nfl.Probe(0.6, 0.8)))
LEVERAGE = example_problem(nfl.scores.Leverage, fraction=0.25)
HIDDEN = (2.0, 0.4)  # coefficients of 1/d and 1/d^2
PREDICTION, OF_LEVERAGE = closed_form(EXACT, REGIME), closed_form(LEVERAGE, REGIME)


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """The closed form answers for `predict`; the places it was asked about."""
    places = []

    def predict(problem, regime):
        places.append((float(problem.rule.fraction), float(regime.sample_ratio)))
        return closed_form(problem, regime)

    monkeypatch.setattr(importlib.import_module("nfl_sim.compare.moved"), "predict", predict)
    return places


def test_the_limit_and_its_rate_are_found_through_two_orders():
    found = nfl.compare(PREDICTION, grown(expansion(PREDICTION, -3.0, 50.0)))
    assert found.verdict == "agree"
    assert found.predicted == float(PREDICTION.excess_risk)
    assert found.limit == pytest.approx(found.predicted, rel=1e-9)
    assert found.rate == pytest.approx(-3.0, rel=1e-9)
    assert found.rate_sem > 0
    assert math.isnan(found.rate_z)


def test_the_error_is_that_of_richardsons_extrapolation():
    """Of equal means at d, 2d, 4d: weights 1/3, -2 and 8/3."""
    found = nfl.compare(PREDICTION, grown(expansion(PREDICTION, 1.0), sems=1e-4))
    weights = np.array([1 / 3, -2.0, 8 / 3])
    assert found.sem == pytest.approx(1e-4 * np.linalg.norm(weights), rel=1e-9)


def test_exact_means_agree():
    """The true law has terms of all orders; those beyond the second are invisible."""
    found = nfl.compare(PREDICTION, grown([exact(EXACT, d, int(RATIO * d)) for d in DIMS]))
    assert found.verdict == "agree"
    assert found.rate == pytest.approx(float(PREDICTION.excess_risk), rel=1e-2)  # 1/(kappa - 1)^2


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_a_limit_off_by_a_percent_disagrees(factor):
    wrong = eqx.tree_at(lambda p: p.excess_risk, PREDICTION, factor * PREDICTION.excess_risk)
    runs = grown(expansion(PREDICTION, -3.0, 50.0), sems=1e-4)
    assert nfl.compare(PREDICTION, runs).verdict == "agree"
    assert nfl.compare(wrong, runs).verdict == "disagree"


def test_predictions_are_moved_to_what_was_really_simulated(asked):
    """0.3 of 8d is rounded up: m/n differs, and n/d where 8.1 d is no integer."""
    problem = eqx.tree_at(lambda p: p.rule.fraction, EXACT, jnp.asarray(0.3))
    sizes = ((33, 267), (66, 535), (132, 1069))
    real = [(nfl.num_kept(0.3, n) / n, n / d) for d, n in sizes]
    means = [
        float(limit(eqx.tree_at(lambda p: p.rule.fraction, problem, jnp.asarray(kept)), ratio))
        for kept, ratio in real
    ]
    rows = zip(sizes, means, strict=True)
    runs = [synthetic(n, mean, 1e-6, problem, dim=d) for (d, n), mean in rows]
    found = nfl.compare(closed_form(problem, nfl.Proportional(8.1)), runs)
    assert (found.verdict, found.z) == ("agree", pytest.approx(0.0, abs=1e-6))
    assert set(asked) == {(0.3, 8.1), *real}


def test_each_place_is_asked_about_once_and_the_predicted_one_never(asked):
    means = expansion(PREDICTION, 1.0)
    nfl.compare(PREDICTION, grown(means))
    assert asked == []
    shared = [(33, 271), (66, 542), (132, 1084)]
    off = closed_form(EXACT, nfl.Proportional(8.21))
    rows = zip(shared, means, strict=True)
    nfl.compare(off, [synthetic(n, mean, 0.1, dim=d, problem=EXACT) for (d, n), mean in rows])
    assert len(asked) == len(set(asked)) == 3  # the predicted place, that of two sizes, the third


def test_a_second_order_that_no_test_notices_would_move_the_limit():
    """Why it is always fitted: without it, the limit of a true prediction is off by ten errors."""
    means = np.array(expansion(PREDICTION, *HIDDEN)) - float(PREDICTION.excess_risk)
    fit = fit_powers(1 / np.array(DIMS), means, np.array([1e-5, 1e-5, 1e-5]), (0, 1))
    assert not fit.misfits(1e-6)
    assert abs(fit.coefficients[0]) > 9 * fit.sems[0]


@pytest.mark.parametrize("terms", [(0.0, 0.0), HIDDEN, (-1.0, -40.0)])
def test_false_alarms_are_as_stated_whatever_the_two_orders(terms):
    draws, alpha, sems = 800, 0.02, np.array([1e-5, 1e-5, 2e-5])
    runs = grown(np.zeros(3), list(sems))
    noise = sems * np.random.default_rng(5).normal(size=(draws, 3))
    ladders = [
        [shifted(run, mean) for run, mean in zip(runs, row, strict=True)]
        for row in np.array(expansion(PREDICTION, *terms)) + noise
    ]
    found = [nfl.compare(PREDICTION, ladder, false_alarm=alpha).verdict for ladder in ladders]
    low, high = stats.binom.interval(1 - FALSE_ALARM, draws, alpha)
    assert low <= found.count("disagree") <= high
    assert found.count("inconclusive") == 0


def test_leverage_approaches_its_limit_as_the_root_of_d():
    means = expansion(OF_LEVERAGE, 0.5, -2.0, power=0.5)
    found = nfl.compare(OF_LEVERAGE, grown(means, problem=LEVERAGE))
    assert found.verdict == "agree"
    assert found.limit == pytest.approx(found.predicted, rel=1e-9)
    assert found.rate == pytest.approx(0.5, rel=1e-9)
    assert nfl.compare(PREDICTION, grown(means)).verdict == "disagree"


@pytest.mark.parametrize(
    ("problem", "power"),
    [
        (LEVERAGE, 0.5),
        (example_problem(nfl.scores.Leverage, nfl.pruning.KeepEasiest), 0.5),
        (example_problem(nfl.scores.Leverage, nfl.pruning.KeepRandom), 1.0),
        (example_problem(nfl.scores.Leverage, fraction=1.0), 1.0),
        (example_problem(nfl.scores.EL2N), 1.0),
        (example_problem(nfl.scores.GraNd), 1.0),
        (example_problem(nfl.scores.GraNd, norm=0.0), 1.0),
        (example_logistic_problem(nfl.scores.GraNd), 1.0),
        (example_logistic_problem(nfl.scores.GraNd, norm=0.0), 0.5),
        (example_logistic_problem(nfl.scores.Leverage), 0.5),
        (example_logistic_problem(nfl.scores.EL2N, norm=0.0), 1.0),
        (SIDED, 0.5),
    ],
)
def test_the_rate_is_that_of_what_ranks_the_samples(problem, power):
    assert rate_of(problem) == power
