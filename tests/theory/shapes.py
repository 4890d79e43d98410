"""Predictions of shapes that are compiled for a few calls only."""

import functools
from typing import ClassVar

import jax

import nfl_sim as nfl
from nfl_sim.pruning import PointwiseRule
from nfl_sim.scores import Feature, PointwiseScore, Probe, View

# Compiling takes most of the time of a test: do not optimise.
_HASTY = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}


def hasty_jit(function):
    """``jax.jit`` without optimisations."""
    return jax.jit(function, compiler_options=_HASTY)


@functools.cache
def hasty_predict(dim: int):
    """``predict`` in a fixed dimension, compiled in haste."""
    regime = nfl.FixedDimension(dim)
    return hasty_jit(lambda problem: nfl.predict(problem, regime))


@functools.cache
def unrecognised(known: type[PointwiseScore]) -> type[PointwiseScore]:
    """A score that does the same but has no closed form."""

    class Twin(PointwiseScore):
        sees: ClassVar[frozenset[Feature]] = known.sees
        probe: Probe | None

        def __call__(self, view: View) -> jax.Array:
            return known.__call__(self, view)

    return Twin


def with_score(problem: nfl.Problem, score: PointwiseScore) -> nfl.Problem:
    """The same problem, judged by another score."""
    return nfl.Problem(problem.model, score, problem.rule, problem.learner)


def with_rule(problem: nfl.Problem, rule: PointwiseRule) -> nfl.Problem:
    """The same problem, pruned by another rule."""
    return nfl.Problem(problem.model, problem.score, rule, problem.learner)
