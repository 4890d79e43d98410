"""Uncertainty, Leverage and random pruning: no bias, and the variances of the sheet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from tests import oracles
from tests.oracles import relative
from tests.strategies import SELECTIVE, example_problem, penalties, problems

_RULES = pytest.mark.parametrize("rule", SELECTIVE)
_REGIME = nfl.FixedDimension(5)


def _check_unbiased(problem, prediction, variance):
    """w_inf = w0 and finite_size = n tr Cov = V / r, with V over sigma^2."""
    assert float(prediction.excess_risk) == 0.0
    assert float(prediction.parallel) == float(problem.model.signal)
    assert float(prediction.orthogonal) == 0.0
    exact = variance * mpf(float(problem.model.noise_std)) ** 2 / mpf(float(problem.rule.fraction))
    assert relative(prediction.finite_size, exact) < 1e-9
    covariance = np.array(prediction.covariance)
    total = np.trace(covariance[:2, :2]) + (_REGIME.dim - 2) * covariance[2, 2]
    assert relative(total, exact) < 1e-9
    assert 2.0 * float(prediction.training_loss) == pytest.approx(
        float(problem.model.noise_std) ** 2, rel=1e-12
    )
    assert bool(prediction.converged)


@_RULES
@settings(max_examples=50)
@given(data=st.data())
def test_uncertainty(rule, data):
    problem = data.draw(problems(scores.Uncertainty, rule))
    prediction = nfl.predict(problem, _REGIME)
    outside = rule is KeepEasiest  # the easiest have the largest margins
    c, kappa, _ = oracles.slab(float(problem.rule.fraction), outside=outside)
    norm = mpf(float(problem.score.probe.norm))
    kappa = kappa if norm > 0 else mpf(1)
    _check_unbiased(problem, prediction, _REGIME.dim - 1 + 1 / kappa)
    assert relative(prediction.threshold, -norm * c) < 1e-12


@_RULES
@pytest.mark.parametrize("fraction", [1e-8, 0.03, 0.5, 0.99, 1 - 1e-8])
def test_leverage(rule, fraction):
    problem = example_problem(scores.Leverage, rule, fraction=fraction)
    prediction = nfl.predict(problem, _REGIME)
    with mp.workdps(30):
        c, second, _ = oracles.ball(mpf(fraction), _REGIME.dim, outside=rule is KeepHardest)
        _check_unbiased(problem, prediction, _REGIME.dim / second)
        assert relative(prediction.threshold, c) < 1e-12
    assert np.isnan(prediction.probe_overlap)


@pytest.mark.parametrize(
    ("score", "rule"), [(scores.EL2N, KeepRandom), (scores.Uniform, KeepHardest)]
)
@given(data=st.data())
def test_random(score, rule, data):
    problem = data.draw(problems(score, rule))
    prediction = nfl.predict(problem, _REGIME)
    _check_unbiased(problem, prediction, mpf(_REGIME.dim))
    assert np.isnan(prediction.threshold)


@_RULES
@settings(max_examples=30)
@given(data=st.data())
def test_ridge_on_a_chosen_margin_is_biased(rule, data):
    """w = (A + penalty)^-1 A w0, with A = 1 + (kappa - 1) u u' along the probe."""
    problem = data.draw(problems(scores.Uncertainty, rule, penalty=penalties()))
    prediction = nfl.predict(problem, _REGIME)
    kappa = oracles.slab(float(problem.rule.fraction), outside=rule is KeepEasiest)[1]
    if float(problem.score.probe.norm) == 0.0:
        kappa = mpf(1)
    u = mp.matrix([mpf(float(x)) for x in problem.score.probe.direction])
    second = mp.eye(2) + (kappa - 1) * u * u.T
    teacher = mp.matrix([mpf(float(problem.model.signal)), 0])
    ridge = second + mpf(float(problem.learner.penalty)) * mp.eye(2)
    student = mp.lu_solve(ridge, second * teacher)
    for actual, exact in zip((prediction.parallel, prediction.orthogonal), student, strict=True):
        assert abs(mpf(float(actual)) - exact) <= 1e-13 * mp.norm(teacher)


@_RULES
@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_ridge_on_chosen_lengths_shrinks(rule, penalty):
    problem = example_problem(scores.Leverage, rule, penalty=penalty)
    prediction = nfl.predict(problem, _REGIME)
    second = oracles.ball(mpf(0.3), _REGIME.dim, outside=rule is KeepHardest)[1]
    assert relative(prediction.parallel, second / (second + penalty)) < 1e-12
    assert float(prediction.orthogonal) == 0.0
