"""Prediction in high dimension for the models with labels +-1."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.learners import MaxMargin
from nfl_sim.problem import Problem, Proportional, is_valid
from nfl_sim.scores import GraNd
from nfl_sim.theory.label_profile import score_at
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.proportional.intervals import Everything, HalfLine, LevelSet, Selection
from nfl_sim.theory.proportional.kept import KeptLaw, keep, teacher_step
from nfl_sim.theory.proportional.panels import COARSE, FINE
from nfl_sim.theory.proportional.readout import Frame, describe
from nfl_sim.theory.proportional.selection import all_tie, select
from nfl_sim.theory.proportional.training import Outcome, SignedLearner, capacity, train
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

_ROUNDING = 1e-13


def predict_signed(problem: Problem, regime: Proportional) -> Prediction:
    """The student of state evolution, {eq}`eq-se-direction`, or of {eq}`eq-margin-direction`.

    Raises:
        NoTheoryError: the learner, rule or score has no theory in this regime.
        ValueError: a hard margin is asked of samples that no student separates.
    """
    tied = all_tie(problem)
    select(problem, tied=tied)
    learner = _known_learner(problem)
    kept = _keep(problem, teacher_step(problem), tied)
    outcome = train(kept, learner, problem.rule.fraction * regime.sample_ratio)
    prediction = _report(problem, regime, kept, outcome, tied)
    _require_margin(prediction)
    return prediction


def separability_ratio(problem: Problem, regime: Proportional) -> Scalar:
    """n/d, n counted before pruning, up to which the kept samples are separable.

    References: {eq}`eq-separability-ratio` in theory_notes/05_proportional_limit.md.
    """
    tied = all_tie(problem)
    select(problem, tied=tied)
    kept = _keep(problem, teacher_step(problem), tied)
    found = kept.converged & is_valid(problem, regime.dim)
    return jnp.where(found, capacity(kept) / problem.rule.fraction, jnp.nan)


@eqx.filter_jit
def _keep(problem: Problem, step: float, tied: bool) -> KeptLaw:
    return keep(problem, FINE, COARSE, step, tied=tied)


@eqx.filter_jit
def _report(
    problem: Problem, regime: Proportional, kept: KeptLaw, outcome: Outcome, tied: bool
) -> Prediction:
    selection = select(problem, tied=tied)
    frame = Frame.of(problem, along_probe=not isinstance(selection, Everything))
    fields = describe(problem, frame.plane(outcome.student), outcome.student.rest)
    moved = describe(problem, frame.plane(outcome.moved), outcome.moved.rest)
    rounding = _ROUNDING * jnp.abs(fields["excess_risk"])
    fields["numerical_error"] = jnp.abs(moved["excess_risk"] - fields["excess_risk"]) + rounding
    found: dict[str, Any] = {**fields, **outcome.fields}
    for name, value in _WITHOUT_STUDENT.items():
        if name in found:
            found[name] = jnp.where(outcome.exists, found[name], value)
    threshold = _threshold(problem, selection, kept.level)
    prediction = Prediction(problem, regime, **found, threshold=threshold, exists=outcome.exists)
    return nan_unless(outcome.converged & kept.converged, prediction)


_WITHOUT_STUDENT = {
    "excess_risk": jnp.inf,
    "norm": jnp.inf,
    "calibration_slope": jnp.nan,
    "calibration_error": jnp.nan,
    "training_loss": 0.0,
    "numerical_error": 0.0,
}


def _threshold(problem: Problem, selection: Selection, level: Scalar) -> Scalar:
    """The level of the selection in units of the score; GraNd grows with the dimension."""
    if isinstance(selection, Everything) or isinstance(problem.score, GraNd):
        return jnp.asarray(jnp.nan)
    if isinstance(selection, LevelSet):
        return -problem.rule.priority(jnp.ones(())) * level
    side = selection.side if isinstance(selection, HalfLine) else 1.0
    return score_at(problem, side * level)


def _known_learner(problem: Problem) -> SignedLearner:
    if isinstance(problem.learner, SignedLearner):
        return problem.learner
    raise NoTheoryError(
        f"no theory for the learner {type(problem.learner).__name__} in Proportional; there is "
        "for Ridge, LogisticRegression, Hinge and MaxMargin"
    )


def _require_margin(prediction: Prediction) -> None:
    if not isinstance(prediction.problem.learner, MaxMargin) or is_traced(prediction.exists):
        return
    if not bool(prediction.exists):
        ratio = float(prediction.regime.sample_ratio)  # pyright: ignore
        raise ValueError(
            f"sample_ratio={ratio:g} is beyond the capacity of a hard margin: no student separates "
            "the kept samples; see separability_ratio, and use Hinge(penalty) beyond it"
        )
