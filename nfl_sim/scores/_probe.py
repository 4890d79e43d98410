"""The probe: the student whose opinion of a sample becomes its score."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.validation import Scalar, scalar_field


@final
class Probe(eqx.Module):
    """A fixed probe w_p = norm * (cos(angle) e_1 + sin(angle) e_2), the teacher lying along e_1.

    It is an oracle: independent of the sample that it scores. ``angle=0`` and ``norm`` equal to
    the model's signal is the perfect probe.

    Args:
        angle: angle to the teacher in radians, any real number.
        norm: |w_p| >= 0.

    Raises:
        ValueError: a field is not a finite scalar in its range, or float64 is off.
    """

    angle: Scalar = scalar_field("probe angle")
    norm: Scalar = scalar_field("probe norm", low=0.0)

    @property
    def direction(self) -> Float[Array, " 2"]:
        """The unit vector of the probe in the plane (e_1, e_2), defined also at norm 0."""
        return jnp.stack([jnp.cos(self.angle), jnp.sin(self.angle)])

    @property
    def plane(self) -> Float[Array, " 2"]:
        """The coordinates of w_p in the plane (e_1, e_2)."""
        return self.norm * self.direction

    def fit(self, key, covariates, labels, learner) -> Float[Array, " d"]:
        """The weights of the probe in ``R^d``; a fixed probe ignores the data."""
        dim = covariates.shape[1]
        return jnp.zeros(dim).at[: min(dim, 2)].set(self.plane[: min(dim, 2)])
