"""Which kept law serves which score: the closed forms, and the quadrature for everything else."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from nfl_sim.problem import Problem, probe_of
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import (
    EL2N,
    GraNd,
    Influence,
    Leverage,
    Loss,
    Margin,
    PointwiseScore,
    Uncertainty,
    Uniform,
)
from nfl_sim.theory.linear.frame import teacher_plane
from nfl_sim.theory.linear.generic import generic_law
from nfl_sim.theory.linear.grand import grand_law
from nfl_sim.theory.linear.law import LinearLaw
from nfl_sim.theory.linear.radial import RadialLaw
from nfl_sim.theory.linear.slab import SlabLaw
from nfl_sim.theory.linear.student import fixed_probe, linear_model
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

Specialisation = Callable[[Problem, Scalar, int, int], LinearLaw]
_FINEST = 8
_SMALLEST = 1e-300


def kept_law(problem: Problem, penalty: Scalar, dim: int, *, refinement: int = 1) -> LinearLaw:
    """The law of the kept samples of a linear problem.

    Args:
        problem: of the model Linear.
        penalty: of its learner.
        dim: dimension of the covariates.
        refinement: how finely a quadrature cuts its panels; see `quadrature_refinement`.

    Raises:
        NoTheoryError: the rule is unknown.
    """
    rule, score = problem.rule, problem.score
    if isinstance(rule, KeepRandom) or isinstance(score, Uniform) or _ties(problem):
        return SlabLaw.of_nothing(linear_model(problem), penalty, dim)
    if not isinstance(rule, KeepHardest | KeepEasiest):
        raise NoTheoryError(
            f"no theory for the rule {type(rule).__name__} on Linear; "
            "there is for KeepHardest, KeepEasiest, KeepRandom and, where it says so, calibrations"
        )
    return SPECIALISATIONS.get(type(score), generic_law)(problem, penalty, dim, refinement)


def quadrature_refinement(problem: Problem) -> int:
    """How finely to cut panels of x: half of |w0 - w_p| / sigma, from 1 to 8.

    What a score keeps turns from little to much within about sigma / |w0 - w_p| of x. A traced
    problem gets 2; what is not resolved shows in the numerical error. Closed forms need none.
    """
    if isinstance(problem.score, EL2N | Leverage | Loss | Uncertainty | Uniform):
        return 1
    model, probe = linear_model(problem), probe_of(problem)
    reference = jnp.zeros(2) if probe is None else probe.plane
    ratio = jnp.linalg.norm(teacher_plane(model) - reference) / model.noise_std
    if is_traced(ratio):
        return 2
    return min(max(math.ceil(0.5 * float(ratio)), 1), _FINEST)


def _ties(problem: Problem) -> bool:
    """A null probe gives all samples the margin 0."""
    probe = probe_of(problem)
    if not isinstance(problem.score, Margin) or probe is None or is_traced(probe.norm):
        return False
    return float(probe.norm) == 0.0


class ScoreUnits(NamedTuple):
    """The score at a threshold of a law, and the threshold at a score.

    Args:
        halved: whether the score is half the square of the threshold, as Loss is of EL2N.
    """

    halved: bool

    @classmethod
    def of(cls, score: PointwiseScore) -> "ScoreUnits":
        """Those of a score."""
        return cls(isinstance(score, Loss))

    def score(self, threshold: Scalar) -> Scalar:
        """At a threshold."""
        return 0.5 * threshold**2 if self.halved else threshold

    def threshold(self, score: Scalar) -> Scalar:
        """At a score."""
        return jnp.sqrt(2.0 * jnp.maximum(score, _SMALLEST)) if self.halved else score


def _el2n(problem: Problem, penalty: Scalar, dim: int, _: int) -> LinearLaw:
    model, probe = linear_model(problem), fixed_probe(problem)
    return SlabLaw.of_residual(model, probe, penalty, dim, hardest=_hardest(problem))


def _uncertainty(problem: Problem, penalty: Scalar, dim: int, _: int) -> LinearLaw:
    model, probe = linear_model(problem), fixed_probe(problem)
    return SlabLaw.of_margin(model, probe, penalty, dim, hardest=_hardest(problem))


def _grand(problem: Problem, penalty: Scalar, dim: int, refinement: int) -> LinearLaw:
    model, probe = linear_model(problem), fixed_probe(problem)
    return grand_law(model, probe, penalty, dim, hardest=_hardest(problem), refinement=refinement)


def _leverage(problem: Problem, penalty: Scalar, dim: int, _: int) -> LinearLaw:
    model = linear_model(problem)
    outside = _hardest(problem)
    return RadialLaw(teacher_plane(model), model.noise_std, penalty, dim, outside)


def _hardest(problem: Problem) -> bool:
    return isinstance(problem.rule, KeepHardest)


SPECIALISATIONS: dict[type[PointwiseScore], Specialisation] = {
    EL2N: _el2n,
    GraNd: _grand,
    Influence: _grand,
    Leverage: _leverage,
    Loss: _el2n,
    Uncertainty: _uncertainty,
}
