"""Ridge regression on the linear model in high dimension, on calibrated samples."""

from typing import NamedTuple, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.theory.linear import KeptNodes, Nested, in_strata, numbers_agree
from nfl_sim.theory.proportional.self_induced import stiffness
from nfl_sim.theory.strata import Pair, Strata
from nfl_sim.validation import Scalar

_ROUNDING = 1e-13


class RidgeStudent(NamedTuple):
    """The student of least squares in high dimension.

    Args:
        gap: the student minus the teacher, in the plane (e_1, e_2).
        spread: squared length of the student off that plane.
        training_loss: of a kept sample, weighted.
        threshold: where the top ends, nan where there is none.
        numerical_error: of the excess risk.
        converged: whether every solve met its tolerance.
    """

    gap: Float[Array, " 2"]
    spread: Scalar
    training_loss: Scalar
    threshold: Scalar
    numerical_error: Scalar
    converged: Bool[Array, ""]


def solve_calibrated(
    family: Nested, strata: Strata, ratio: Scalar, penalty: Scalar, dim: int
) -> RidgeStudent:
    """One equation for the stiffness, then linear ones for the student.

    Args:
        family: the kept sets of the rule's top.
        strata: of the rule.
        ratio: kept samples a dimension.
        penalty: of the learner, >= 0; at 0 the least squares of minimum norm.
        dim: a dimension in which the plane fits.

    References: {eq}`eq-calibrated-ridge` in theory_notes/08_calibration.md.
    """
    level, system = family.level(strata.cut), _System.of(strata, ratio, penalty)
    top = family.top(level)
    gap, spread, loss = system.student(family, strata, top, dim)
    moved, other, _ = system.student(family, strata, family.coarse(level), dim)
    excess = jnp.sum(gap**2) + spread
    error = jnp.abs(excess - jnp.sum(moved**2) - other)
    scale = jnp.sum(family.teacher**2) + family.noise_std**2
    return RidgeStudent(
        gap=gap @ family.axes,
        spread=spread,
        training_loss=loss,
        threshold=jnp.where(strata.present > 0.0, family.threshold(level), jnp.nan),
        numerical_error=error + _ROUNDING * excess,
        converged=numbers_agree(top, strata.cut, excess, error, scale),
    )


@final
class _System(eqx.Module):
    """What the weights do, whatever the law of the samples.

    Args:
        shares, weights: of the strata in the kept samples.
        pull: omega / (s + omega), with s the stiffness.
        left: s / (s + omega), the share of a residual that training leaves.
        penalty: that which the student feels in the plane.
    """

    shares: Pair
    weights: Pair
    pull: Pair
    left: Pair
    penalty: Scalar

    @classmethod
    def of(cls, strata: Strata, ratio: Scalar, penalty: Scalar) -> "_System":
        shares, weights = strata.in_kept
        stiff = stiffness(shares, weights, ratio, penalty * ratio)
        pull, left = weights / (stiff + weights), stiff / (stiff + weights)
        felt = jnp.maximum(1.0 / ratio - jnp.sum(shares * pull), 0.0)
        return cls(shares, weights, pull, left, felt)

    def student(
        self, family: Nested, strata: Strata, top: KeptNodes, dim: int
    ) -> tuple[Float[Array, " 2"], Scalar, Scalar]:
        """Its gap to the teacher along the axes, its spread off the plane, its training loss."""
        parts = in_strata(family, strata, top, jnp.sum(top.mass), dim)
        teacher = family.axes @ family.teacher
        matrix, push = self.penalty * jnp.eye(2), -self.penalty * teacher
        for share, part in zip(self.shares * self.pull, parts, strict=True):
            matrix += share * part.second()[0]
            push += share * part.vector(lambda n: family.noise_std * n.noise)
        gap = jnp.linalg.solve(matrix, push)
        offset = gap + teacher - family.axes @ family.reference
        residuals = jnp.stack([part.residual(offset) for part in parts])
        room = self.penalty + jnp.sum(self.shares * self.pull * self.left)
        noise = jnp.sum(self.shares * self.pull**2 * residuals)
        spread = jnp.where(room > 0.0, noise / room, jnp.inf)
        loss = jnp.sum(self.shares * self.weights * self.left**2 * (residuals + spread))
        return gap, spread, 0.5 * loss
