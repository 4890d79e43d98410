"""Which kept law serves which score."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.models import Logistic
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
from nfl_sim.theory.label_profile import score_at
from nfl_sim.theory.logistic.ball_law import BallLaw
from nfl_sim.theory.logistic.generic_law import GenericBall, generic_law
from nfl_sim.theory.logistic.law import LogisticLaw, Matrix, Resolution
from nfl_sim.theory.logistic.margin_law import Everything, HalfLine, MarginLaw, Slab
from nfl_sim.validation import NoTheoryError, Scalar, is_traced


class Kept(NamedTuple):
    """A kept law, and the score at a level of it."""

    law: LogisticLaw
    threshold: Callable[[Scalar], Scalar]


Specialisation = Callable[[Problem, int], Kept]
FINEST = 8
_STEEPEST = 2.0


def kept_law(problem: Problem, dim: int) -> Kept:
    """The law of the kept samples of a logistic problem.

    It does not know what the score is called: EL2N, Loss and Margin, hardest and easiest, of every
    dimension are one half-line, which is compiled once.

    Raises:
        NoTheoryError: the rule is unknown.
    """
    rule, score = problem.rule, problem.score
    if isinstance(rule, KeepRandom) or isinstance(score, Uniform) or _has_no_opinion(problem):
        law = Everything(logistic_model(problem), jnp.eye(2), *_across(dim))
        return Kept(law, lambda level: jnp.full_like(level, jnp.nan))
    if not isinstance(rule, KeepHardest | KeepEasiest):
        raise NoTheoryError(
            f"no theory for the rule {type(rule).__name__} on Logistic; "
            "there is for KeepHardest, KeepEasiest, KeepRandom and, where it says so, calibrations"
        )
    special = SPECIALISATIONS.get(type(score), _generic)
    return (_generic if dim == 1 and "norm" in score.needs else special)(problem, dim)


def has_direction(problem: Problem, law: LogisticLaw) -> Bool[Array, ""]:
    """False for a law along a probe that, under a trace, turns out to be null: all samples tie."""
    probe = probe_of(problem)
    if probe is None or not isinstance(law, MarginLaw):
        return jnp.asarray(True)
    return probe.norm > 0.0


def resolutions(law: LogisticLaw, refinement: int) -> tuple[Resolution, Resolution]:
    """The fine and the coarse nodes."""
    if isinstance(law, BallLaw):
        pairs = (12, 0.4), (8, 0.6)
        fine, coarse = (Resolution(order * refinement, step / refinement) for order, step in pairs)
        return fine, coarse
    pairs = ((10, 0.3) if isinstance(law, GenericBall) else (12, 0.3)), (7, 0.5)
    fine, coarse = (Resolution.of(order, step, refinement) for order, step in pairs)
    return fine, coarse


def quadrature_refinement(problem: Problem) -> int:
    """How finely to cut panels: half of the signal, from 1 to 8; 2 or 4 for a traced one."""
    signal = logistic_model(problem).signal
    if is_traced(signal):
        return 2 if isinstance(problem.score, GraNd | Influence | Leverage) else 4
    return min(max(math.ceil(float(signal) / _STEEPEST), 1), FINEST)


def logistic_model(problem: Problem) -> Logistic:
    """The problem's model, which the dispatch has found to be Logistic."""
    assert isinstance(problem.model, Logistic)
    return problem.model


def axes_of(problem: Problem, sign: float = 1.0) -> Matrix:
    """Rows: the probe's direction, with a sign, and the one across it."""
    probe = probe_of(problem)
    if probe is None:
        return jnp.eye(2)
    cosine, sine = probe.direction
    return jnp.stack([sign * probe.direction, jnp.stack([-sine, cosine])])


def _has_no_opinion(problem: Problem) -> bool:
    """A null probe of a score that sees the samples through it alone: all tie."""
    probe = probe_of(problem)
    if not isinstance(problem.score, EL2N | Loss | Margin | Uncertainty):
        return False
    return probe is not None and not is_traced(probe.norm) and float(probe.norm) == 0.0


def _across(dim: int) -> tuple[Scalar, bool]:
    """The number of directions off the plane, and whether there is only one direction at all."""
    return jnp.asarray(max(dim - 2.0, 0.0)), dim == 1


def _half_line(problem: Problem, dim: int) -> Kept:
    sign = 1.0 if _hardest(problem) else -1.0
    law = HalfLine(logistic_model(problem), axes_of(problem, sign), *_across(dim))
    return Kept(law, _score_at(problem, sign))


def _slab(problem: Problem, dim: int) -> Kept:
    model, axes, outside = logistic_model(problem), axes_of(problem), not _hardest(problem)
    law = Slab.of(model, axes, *_across(dim), outside=outside)
    return Kept(law, _score_at(problem, 1.0))


def _grand(problem: Problem, dim: int) -> Kept:
    probe = probe_of(problem)
    assert probe is not None
    model, norm, hardest = logistic_model(problem), probe.norm, _hardest(problem)
    law = BallLaw.of(model, axes_of(problem), dim, norm, hardest=hardest)
    return Kept(law, law.cut)


def _influence(problem: Problem, dim: int) -> Kept:
    """GraNd in the metric of the Hessian, which is steeper across the probe than along it."""
    probe = probe_of(problem)
    assert probe is not None
    model, norm, hardest = logistic_model(problem), probe.norm, _hardest(problem)
    along, across = model.curvatures(norm)
    law = BallLaw.of(model, axes_of(problem), dim, norm, hardest=hardest, stretch=across / along)
    return Kept(law, lambda level: law.cut(level) / jnp.sqrt(along))


def _leverage(problem: Problem, dim: int) -> Kept:
    """GraNd of the null probe is |x| / 2."""
    model, hardest = logistic_model(problem), _hardest(problem)
    law = BallLaw.of(model, axes_of(problem), dim, jnp.zeros(()), hardest=hardest)
    return Kept(law, lambda level: 2.0 * law.cut(level))


def _generic(problem: Problem, dim: int) -> Kept:
    law = generic_law(problem, logistic_model(problem), axes_of(problem), dim)
    return Kept(law, lambda level: -problem.rule.priority(jnp.ones(())) * level)


def _score_at(problem: Problem, sign: float) -> Callable[[Scalar], Scalar]:
    """The score of a sample with label 1 at a place on the first axis."""
    return lambda place: score_at(problem, sign * place)


def _hardest(problem: Problem) -> bool:
    return isinstance(problem.rule, KeepHardest)


SPECIALISATIONS: dict[type[PointwiseScore], Specialisation] = {
    EL2N: _half_line,
    GraNd: _grand,
    Influence: _influence,
    Leverage: _leverage,
    Loss: _half_line,
    Margin: _half_line,
    Uncertainty: _slab,
}
