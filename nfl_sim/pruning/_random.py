"""Keep a uniformly random subset."""

from typing import ClassVar, Literal, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.pruning._base import PointwiseRule, fraction_field
from nfl_sim.validation import Scalar


@final
class KeepRandom(PointwiseRule):
    """Keep a uniformly random ``fraction`` of the samples, whatever their scores: pi = fraction.

    Args:
        fraction: kept fraction r in (0, 1].

    References: D2 in theory_notes/01_pruning_as_conditioning.md, {eq}`eq-random-exact`.
    """

    draw: ClassVar[Literal["top"]] = "top"
    fraction: Scalar = fraction_field()

    def priority(self, score: Float[Array, "..."]) -> Float[Array, "..."]:
        """Constant: all samples tie, and the fair coins choose."""
        return jnp.zeros_like(score)

    def inclusion(
        self, score: Float[Array, "..."], level: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The fraction, at every score."""
        return jnp.broadcast_to(self.fraction, jnp.broadcast_shapes(score.shape, level.shape))

    def breakpoints(self, level: Scalar) -> tuple[Scalar, ...]:
        """None: the inclusion does not see the score."""
        return ()
