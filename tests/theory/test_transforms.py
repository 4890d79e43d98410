"""Predictions under jit, vmap and grad, in every scalar of a problem."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from tests.strategies import example_problem
from tests.theory.shapes import hasty_predict

_REGIME = nfl.FixedDimension(5)
_NUMBERS = ("excess_risk", "parallel", "orthogonal", "norm", "finite_size", "training_loss")
_SHAPES = pytest.mark.parametrize(
    ("score", "rule"),
    [
        (scores.EL2N, KeepHardest),
        (scores.EL2N, KeepEasiest),
        (scores.Uncertainty, KeepEasiest),
        (scores.Leverage, KeepHardest),
        (scores.EL2N, KeepRandom),
        (scores.GraNd, KeepHardest),
    ],
)


def _stack(problems):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *problems)


def _several(score, rule):
    """The last has the perfect probe."""
    return [
        example_problem(score, rule, fraction=0.3, penalty=0.0),
        example_problem(score, rule, fraction=0.8, penalty=0.2, angle=-2.0),
        example_problem(score, rule, fraction=0.05, penalty=0.1, angle=0.0, norm=1.0),
    ]


@_SHAPES
def test_vmap_is_a_loop_and_jit_changes_nothing(score, rule):
    problems = _several(score, rule)
    loop = [nfl.predict(problem, _REGIME) for problem in problems]
    mapped = jax.jit(jax.vmap(lambda p: nfl.predict(p, _REGIME)))(_stack(problems))
    jitted = [hasty_predict(5)(problem) for problem in problems]
    for name in _NUMBERS:
        expected = [getattr(p, name) for p in loop]
        for actual in (getattr(mapped, name), [getattr(p, name) for p in jitted]):
            np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12, err_msg=name)


@functools.cache
def _gradient():
    def value(problem):
        prediction = nfl.predict(problem, _REGIME)
        return prediction.excess_risk + 0.1 * prediction.finite_size + prediction.orthogonal

    return jax.jit(value), jax.jit(jax.grad(value))


@_SHAPES
def test_gradients_are_those_of_finite_differences(score, rule):
    """In signal, noise_std, angle, norm, fraction and penalty; also at delta = 0."""
    value, gradient = _gradient()
    for problem in _several(score, rule):
        slopes, tree = jax.tree.flatten(gradient(problem))
        leaves = jax.tree.leaves(problem)
        assert len(leaves) == (4 if score is scores.Leverage else 6)
        for i, slope in enumerate(slopes):
            expected = _difference(value, tree, leaves, i)
            assert np.isfinite(slope)
            assert float(slope) == pytest.approx(expected, rel=2e-6, abs=2e-7)


def _difference(value, tree, leaves, i):
    """Fourth order, one-sided where the scalar sits at the end of its domain."""
    step = 1e-3 * min(1.0, float(leaves[i]) or 1.0, 1.0)
    at_edge = float(leaves[i]) == 0.0
    offsets = np.arange(5.0) if at_edge else np.arange(-2.0, 3.0)
    weights = [-25.0, 48.0, -36.0, 16.0, -3.0] if at_edge else [1.0, -8.0, 0.0, 8.0, -1.0]
    total = 0.0
    for offset, weight in zip(offsets, weights, strict=True):
        moved = [*leaves]
        moved[i] = leaves[i] + step * offset
        total += weight * float(value(jax.tree.unflatten(tree, moved)))
    return total / (12.0 * step)


def test_gradients_through_generic_quadrature():
    """A kept set that the closed forms do not know moves smoothly, too."""
    from tests.theory.shapes import unrecognised, with_score

    known = example_problem()
    twin = with_score(known, unrecognised(scores.EL2N)(known.score.probe))

    def excess(problem):
        return nfl.predict(problem, nfl.FixedDimension(2)).excess_risk

    actual = jax.tree.leaves(eqx.filter_jit(eqx.filter_grad(excess))(twin))
    expected = jax.tree.leaves(eqx.filter_jit(eqx.filter_grad(excess))(known))
    np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("score", "rule"), [(scores.EL2N, KeepEasiest), (scores.Uncertainty, KeepHardest)]
)
def test_finite_samples_map_over_values(score, rule):
    problems = [
        example_problem(score, rule, angle=0.0, norm=signal, signal=signal, noise_std=noise_std)
        for signal, noise_std in ((1.0, 1.0), (2.0, 0.3))
    ]
    regime = nfl.FiniteSample(5, 100)
    mapped = jax.vmap(lambda p: nfl.predict(p, regime))(_stack(problems)).excess_risk
    loop = [nfl.predict(p, regime).excess_risk for p in problems]
    np.testing.assert_allclose(mapped, loop, rtol=1e-12)


def test_limits_and_crossovers_map_over_values():
    problems = [example_problem(rule=KeepEasiest, angle=angle) for angle in (0.3, 1.0)]
    for function in (
        lambda p: nfl.small_fraction_limit(p, _REGIME).excess_risk,
        lambda p: nfl.crossover_sample_size(p, _REGIME),
    ):
        loop = [function(p) for p in problems]
        np.testing.assert_allclose(jax.vmap(function)(_stack(problems)), loop, rtol=1e-12)
