"""Ridge in high dimension: P14 of the double descent, and what ridge on signs shares with it."""

import itertools
import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

import nfl_sim as nfl
from nfl_sim.learners import Ridge
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Leverage, Uncertainty, Uniform
from tests.strategies import example_problem, log_uniform, penalties, problems
from tests.theory.proportional.problems import at, logistic, perceptron, student
from tests.theory.shapes import with_score

few = settings(max_examples=12)
_RULES = st.sampled_from((KeepHardest, KeepEasiest))
_ORDINARY = st.floats(0.05, 0.95)


def _problems(rule, penalty=None, spread=3.0):
    return problems(EL2N, rule, spread=spread, fraction=_ORDINARY, penalty=penalty)


def _risk(problem, kept_ratio):
    """At so many kept samples a dimension."""
    return float(at(problem, kept_ratio / float(problem.rule.fraction)).excess_risk)


def _fixed(problem):
    return nfl.predict(problem, nfl.FixedDimension(2))


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest, KeepRandom])
@few
@given(data=st.data())
def test_many_samples_a_dimension(rule, data):
    """(i) R tends to the limit at fixed dimension as 1 / alpha, with the same penalty."""
    problem = data.draw(_problems(rule, penalties()))
    limit = float(_fixed(problem).excess_risk)
    gaps = [_risk(problem, ratio) - limit for ratio in (1e4, 1e5, 1e6)]
    for first, second in itertools.pairwise(gaps):
        assert second == pytest.approx(0.1 * first, rel=0.05, abs=1e-12 + 1e-7 * limit)


@few
@given(data=st.data(), rule=_RULES, ratios=st.tuples(*[log_uniform(1.05, 1e3)] * 2))
def test_least_squares_beyond_the_peak(data, rule, ratios):
    """(ii) R = E(r) + tau^2 / (alpha - 1), with one tau^2: it falls."""
    problem = data.draw(_problems(rule))
    low, high = sorted(ratios)
    assume(high > 1.01 * low)
    limit, residual = float(_fixed(problem).excess_risk), _residual(problem)
    for ratio in (low, high):
        assert _risk(problem, ratio) == pytest.approx(limit + residual / (ratio - 1.0), rel=1e-9)
    assert _risk(problem, high) < _risk(problem, low)


def _residual(problem):
    """tau^2 of EL2N: 1/tau^2 = 1/(kappa v) + q/(v sigma^2)."""
    model, probe = problem.model, problem.score.probe
    signal, sigma2 = float(model.signal), float(model.noise_std) ** 2
    q = signal**2 + float(probe.norm) ** 2
    q -= 2.0 * signal * float(probe.norm) * math.cos(float(probe.angle))
    v, r = q + sigma2, float(problem.rule.fraction)
    kappa = _second_moment(r, hardest=isinstance(problem.rule, KeepHardest))
    return 1.0 / (1.0 / (kappa * v) + q / (v * sigma2))


def _second_moment(fraction, *, hardest):
    """E[Z^2 | kept] by quadrature."""
    cut = stats.norm.isf(0.5 * (fraction if hardest else 1.0 - fraction))
    x, w = np.polynomial.legendre.leggauss(200)
    low, high = (cut, cut + 14.0) if hardest else (0.0, cut)
    z = low + 0.5 * (high - low) * (x + 1.0)
    return float(np.sum(w * 0.5 * (high - low) * 2.0 * z**2 * stats.norm.pdf(z)) / fraction)


@few
@given(data=st.data(), rule=_RULES)
def test_the_peak(data, rule):
    """(iii) |alpha - 1| R tends to tau^2 from both sides, linearly."""
    problem = data.draw(_problems(rule))
    residual = _residual(problem)
    for side in (1.0, -1.0):
        gaps = [abs(eps * _risk(problem, 1.0 + side * eps) - residual) for eps in (1e-4, 1e-5)]
        assert gaps[1] <= 0.11 * gaps[0] + 1e-9 * residual
    assert math.isinf(_risk(problem, 1.0)) or _risk(problem, 1.0) > 1e12


