"""The linear influence of a sample: a control variate whose mean is exactly zero."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.models import Model
from nfl_sim.validation import Scalar


@final
class Influence(eqx.Module):
    """First order of the excess risk of a student in the sample that it was trained on.

    (1/n) sum_i [1{kept} (a.psi_i - l') + r l'],  psi_i the gradient of a sample's objective.

    Subtracted from a simulated excess risk it leaves the mean as it is and takes away the part of
    the variance that is of order 1/n. Made by `nfl_sim.linear_influence`.

    Attributes:
        student: the limit student in the plane (e_1, e_2).
        pull: a = -H^-1 grad L in the plane.
        slope: l'(r) = a.E[psi | score at the threshold].
        level: priority at the threshold; what lies above it counts as kept.
        fraction, penalty: of the problem.

    References: {eq}`eq-logistic-influence` in theory_notes/04_logistic.md.
    """

    student: Float[Array, " 2"]
    pull: Float[Array, " 2"]
    slope: Scalar
    level: Scalar
    fraction: Scalar
    penalty: Scalar

    def __call__(
        self,
        model: Model,
        covariates: Float[Array, "n d"],
        labels: Float[Array, " n"],
        priorities: Float[Array, " n"],
    ) -> Scalar:
        """Its value on one sample."""
        plane = covariates[:, :2].astype(jnp.float64)
        width = plane.shape[1]
        margin = plane @ self.student[:width]
        gradient = -model.residual(margin, labels.astype(jnp.float64))
        pulled = gradient * (plane @ self.pull[:width])
        pulled += self.penalty * jnp.sum(self.pull * self.student)
        kept = priorities.astype(jnp.float64) > self.level
        return jnp.mean(jnp.where(kept, pulled - self.slope, 0.0)) + self.fraction * self.slope
