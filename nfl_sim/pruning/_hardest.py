"""Keep the samples of highest score."""

from typing import ClassVar, Literal, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.pruning._base import PointwiseRule, fraction_field
from nfl_sim.validation import Scalar


@final
class KeepHardest(PointwiseRule):
    """Keep the ``fraction`` of samples whose score is largest: pi = 1{g > level}.

    Args:
        fraction: kept fraction r in (0, 1].

    References: D2 in theory_notes/01_pruning_as_conditioning.md, {eq}`eq-pruned-law`.
    """

    draw: ClassVar[Literal["top"]] = "top"
    fraction: Scalar = fraction_field()

    def priority(self, score: Float[Array, "..."]) -> Float[Array, "..."]:
        """The score itself."""
        return score

    def inclusion(
        self, score: Float[Array, "..."], level: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """1 above the level, 0 below."""
        return jnp.where(score > level, 1.0, 0.0)
