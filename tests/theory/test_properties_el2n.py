"""The laws P1-P8 and P10 of EL2N, for all parameters; and where each bound is tight."""

import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.gaussian import slab_moments
from nfl_sim.pruning import KeepEasiest, KeepHardest
from tests import oracles
from tests.strategies import SELECTIVE, example_problem, fractions, log_uniform, problems

_REGIME = nfl.FixedDimension(5)
_RULES = pytest.mark.parametrize("rule", SELECTIVE)
_ROUNDING = 1e-12
_slab = jax.jit(slab_moments, static_argnums=1)


def _kappa(fraction, rule=KeepHardest):
    moments = _slab(fraction, rule is KeepHardest)
    return float(moments.second), float(moments.excess), float(moments.threshold)


def _sizes(problem):
    """q, sigma^2 and v."""
    first, second = map(float, oracles.offset(problem))
    sigma2 = float(problem.model.noise_std) ** 2
    return first**2 + second**2, sigma2, first**2 + second**2 + sigma2


def _facing(offset, noise_std, fraction, rule=KeepHardest):
    """A null probe at the distance ``offset`` from the teacher."""
    return example_problem(
        rule=rule, norm=0.0, signal=offset, noise_std=noise_std, fraction=fraction
    )


def _excess(problem):
    return float(nfl.predict(problem, _REGIME).excess_risk)


@given(fractions())
def test_p1_the_two_sides_share_the_total_second_moment(r):
    total = r * _kappa(r)[0] + (1.0 - r) * _kappa(1.0 - r, KeepEasiest)[0]
    assert abs(total - 1.0) < _ROUNDING


@given(fractions() | log_uniform(1e-100, 0.5))
def test_p2_bounds_on_kappa(r):
    hard, excess, cut = _kappa(r)
    easy, _, near = _kappa(r, KeepEasiest)
    gap, up, down = 1.0 - r, 1.0 + _ROUNDING, 1.0 - _ROUNDING
    assert cut**2 * down <= hard <= min(cut**2 + 2.0, 1.0 / r) * up
    assert excess - math.log1p(excess) <= -2.0 * math.log(r) * up
    assert easy <= near**2 / 3.0 * up
    assert math.pi * r**2 / 6.0 * down <= easy <= r**2 * up
    assert gap * (2.0 - r) * down <= excess <= gap * (1.0 - math.pi * gap**2 / 6.0) / r * up


def test_p2_is_tight_at_the_ends():
    hard, excess, cut = _kappa(1e-100)
    assert hard > 0.999 * cut**2 + 1.99
    assert excess - math.log1p(excess) > 0.97 * 2.0 * 100.0 * math.log(10.0)
    easy, _, near = _kappa(1e-6, KeepEasiest)
    assert easy == pytest.approx(near**2 / 3.0, rel=1e-6)
    assert easy == pytest.approx(math.pi * 1e-12 / 6.0, rel=1e-6)
    assert _kappa(1 - 1e-8, KeepEasiest)[0] == pytest.approx(1.0, rel=1e-6)
    assert _kappa(1 - 1e-8)[1] == pytest.approx(1e-8, rel=1e-6)  # both bounds at once


@_RULES
@settings(max_examples=50)
@given(data=st.data())
def test_p3_keeping_more_never_hurts(rule, data):
    problem = data.draw(problems(scores.EL2N, rule))
    more = data.draw(st.floats(float(problem.rule.fraction), 1.0))
    fuller = nfl.Problem(problem.model, problem.score, rule(more), problem.learner)
    q, sigma2, _ = _sizes(problem)
    less, excess = _excess(fuller), _excess(problem)
    assert 0.0 <= less <= excess * (1.0 + _ROUNDING)
    worst = q if rule is KeepEasiest else sigma2**2 / q if q else math.inf
    assert excess < worst * (1.0 + _ROUNDING) or q == 0.0
    assert _excess(nfl.Problem(problem.model, problem.score, rule(1.0), problem.learner)) == 0.0


@_RULES
@settings(max_examples=50)
@given(data=st.data())
def test_p4_the_student_is_on_the_line_of_probe_and_teacher(rule, data):
    problem = data.draw(problems(scores.EL2N, rule, spread=3.0))
    prediction = nfl.predict(problem, _REGIME)
    delta = np.array([float(x) for x in oracles.offset(problem)])
    q, _, v = _sizes(problem)
    moved = np.array([prediction.parallel, prediction.orthogonal], float)
    moved -= np.array([float(problem.model.signal), 0.0]) - delta
    off_line = delta[0] * moved[1] - delta[1] * moved[0]
    assert abs(off_line) <= 1e-12 * (q + math.sqrt(q) * 6.0)
    if q < 1e-3:
        return
    beta = moved @ delta / q
    low, high = (0.0, 1.0) if rule is KeepEasiest else (1.0, v / q)
    assert low - 1e-9 <= beta <= high * (1.0 + 1e-9)


