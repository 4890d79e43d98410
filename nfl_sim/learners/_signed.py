"""The rows of a margin: covariates times labels, on a scale on which tolerances mean something."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.validation import Scalar

ROUNDING = 4.0 * 2.0**-52  # times d: of a product of d terms, or of a factorisation


class Signed(NamedTuple):
    """Rows y x / size of root mean square length 1, and whether they count; 0 if they do not."""

    rows: Float[Array, "m d"]
    counts: Bool[Array, " m"]
    size: Scalar

    @classmethod
    def of(
        cls,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> "Signed":
        """Of the rows of positive weight, in float64."""
        counts = weights > 0.0
        signed = labels.astype(jnp.float64)[:, None] * covariates.astype(jnp.float64)
        rows = jnp.where(counts[:, None], signed, 0.0)
        square = jnp.sum(rows**2) / jnp.maximum(jnp.sum(counts), 1).astype(jnp.float64)
        size = jax.lax.stop_gradient(jnp.sqrt(jnp.where(square > 0.0, square, 1.0)))
        return cls(rows / size, counts, size)

    @property
    def number(self) -> Scalar:
        """How many rows count."""
        return jnp.sum(self.counts).astype(jnp.float64)

    def least(self, margins: Float[Array, " m"]) -> Scalar:
        """The smallest of these margins; infinite if no row counts."""
        return jnp.min(jnp.where(self.counts, margins, jnp.inf))

    def share_within(self, margins: Float[Array, " m"], level: Scalar) -> Scalar:
        """Share of the rows that count whose margin is at most ``level``."""
        return jnp.sum(self.counts & (margins <= level)).astype(jnp.float64) / self.number


def separates(
    weights: Float[Array, " d"], rows: Float[Array, "m d"], counts: Bool[Array, " m"]
) -> Bool[Array, ""]:
    """Whether every row lies on the positive side, beyond what rounding may feign."""
    slack = ROUNDING * len(weights) * jnp.linalg.norm(weights)
    clear = rows @ weights > slack * jnp.linalg.norm(rows, axis=1)
    return jnp.all(clear | ~counts)
