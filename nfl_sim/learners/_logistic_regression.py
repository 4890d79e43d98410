"""Logistic regression, with or without a ridge penalty."""

from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.learners._base import Fit, Learner
from nfl_sim.learners._logistic_newton import (
    SMALL_STEP,
    Sample,
    expand,
    holds_minimiser,
    minimise,
)
from nfl_sim.validation import Scalar, scalar_field


@final
class LogisticRegression(Learner):
    """Minimise sum(omega log(1 + exp(-y w.x))) / sum(omega) + (penalty / 2) |w|^2, y = +-1.

    Newton's method in float64. At penalty 0 it ends with a proof of what it says: a direction that
    separates the classes, so that no finite minimiser exists, or a neighbourhood that holds one.
    Failing both, as where rows do not span R^d, it is undecided.

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
        found = minimise(jax.lax.stop_gradient(sample))
        local = expand(sample, found.weights)
        separable = found.separated & (self.penalty == 0.0)
        proven = (self.penalty > 0.0) | holds_minimiser(sample, jax.lax.stop_gradient(local))
        solved = proven & (found.reach <= SMALL_STEP) & (self.penalty >= 0.0)
        student = jnp.where(solved & ~separable, found.weights + local.step, jnp.nan)
        return Fit(student, exists=~separable, converged=solved | separable)

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
