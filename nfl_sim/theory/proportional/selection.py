"""What a rule keeps of a score, as places along the probe."""

from nfl_sim.models import Perceptron
from nfl_sim.problem import Problem, probe_of
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import (
    EL2N,
    GraNd,
    Leverage,
    Loss,
    Margin,
    PointwiseScore,
    Uncertainty,
    Uniform,
)
from nfl_sim.theory.label_profile import label_profile, level_range
from nfl_sim.theory.proportional.intervals import Everything, HalfLine, LevelSet, Selection, Slab
from nfl_sim.theory.proportional.law import REACH
from nfl_sim.theory.strata import sharpened
from nfl_sim.validation import NoTheoryError, is_traced


def select(problem: Problem, *, tied: bool) -> Selection:
    """What the problem's rule keeps of its score; of a calibration, the top.

    Args:
        problem: the problem.
        tied: whether all samples tie; see `all_tie`.

    Raises:
        NoTheoryError: the rule is none of KeepHardest, KeepEasiest, KeepRandom and the
            calibrations, or the score has no law in high dimension.
    """
    rule, score = sharpened(problem).rule, problem.score
    if not isinstance(rule, KeepHardest | KeepEasiest | KeepRandom):
        raise NoTheoryError(
            f"no theory for the rule {type(rule).__name__} in Proportional; "
            "there is for KeepHardest, KeepEasiest, KeepRandom, ExactCalibration, SoftCalibration"
        )
    if isinstance(rule, KeepRandom) or isinstance(score, Leverage | Uniform) or tied:
        return Everything()
    hardest = isinstance(rule, KeepHardest)
    if isinstance(score, Uncertainty):
        return Slab(outside=not hardest)
    two_valued = isinstance(problem.model, Perceptron) and bool(score.needs & {"residual", "loss"})
    if two_valued:
        raise NoTheoryError(
            f"{type(score).__name__} takes two values on Perceptron, so its level keeps no given "
            "fraction; there is a theory for Margin, Uncertainty, Leverage, Uniform and scores of "
            "your own that see the probe_margin and the label"
        )
    if isinstance(score, EL2N | GraNd | Loss | Margin):
        return HalfLine(side=1.0 if hardest else -1.0)
    refuse_norm(score)
    profile = label_profile(problem, REACH)
    return LevelSet(profile, *level_range(profile))


def refuse_norm(score: PointwiseScore) -> None:
    """Raise ``NoTheoryError`` if the score sees the norm."""
    if "norm" in score.needs:
        raise NoTheoryError(
            f"no theory for {type(score).__name__} in Proportional: it sees the norm, which does "
            "not vary in high dimension; there is for EL2N, GraNd, Loss, Margin, Uncertainty, "
            "Leverage, Uniform and scores of your own without the norm"
        )


def all_tie(problem: Problem) -> bool:
    """Whether a score that sees the samples through its probe alone has a null one.

    It reads the number, so it must be asked outside ``jit``; a traced norm of 0 gives nan.
    """
    probe = probe_of(problem)
    if not isinstance(problem.score, EL2N | GraNd | Loss | Margin | Uncertainty):
        return False
    return probe is not None and not is_traced(probe.norm) and float(probe.norm) == 0.0
