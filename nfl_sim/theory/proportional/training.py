"""What a learner makes of a kept law in high dimension."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.learners import Hinge, LogisticRegression, MaxMargin, Ridge
from nfl_sim.theory.proportional.channels import HINGE, LOGISTIC
from nfl_sim.theory.proportional.kept import KeptLaw
from nfl_sim.theory.proportional.law import Student
from nfl_sim.theory.proportional.max_margin import separable_ratio, solve_margin
from nfl_sim.theory.proportional.ridge import solve_ridge
from nfl_sim.theory.proportional.state_evolution import solve_evolution
from nfl_sim.validation import Scalar, is_traced

SignedLearner = Ridge | LogisticRegression | Hinge | MaxMargin


class Outcome(NamedTuple):
    """A student of high dimension.

    Args:
        student: its order parameters.
        moved: what coarser nodes make of it.
        fields: what the learner says of it besides, named as in `Prediction`.
        exists: whether there is a finite minimiser; else the student is its direction.
        converged: whether every solve met its tolerance.
    """

    student: Student
    moved: Student
    fields: dict[str, Scalar]
    exists: Bool[Array, ""]
    converged: Bool[Array, ""]


def train(kept: KeptLaw, learner: SignedLearner, ratio: Scalar) -> Outcome:
    """The student on ``ratio`` kept samples a dimension.

    Compiled once a learner and kind of law; it does not know what score and rule are called.
    """
    if isinstance(learner, LogisticRegression):
        bare = is_traced(learner.penalty) or float(learner.penalty) == 0.0
        return _logistic(kept, learner, ratio, may_separate=bare)
    return _other(kept, learner, ratio)


@eqx.filter_jit
def capacity(kept: KeptLaw) -> Scalar:
    """Kept samples a dimension up to which a large sample is separable."""
    return jnp.where(kept.separated, jnp.inf, separable_ratio(kept.fine))


@eqx.filter_jit
def _other(kept: KeptLaw, learner: Ridge | Hinge | MaxMargin, ratio: Scalar) -> Outcome:
    yes = jnp.asarray(True)
    if isinstance(learner, MaxMargin):
        return _hard(kept, ratio)
    if isinstance(learner, Ridge):
        found = solve_ridge(kept.fine, ratio, learner.penalty * ratio)
        fields = {"training_loss": found.training_loss}
        return Outcome(found.student, found.student, fields, yes, yes)
    found = solve_evolution(kept.fine, kept.coarse, HINGE, ratio, learner.penalty * ratio)
    fields = {"training_loss": found.moments.loss, "support_fraction": found.moments.support}
    return Outcome(found.student, found.moved, fields, yes, found.converged)


def _hard(kept: KeptLaw, ratio: Scalar) -> Outcome:
    margin, exists = solve_margin(kept.fine, kept.coarse, ratio), ratio < capacity(kept)
    fields = {
        "margin": margin.margin,
        "support_fraction": margin.support_fraction,
        "training_loss": jnp.zeros(()),
    }
    return Outcome(margin.student, margin.moved, fields, exists, margin.converged & exists)


@eqx.filter_jit
def _logistic(
    kept: KeptLaw, learner: LogisticRegression, ratio: Scalar, *, may_separate: bool
) -> Outcome:
    """Without a penalty it may separate its samples; it then tends to the largest margin."""
    ridge, exists = learner.penalty * ratio, jnp.asarray(True)
    if may_separate:
        exists = (ridge > 0.0) | (ratio > capacity(kept))
        ridge = jnp.where(exists, ridge, 1.0)
    found = solve_evolution(kept.fine, kept.coarse, LOGISTIC, ratio, ridge)
    fields = {"training_loss": found.moments.loss}
    if not may_separate:
        return Outcome(found.student, found.moved, fields, exists, found.converged)
    margin = solve_margin(kept.fine, kept.coarse, ratio)
    student, moved = (
        Student(*(jnp.where(exists, a, b) for a, b in zip(*pair, strict=True)))
        for pair in ((found.student, margin.student), (found.moved, margin.moved))
    )
    converged = jnp.where(exists, found.converged, margin.converged)
    return Outcome(student, moved, fields, exists, converged)
