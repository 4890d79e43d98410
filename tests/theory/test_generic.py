"""The quadrature of any score against every closed form, and its refusals."""

import functools
from typing import ClassVar

import jax
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import Feature, PointwiseScore, Probe, View
from nfl_sim.theory.linear import generic
from tests.strategies import example_problem

# These shapes are compiled once and run a few times: do not optimise them.
_HASTY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


@functools.cache
def unrecognised(known: type[PointwiseScore]) -> type[PointwiseScore]:
    """A score that does the same but has no closed form."""

    class Twin(PointwiseScore):
        sees: ClassVar[frozenset[Feature]] = known.sees
        probe: Probe | None

        def __call__(self, view: View) -> jax.Array:
            return known.__call__(self, view)

    return Twin


@functools.cache
def hasty_predict(dim):
    regime = nfl.FixedDimension(dim)
    return jax.jit(lambda problem: nfl.predict(problem, regime), compiler_options=_HASTY)


def _twin(problem):
    score = unrecognised(type(problem.score))(problem.score.probe)
    return nfl.Problem(problem.model, score, problem.rule, problem.learner)


def _problems(score, rule, dim):
    """With and without a penalty, from rare to common: values of one shape."""
    angle = 0.6 if dim > 1 else np.pi
    return [
        example_problem(score, rule, angle=angle, fraction=fraction, penalty=penalty)
        for fraction, penalty in ((0.3, 0.0), (0.3, 0.4), (1e-3, 0.1), (0.97, 0.0))
    ]


def _check(actual, expected, accuracy):
    assert bool(actual.converged)
    assert bool(expected.converged)
    assert float(actual.numerical_error) < 1e-6
    for name in ("threshold", "parallel", "orthogonal", "training_loss", "finite_size"):
        np.testing.assert_allclose(
            getattr(actual, name), getattr(expected, name), rtol=accuracy, atol=accuracy
        )
    np.testing.assert_allclose(actual.covariance, expected.covariance, rtol=accuracy, atol=accuracy)
    gap = abs(float(actual.excess_risk - expected.excess_risk))
    assert gap <= 1e-9 * float(expected.excess_risk) + 1e-15


# Each dimension has its own side rules; each score its own grid; each rule its own side.
@pytest.mark.parametrize(
    ("score", "dim", "rule"),
    [
        *((scores.EL2N, d, KeepHardest if d in (1, 3) else KeepEasiest) for d in (1, 2, 3, 6)),
        *((scores.Uncertainty, d, KeepHardest if d % 2 else KeepEasiest) for d in (1, 2, 3, 6)),
        *((scores.Leverage, d, KeepEasiest if d in (1, 3) else KeepHardest) for d in (1, 2, 3, 6)),
        (scores.GraNd, 1, KeepHardest),
    ],
)
def test_closed_forms(score, dim, rule):
    for problem in _problems(score, rule, dim):
        closed = nfl.predict(problem, nfl.FixedDimension(dim))
        _check(hasty_predict(dim)(_twin(problem)), closed, 1e-8)


@pytest.mark.parametrize(("dim", "rule"), [(2, KeepEasiest), (3, KeepHardest), (6, KeepEasiest)])
def test_grand_in_the_plane_and_beyond(monkeypatch, dim, rule):
    """The full grid takes seconds a run here: a coarse one, and the accuracy that it has."""
    monkeypatch.setattr(generic, "_NODES_PER_PANEL", 6)
    problem = example_problem(scores.GraNd, rule, fraction=0.3, penalty=0.2)
    closed = nfl.predict(problem, nfl.FixedDimension(dim))
    twin = nfl.predict(_twin(problem), nfl.FixedDimension(dim))
    _check(twin, closed, 1e-4)


def test_the_probe_of_norm_zero_and_the_perfect_probe():
    for angle, norm in ((0.6, 0.0), (0.0, 1.0)):
        problem = example_problem(rule=KeepEasiest, angle=angle, norm=norm)
        closed = nfl.predict(problem, nfl.FixedDimension(2))
        _check(hasty_predict(2)(_twin(problem)), closed, 1e-8)
