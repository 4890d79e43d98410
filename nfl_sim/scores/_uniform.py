"""Uniform: no opinion at all."""

from typing import ClassVar, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View


@final
class Uniform(PointwiseScore):
    """A constant score: all samples tie, and fair ties make every rule random pruning.

    References: {eq}`eq-random-exact` in theory_notes/03_linear.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset()
    probe: ClassVar[None] = None

    def __call__(self, view: View) -> Float[Array, "..."]:
        """Zero."""
        return jnp.zeros(())
