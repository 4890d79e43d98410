"""Logistic regression, with or without a ridge penalty."""

from typing import ClassVar, final

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Bool, Float

from nfl_sim.learners._base import Fit, Learner
from nfl_sim.learners._chord import approach
from nfl_sim.learners._logistic_newton import (
    SMALL_STEP,
    Sample,
    expand,
    gradient,
    holds_minimiser,
    minimise,
)
from nfl_sim.validation import Scalar, scalar_field


@final
class LogisticRegression(Learner):
    """Minimise sum(omega log(1 + exp(-y w.x))) / sum(omega) + (penalty / 2) |w|^2, y = +-1.

    Newton's method in float64, with Hessians of single precision where the penalty allows. At
    penalty 0 it ends with a proof of what it says: a direction that separates the classes, so that
    no finite minimiser exists, or a neighbourhood that holds one. Failing both, as where rows do
    not span R^d, it is undecided.

    Args:
        penalty: lambda >= 0.

    Raises:
        ValueError: the penalty is not a finite scalar >= 0, or float64 is off.

    References: {eq}`eq-logistic-risk` in theory_notes/04_logistic.md.
    """

    binary: ClassVar[bool] = True
    penalty: Scalar = scalar_field("penalty", low=0.0)

    def fit(
        self,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
        *,
        underdetermined: bool | None = None,
    ) -> Fit:
        """The minimiser, to rounding; differentiable in the penalty and the data."""
        sample = Sample.of(covariates, labels, weights, self.penalty)
        found = _found(jax.lax.stop_gradient(sample))
        return found._replace(weights=_as_minimiser(sample, found.weights))

    def training_loss(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Float[Array, ""]:
        """Weighted mean of log(1 + exp(-y w.x)) over the training rows, in float64."""
        sample = Sample.of(covariates, labels, weights, jnp.zeros(()))
        return sample.objective(student)


def _found(sample: Sample) -> Fit:
    """By the cheap steps, or, where they do not settle it, with damped ones and a proof.

    The loop is of one turn at the most: side by side with others, a branch would be taken anyway.
    """
    cheap = approach(sample)
    start = Fit(cheap.weights, jnp.asarray(True), cheap.settled)

    def prove(state: tuple[Fit, Bool[Array, ""]]) -> tuple[Fit, Bool[Array, ""]]:
        return _proven(sample, state[0].weights), jnp.asarray(True)

    return jax.lax.while_loop(lambda state: ~state[1], prove, (start, cheap.settled))[0]


def _proven(sample: Sample, start: Float[Array, " d"]) -> Fit:
    found = minimise(sample, start)
    local = expand(sample, found.weights)
    separable = found.separated & (sample.penalty == 0.0)
    proven = (sample.penalty > 0.0) | holds_minimiser(sample, local)
    solved = proven & (found.reach <= SMALL_STEP) & (sample.penalty >= 0.0)
    student = jnp.where(solved & ~separable, found.weights + local.step, jnp.nan)
    return Fit(student, exists=~separable, converged=solved | separable)


@jax.custom_jvp
def _as_minimiser(sample: Sample, weights: Float[Array, " d"]) -> Float[Array, " d"]:
    """``weights``, which minimise the objective of the sample, as a function of the sample."""
    return weights


@_as_minimiser.defjvp
def _implicit(primals, tangents):
    """The gradient stays 0: -H^-1 times its derivative in the sample."""
    sample, weights = primals
    student = _as_minimiser(sample, weights)
    change = jax.jvp(lambda moved: gradient(moved, student), (sample,), tangents[:1])[1]
    factor = expand(sample, student).factor
    return student, -jsl.cho_solve((factor, True), change)
