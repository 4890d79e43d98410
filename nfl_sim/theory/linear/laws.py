"""Which kept law serves which score: the closed forms, and the quadrature for everything else."""

from collections.abc import Callable

from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Leverage, PointwiseScore, Uncertainty, Uniform
from nfl_sim.theory.linear.frame import teacher_plane
from nfl_sim.theory.linear.generic import generic_law
from nfl_sim.theory.linear.grand import grand_law
from nfl_sim.theory.linear.law import LinearLaw
from nfl_sim.theory.linear.radial import RadialLaw
from nfl_sim.theory.linear.slab import SlabLaw
from nfl_sim.theory.linear.student import linear_model
from nfl_sim.validation import NoTheoryError, Scalar

Specialisation = Callable[..., LinearLaw]


def kept_law(problem: Problem, penalty: Scalar, dim: int) -> LinearLaw:
    """The law of the kept samples of a linear problem.

    Raises:
        NoTheoryError: the rule is none of KeepHardest, KeepEasiest, KeepRandom.
    """
    model, rule, score = linear_model(problem), problem.rule, problem.score
    if isinstance(rule, KeepRandom) or isinstance(score, Uniform):
        return SlabLaw.of_nothing(model, penalty, dim)
    if not isinstance(rule, KeepHardest | KeepEasiest):
        raise NoTheoryError(
            f"no theory for the rule {type(rule).__name__} on Linear; "
            "there is for KeepHardest, KeepEasiest, KeepRandom"
        )
    specialise = SPECIALISATIONS.get(type(score))
    if specialise is None:
        return generic_law(problem, model, penalty, dim)
    return specialise(model, score, penalty, dim, hardest=isinstance(rule, KeepHardest))


def _el2n(model: Linear, score: EL2N, penalty: Scalar, dim: int, *, hardest: bool) -> LinearLaw:
    return SlabLaw.of_residual(model, score.probe, penalty, dim, hardest=hardest)


def _uncertainty(
    model: Linear, score: Uncertainty, penalty: Scalar, dim: int, *, hardest: bool
) -> LinearLaw:
    return SlabLaw.of_margin(model, score.probe, penalty, dim, hardest=hardest)


def _grand(model: Linear, score: GraNd, penalty: Scalar, dim: int, *, hardest: bool) -> LinearLaw:
    return grand_law(model, score.probe, penalty, dim, hardest=hardest)


def _leverage(
    model: Linear, score: Leverage, penalty: Scalar, dim: int, *, hardest: bool
) -> LinearLaw:
    return RadialLaw(teacher_plane(model), model.noise_std, penalty, dim, outside=hardest)


SPECIALISATIONS: dict[type[PointwiseScore], Specialisation] = {
    EL2N: _el2n,
    GraNd: _grand,
    Leverage: _leverage,
    Uncertainty: _uncertainty,
}
