"""Where a function of one variable exceeds a level: intervals that move smoothly with the level."""

from collections.abc import Callable
from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from nfl_sim.gaussian import bisect, polish
from nfl_sim.validation import Scalar

MAX_CROSSINGS = 6
_BISECTIONS = 52

Values = Float[Array, "..."]


class Intervals(NamedTuple):
    """Disjoint intervals in the last axis; an interval with low = high is empty.

    Args:
        low, high: shape (..., k), one more than the most crossings.
        resolved: whether no more crossings were seen than that.
    """

    low: Float[Array, "... k"]
    high: Float[Array, "... k"]
    resolved: Bool[Array, ""]


@final
class Profile(eqx.Module):
    """A function of one variable, sampled on a grid that brackets its crossings of any level.

    Args:
        function: acts elementwise along the last axis, with the leading axes of ``grid``.
        grid: sorted along the last axis.
        values: of the function on the grid.
    """

    function: Callable[[Values], Values]
    grid: Float[Array, "... g"]
    values: Float[Array, "... g"]

    @classmethod
    def of(cls, function: Callable[[Values], Values], grid: Float[Array, "... g"]) -> "Profile":
        """Sample ``function`` on ``grid``."""
        return cls(function, grid, function(grid))

    def above(self, level: Scalar, most: int = MAX_CROSSINGS) -> Intervals:
        """The intervals of [grid[0], grid[-1]] on which the function exceeds ``level``.

        Their derivatives in the level and in every parameter of the function are exact.
        """
        pieces, above = self.pieces(level, most)
        return pieces._replace(high=jnp.where(above, pieces.high, pieces.low))

    def pieces(self, level: Scalar, most: int = MAX_CROSSINGS) -> tuple[Intervals, Array]:
        """[grid[0], grid[-1]] cut at the crossings, and which pieces are above the level."""
        inside = self.values > level
        changes = inside[..., 1:] != inside[..., :-1]
        counts = jnp.cumsum(changes, axis=-1)
        ordinals = _last_axis(np.arange(most), counts.ndim)
        cell = jnp.argmax(counts[..., None] > ordinals[..., None, :], axis=-2)
        roots = self._roots(level, cell)
        roots = jnp.where(counts[..., -1:] > ordinals, roots, self.grid[..., -1:])
        edges = jnp.concatenate([self.grid[..., :1], roots, self.grid[..., -1:]], axis=-1)
        above = inside[..., :1] ^ _last_axis(np.arange(most + 1) % 2 == 1, counts.ndim)
        resolved = jnp.all(counts[..., -1] <= most)
        return Intervals(edges[..., :-1], edges[..., 1:], resolved), above

    def _roots(self, level: Scalar, cell: Array) -> Values:
        """The crossing inside each of these cells of the grid."""
        grid = jax.lax.stop_gradient(self.grid)
        low = jnp.take_along_axis(grid, cell, axis=-1)
        high = jnp.take_along_axis(grid, cell + 1, axis=-1)
        still = jax.lax.stop_gradient(level)
        rising = self.function(high) > still
        bracket = bisect(
            lambda points: (self.function(points) > still) != rising, low, high, steps=_BISECTIONS
        )
        return polish(lambda points: self.function(points) - level, *bracket)


def graded_grid(
    reach: float, centres: Float[Array, "... c"], regular: int = 41
) -> Float[Array, "... k"]:
    """Sorted points on [-reach, reach], dense about each of the ``centres`` where kinks lie.

    Args:
        reach: half-width of the grid.
        centres: shape (..., c).
        regular: number of even points besides.

    Returns:
        Points of shape (..., k), clipped to the range.
    """
    steps = np.concatenate([[0.0], np.geomspace(1e-9, 2.0 * reach, 24)])
    offsets = np.concatenate([-steps[:0:-1], steps])
    around = centres[..., None] + _last_axis(offsets, centres.ndim + 1)
    around = around.reshape(*centres.shape[:-1], -1)
    even = np.broadcast_to(np.linspace(-reach, reach, regular), (*centres.shape[:-1], regular))
    return jnp.sort(jnp.clip(jnp.concatenate([around, even], axis=-1), -reach, reach), axis=-1)


def _last_axis(values: np.ndarray, ndim: int) -> np.ndarray:
    """A vector as the last axis of an array with ``ndim`` axes."""
    return values.reshape((1,) * (ndim - 1) + values.shape)