@_RULES
@settings(max_examples=50)
@given(fractions(1e-6), log_uniform(0.1, 10.0), log_uniform(0.1, 10.0))
def test_p5_the_worst_probe(rule, fraction, offset, noise_std):
    """E <= sigma^2 (kappa - 1)^2 / (4 kappa), with equality exactly at q = sigma^2 / kappa."""
    kappa, excess, _ = _kappa(fraction, rule)
    bound = noise_std**2 * excess**2 / (4.0 * kappa)
    assert _excess(_facing(offset, noise_std, fraction, rule)) <= bound * (1.0 + 1e-11)
    worst = _facing(noise_std / math.sqrt(kappa), noise_std, fraction, rule)
    assert _excess(worst) == pytest.approx(bound, rel=1e-11)


@_RULES
@settings(max_examples=50)
@given(data=st.data(), power=st.integers(-8, 8))
def test_p6_scaling(rule, data, power):
    """(w0, delta, sigma) -> t (w0, delta, sigma): every risk scales by t^2 (t = 2^k is exact)."""
    scale = 2.0**power
    problem = data.draw(problems(scores.EL2N, rule))
    probe = problem.score.probe
    scaled = nfl.Problem(
        nfl.models.Linear(scale * problem.model.signal, scale * problem.model.noise_std),
        scores.EL2N(nfl.Probe(probe.angle, scale * probe.norm)),
        problem.rule,
        problem.learner,
    )
    before, after = (nfl.predict(p, _REGIME) for p in (problem, scaled))
    for name in ("excess_risk", "finite_size", "covariance"):
        expected = scale**2 * getattr(before, name)
        np.testing.assert_allclose(getattr(after, name), expected, rtol=1e-13)


@given(fractions(1e-6), log_uniform(0.1, 10.0), log_uniform(0.1, 10.0))
def test_p7_continuity_at_full_data(r, offset, noise_std):
    q, sigma2 = offset**2, noise_std**2
    bound = q * sigma2**2 * (1.0 - r) ** 2 / (r * (q + sigma2)) ** 2
    assert _excess(_facing(offset, noise_std, r)) <= bound * (1.0 + 1e-11)
    near = 1.0 - 1e-6
    tight = q * sigma2**2 * 1e-12 / (q + sigma2) ** 2
    assert _excess(_facing(offset, noise_std, near)) == pytest.approx(tight, rel=1e-4)


@_RULES
@settings(max_examples=50)
@given(data=st.data())
def test_p8_the_residual(rule, data):
    """1/tau^2 = 1/(kappa v) + q/(v sigma^2), and tau^2 > sigma^2 exactly for the hardest."""
    problem = data.draw(problems(scores.EL2N, rule))
    q, sigma2, v = _sizes(problem)
    kappa, excess, _ = _kappa(float(problem.rule.fraction), rule)
    residual = 2.0 * float(nfl.predict(problem, _REGIME).training_loss)
    assert 1.0 / residual == pytest.approx(1.0 / (kappa * v) + q / (v * sigma2), rel=1e-11)
    if abs(excess) > 1e-6 * (1.0 + q / sigma2):
        assert (residual > sigma2) == (rule is KeepHardest)


@_RULES
@settings(max_examples=50)
@given(data=st.data())
def test_p10_the_threshold_only_adds_variance(rule, data):
    problem = data.draw(problems(scores.EL2N, rule))
    covariance = np.array(nfl.predict(problem, _REGIME).covariance)
    fraction, sigma2 = float(problem.rule.fraction), _sizes(problem)[1]
    perpendicular = fraction * 4.0 * covariance[2, 2]
    total = fraction * (np.trace(covariance[:2, :2]) + 3.0 * covariance[2, 2])
    exact = oracles.el2n(problem, 5)
    fixed = float(exact.variance - exact.threshold_variance)
    assert float(exact.threshold_variance) >= 0.0
    assert total >= fixed * (1.0 - 1e-10)
    if rule is KeepHardest:
        assert total >= 4.0 * sigma2 * (1.0 - _ROUNDING)
    else:
        assert perpendicular <= 4.0 * sigma2 * (1.0 + _ROUNDING)