@few
@given(data=st.data(), rule=_RULES)
def test_few_samples_or_a_large_penalty(data, rule):
    """(iv), (v): nothing is learnt."""
    problem = data.draw(_problems(rule, penalties()))
    nothing = float(problem.model.signal) ** 2
    gaps = [abs(_risk(problem, ratio) - nothing) for ratio in (1e-5, 1e-6, 1e-7)]
    assert gaps[2] <= 0.011 * gaps[0] + 1e-13 * nothing
    strong = eqx.tree_at(lambda p: p.learner.penalty, problem, jnp.asarray(1e7))
    assert _risk(strong, 2.0) == pytest.approx(nothing, rel=1e-3)


@few
@given(signal=log_uniform(0.1, 10.0), noise=log_uniform(0.1, 10.0), ratio=st.floats(0.01, 0.99))
def test_interpolation_of_a_random_sample(signal, noise, ratio):
    """(vi) R = |w0|^2 (1 - alpha) + sigma^2 alpha / (1 - alpha)."""
    problem = example_problem(EL2N, KeepRandom, signal=signal, noise_std=noise)
    expected = signal**2 * (1.0 - ratio) + noise**2 * ratio / (1.0 - ratio)
    assert _risk(problem, ratio) == pytest.approx(expected, rel=1e-11)


@few
@given(data=st.data(), rule=_RULES, scale=log_uniform(0.1, 10.0), ratio=log_uniform(0.1, 30.0))
def test_scaling(data, rule, scale, ratio):
    """(vii) R(s w0, s w_p, s sigma) = s^2 R."""
    problem = data.draw(_problems(rule, penalties()))
    assume(abs(ratio - 1.0) > 1e-3)
    scaled = eqx.tree_at(
        lambda p: (p.model.signal, p.model.noise_std, p.score.probe.norm),
        problem,
        replace_fn=lambda number: number * scale,
    )
    assert _risk(scaled, ratio) == pytest.approx(scale**2 * _risk(problem, ratio), rel=1e-10)


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])
def test_grand_is_el2n_and_leverage_is_random(rule):
    problem = example_problem(EL2N, rule, penalty=0.1)
    for mine, other in (
        (with_score(problem, GraNd(problem.score.probe)), problem),
        (with_score(problem, Leverage()), with_score(problem, Uniform())),
    ):
        for ratio in (1.0, 20.0):
            pair = [at(p, ratio) for p in (mine, other)]
            np.testing.assert_allclose(student(pair[0]), student(pair[1]), rtol=1e-13)


@few
@given(data=st.data(), rule=_RULES, ratio=log_uniform(1.05, 100.0))
def test_uncertainty_has_no_effect_beyond_the_peak(data, rule, ratio):
    """Least squares: R = sigma^2 / (alpha - 1)."""
    problem = data.draw(problems(Uncertainty, rule, spread=3.0, fraction=_ORDINARY))
    assume(float(problem.score.probe.norm) > 0.0)
    expected = float(problem.model.noise_std) ** 2 / (ratio - 1.0)
    assert _risk(problem, ratio) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("build", [perceptron, logistic])
@few
@given(fraction=_ORDINARY, angle=st.floats(0.05, 3.0), rule=_RULES)
def test_ridge_on_signs(build, fraction, angle, rule):
    """Penalties from none to large: the student is Hebb's in the end, and peaks at alpha = 1."""
    numbers = {"fraction": fraction, "angle": angle, "flip_probability": 0.1}
    strong = at(build(rule, Uncertainty, learner=Ridge(1e6), **numbers), 2.0)
    stronger = at(build(rule, Uncertainty, learner=Ridge(1e7), **numbers), 2.0)
    np.testing.assert_allclose(10.0 * student(stronger), student(strong), rtol=1e-4, atol=1e-12)
    assert float(stronger.error) == pytest.approx(float(strong.error), rel=1e-4)
    bare = build(rule, Uncertainty, learner=Ridge(0.0), **numbers)
    # At the peak the student is noise: its error nears 1/2 as the root of the distance to it.
    near, nearer = (float(at(bare, (1.0 - gap) / fraction).error) for gap in (1e-6, 1e-8))
    assert nearer - 0.5 == pytest.approx(0.1 * (near - 0.5), rel=0.05)
    interpolating = at(bare, 0.7 / fraction)
    assert abs(float(interpolating.training_loss)) < 1e-14
