"""The perceptron teacher, with labels that may be flipped."""

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from nfl_sim.models._base import Model
from nfl_sim.validation import Scalar, scalar_field


@final
class Perceptron(Model):
    """Perceptron teacher: y = sign(x_1), x ~ N(0, I), then y flipped by a coin.

    The teacher is e_1. The reported loss is the 0-1 error on the flipped labels, which depends on
    the angle of a student to the teacher alone.

    A student predicts the sign of its margin. So the scores `EL2N` and `Loss` know only whether the
    probe is right, and `GraNd` only that and the length: they have atoms, broken by lot. `Margin`
    and `Uncertainty` tell samples of a perceptron apart.

    Args:
        flip_probability: probability p in [0, 1/2] that the observed label is the wrong one.

    Raises:
        ValueError: the probability is not a finite scalar in its range, or float64 is off.

    References: {eq}`eq-perceptron-tilt` in theory_notes/05_proportional_limit.md.
    """

    binary: ClassVar[bool] = True
    flip_probability: Scalar = scalar_field("flip_probability", low=0.0, high=0.5, default=0.0)

    def sample(
        self,
        key: PRNGKeyArray,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float32,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Draw rows x ~ N(0, I_dim) and labels +-1, both of type ``dtype``."""
        covariate_key, label_key = jax.random.split(key)
        covariates = jax.random.normal(covariate_key, (num_samples, dim), dtype)
        return covariates, self.label(label_key, covariates)

    def label(self, key: PRNGKeyArray, covariates: Float[Array, "n d"]) -> Float[Array, " n"]:
        """The sign of x_1, or by a coin its opposite, of the type of the covariates."""
        dtype = covariates.dtype
        coin = jax.random.uniform(key, covariates.shape[:1], dtype)
        flipped = coin < self.flip_probability.astype(dtype)
        up = (covariates[:, 0] > 0.0) != flipped
        return jnp.where(up, 1.0, -1.0).astype(dtype)

    def residual(
        self, margin: Float[Array, "..."], label: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """label - sign(margin): 0 where the student is right, +-2 where it is wrong."""
        return label - jnp.sign(margin)

    def loss(self, margin: Float[Array, "..."], label: Float[Array, "..."]) -> Float[Array, "..."]:
        """The 0-1 loss; a margin of 0 is an error."""
        return (label * margin <= 0.0).astype(margin.dtype)

    @property
    def resolution(self) -> Scalar:
        """1: the labels are signs."""
        return jnp.ones(())

    def excess_risk(self, weights: Float[Array, " d"]) -> Scalar:
        """(1 - 2p) angle / pi, to rounding relative to itself, whatever the student's length.

        The null student tosses a coin: (1 - 2p) / 2. The risk has a cone's tip at angles 0 and pi,
        where its derivative here is 0.
        """
        return (1.0 - 2.0 * self.flip_probability) * _error(weights)

    def diagnostics(self, weights: Float[Array, " d"]) -> Mapping[str, Scalar]:
        """Errors of ``weights``: ``error`` is on labels before flips, ``noisy_error`` after."""
        error, flip = _error(weights), self.flip_probability
        return {
            "excess_error": error,
            "error": error,
            "noisy_error": flip + (1.0 - 2.0 * flip) * error,
        }


def _error(weights: Float[Array, " d"]) -> Scalar:
    """P(sign(w.x) is not sign(x_1)) = angle / pi; 1/2 at w = 0."""
    scaled, size = _scaled(weights)
    aside, part = _scaled(scaled[1:])
    square = jnp.sum(aside**2)
    across = part * jnp.where(square > 0.0, jnp.sqrt(jnp.where(square > 0.0, square, 1.0)), 0.0)
    null = size == 0.0
    angle = jnp.arctan2(across, jnp.where(null, 1.0, scaled[0]))
    return jnp.where(null, 0.5, angle / jnp.pi)


def _scaled(vector: Float[Array, " k"]) -> tuple[Float[Array, " k"], Scalar]:
    """A vector in units of its largest entry, a constant, and that entry; neither overflows."""
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(vector), initial=0.0))
    return vector / jnp.where(largest == 0.0, 1.0, largest), largest
