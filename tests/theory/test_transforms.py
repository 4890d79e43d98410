"""Predictions under jit, vmap and grad, in every scalar of a problem."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from tests.strategies import example_problem
from tests.theory.shapes import hasty_jit, unrecognised, with_score

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
        (scores.GraNd, KeepEasiest),
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
def test_jit_of_vmap_is_a_loop(score, rule):
    problems = _several(score, rule)
    loop = [nfl.predict(problem, _REGIME) for problem in problems]
    mapped = hasty_jit(jax.vmap(lambda p: nfl.predict(p, _REGIME)))(_stack(problems))
    for name in _NUMBERS:
        expected = [getattr(p, name) for p in loop]
        actual = getattr(mapped, name)
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def _value(problem):
    prediction = nfl.predict(problem, _REGIME)
    return prediction.excess_risk + 0.1 * prediction.finite_size + prediction.orthogonal


_gradient = hasty_jit(jax.grad(_value))


@_SHAPES
def test_gradients_are_those_of_finite_differences(score, rule):
    """In signal, noise_std, angle, norm, fraction and penalty; also at delta = 0.

    The two dozen values take seconds with GraNd, whose problems are shared out.
    """
    problems = _several(score, rule)
    if score is scores.GraNd:
        problems = problems[:2] if rule is KeepHardest else problems[2:]
    for problem in problems:
        slopes = jax.tree.leaves(_gradient(problem))
        assert len(slopes) == (4 if score is scores.Leverage else 6)
        expected = _differences(problem)
        assert np.all(np.isfinite(slopes))
        np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-7)


def _differences(problem):
    """Fourth order in every scalar, one-sided for a penalty of 0."""
    paths, tree = jax.tree.flatten_with_path(problem)
    leaves, slopes = [leaf for _, leaf in paths], []
    for i, (path, leaf) in enumerate(paths):
        step = 1e-3 * min(1.0, float(leaf) if leaf > 0.0 else 1.0)
        at_edge = jax.tree_util.keystr(path).endswith("penalty") and leaf == 0.0
        offsets = np.arange(5.0) if at_edge else np.array([-2.0, -1.0, 1.0, 2.0])
        stencil = [-25.0, 48.0, -36.0, 16.0, -3.0] if at_edge else [1.0, -8.0, 8.0, -1.0]
        values = [
            float(
                _value(jax.tree.unflatten(tree, [*leaves[:i], leaf + step * o, *leaves[i + 1 :]]))
            )
            for o in offsets
        ]
        slopes.append(np.dot(stencil, values) / (12.0 * step))
    return slopes


def test_gradients_through_generic_quadrature():
    """A kept set that the closed forms do not know moves smoothly, too."""
    known = example_problem()
    twin = with_score(known, unrecognised(scores.EL2N)(known.score.probe))
    gradient = hasty_jit(jax.grad(lambda p: nfl.predict(p, nfl.FixedDimension(2)).excess_risk))
    actual, expected = (jax.tree.leaves(gradient(problem)) for problem in (twin, known))
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
