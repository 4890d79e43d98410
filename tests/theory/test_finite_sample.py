"""Exact laws at one sample size against oracles, and their way to the limit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from tests import oracles
from tests.strategies import SELECTIVE, example_problem

_PERFECT = {"angle": 0.0, "norm": 1.0}
_RULES = pytest.mark.parametrize("rule", SELECTIVE)


def _excess(problem, dim, num_samples):
    return float(nfl.predict(problem, nfl.FiniteSample(dim, num_samples)).excess_risk)


@pytest.mark.parametrize(("dim", "num_samples"), [(1, 10), (5, 30), (5, 10**6)])
def test_random(dim, num_samples):
    """sigma^2 d / (m - d - 1)."""
    problem = example_problem(rule=KeepRandom, fraction=0.5, **_PERFECT)
    exact = 0.49 * dim / (num_samples // 2 - dim - 1)
    assert _excess(problem, dim, num_samples) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("kept", [1, 5, 18])
def test_random_with_fewer_rows_than_dimensions(kept):
    """Minimum norm: |w0|^2 (1 - m/d) + sigma^2 m / (d - m - 1); the student shrinks by m/d."""
    problem = example_problem(rule=KeepRandom, fraction=0.5, signal=1.7)
    prediction = nfl.predict(problem, nfl.FiniteSample(20, 2 * kept))
    exact = 1.7**2 * (1 - kept / 20) + 0.49 * kept / (19 - kept)
    assert float(prediction.excess_risk) == pytest.approx(exact, rel=1e-13)
    assert float(prediction.parallel) == pytest.approx(1.7 * kept / 20, rel=1e-13)


def test_minimum_norm_by_its_definition():
    """m = 1 row: w = x y / |x|^2, so E|w - w0|^2 needs only E[x x'/|x|^2] and E[1/|x|^2]."""
    problem = example_problem(rule=KeepRandom, fraction=0.1, signal=2.0, noise_std=0.5)
    assert _excess(problem, 4, 10) == pytest.approx(4.0 * 3 / 4 + 0.25 / 2, rel=1e-13)


@_RULES
@pytest.mark.parametrize(("m", "n"), [(6, 12), (9, 10), (3, 30)])
def test_perfect_probe(rule, m, n):
    """sigma^2 d E[kappa] / (m - d - 1): m E[kappa] is a sum of mean order statistics."""
    problem = example_problem(rule=rule, fraction=m / n, **_PERFECT)
    squares = oracles.mean_kept_squares(m, n, outside=rule is KeepHardest)
    exact = 0.49 * squares / m / (m - 2)
    assert _excess(problem, 1, n) == pytest.approx(exact, rel=1e-10)


@_RULES
@pytest.mark.parametrize(("m", "n"), [(3, 7), (5, 12), (20, 24)])
def test_uncertainty(rule, m, n):
    """sigma^2 [d - 1 + (m - 2) E(1/Q)] / (m - d - 1)."""
    problem = example_problem(scores.Uncertainty, rule, angle=0.0, fraction=m / n)
    inverse = oracles.mean_inverse_squares(m, n, outside=rule is KeepEasiest)
    exact = 0.49 * (m - 2) * inverse / (m - 2)
    assert _excess(problem, 1, n) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("score", "rule"),
    [
        (scores.EL2N, KeepRandom),
        *((score, rule) for score in (scores.EL2N, scores.Uncertainty) for rule in SELECTIVE),
    ],
)
def test_the_limit_is_approached_at_the_predicted_rate(score, rule):
    """n (exact - limit - C/n) halves as n doubles."""
    problem = example_problem(score, rule, fraction=0.25, **_PERFECT)
    limit = nfl.predict(problem, nfl.FixedDimension(5))
    rest = []
    for n in (4000, 8000, 16000):
        gap = n * (_excess(problem, 5, n) - float(limit.excess_risk)) - float(limit.finite_size)
        rest.append(gap)
    assert 0.0 < abs(rest[0]) < 0.1 * float(limit.finite_size)
    np.testing.assert_allclose(np.divide(rest[:2], rest[1:]), 2.0, rtol=0.02)


@jax.jit
def _random_excess(problem, fractions):
    def excess(fraction):
        chosen = nfl.Problem(problem.model, problem.score, KeepRandom(fraction), problem.learner)
        return nfl.predict(chosen, nfl.FiniteSample(5, 2**21)).excess_risk

    return jax.vmap(excess)(fractions)


@given(st.floats(0.01, 10.0), st.integers(8, 10**6))
@settings(max_examples=50)
def test_more_random_samples_are_better(noise_std, num_samples):
    """P13, also where m moves by one."""
    problem = example_problem(rule=KeepRandom, fraction=1.0, noise_std=noise_std)
    kept = jnp.array([num_samples, num_samples + 1.0]) / 2.0**21

    fewer, more = _random_excess(problem, kept)
    assert float(fewer) > float(more) > 0.0


def test_what_is_not_known_is_refused():
    regime = nfl.FiniteSample(5, 100)
    cases = {
        "EL2N with a probe at distance": example_problem(),
        "GraNd": example_problem(scores.GraNd),
        "Leverage": example_problem(scores.Leverage),
        r"Ridge\(penalty=0.1\)": example_problem(rule=KeepRandom, penalty=0.1),
    }
    for message, problem in cases.items():
        with pytest.raises(nfl.NoTheoryError, match=message):
            nfl.predict(problem, regime)
    perfect = example_problem(rule=KeepEasiest, fraction=0.03, **_PERFECT)
    with pytest.raises(nfl.NoTheoryError, match="num_kept=3 < dim=5"):
        nfl.predict(perfect, regime)


@pytest.mark.parametrize("kept", [4, 5, 6])
def test_an_infinite_mean_is_refused(kept):
    problem = example_problem(rule=KeepRandom, fraction=kept / 100)
    with pytest.raises(ValueError, match=f"num_kept={kept} and dim=5"):
        nfl.predict(problem, nfl.FiniteSample(5, 100))
    traced = jax.jit(
        lambda r: nfl.predict(
            nfl.Problem(problem.model, problem.score, KeepRandom(r), problem.learner),
            nfl.FiniteSample(5, 100),
        )
    )(kept / 100)
    assert np.isnan(traced.excess_risk)
    assert not bool(traced.converged)
