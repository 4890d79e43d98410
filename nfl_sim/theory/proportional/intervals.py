"""The places along the probe that a score keeps, and at which level."""

from collections.abc import Callable
from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from nfl_sim.gaussian import on_intervals, panel_nodes, pdf, polish, slab_moments, solve_increasing
from nfl_sim.gaussian.quadrature import Rule
from nfl_sim.theory.crossings import Profile
from nfl_sim.validation import Scalar

Places = Float[Array, " k"]
Chance = Callable[[Places], Places]
_REACH = 8.5
_SHARP, _SMOOTH = 11, 3
_RATIO = 4.0
_EVEN = 9
_ROOM = 1e-14  # at fraction 1 every level beyond the last score would do
_NEAR = 1e-3
_ORDER = 8


class Intervals(NamedTuple):
    """Disjoint intervals of z that are kept, none with 0 inside.

    Args:
        low, high: shape (k,); an interval with low = high is empty.
        inclusion: share of the samples there that are kept.
        level: of the score; see `Selection`.
        resolved: whether the score's level set was found whole.
    """

    low: Places
    high: Places
    inclusion: Places
    level: Scalar
    resolved: Bool[Array, ""]

    def nodes(self, order: int, *, sharp: bool = True) -> tuple[Places, Places]:
        """Nodes z and lengths times inclusion.

        Panels grow fourfold from the end nearest to 0, where the margin of the probe is smallest;
        where labels do not jump at the teacher's boundary (not ``sharp``) they start less fine.
        """
        fine = _RATIO ** -np.arange(_SHARP if sharp else _SMOOTH, 1.0, -1.0)
        edges = np.concatenate([[0.0], fine, np.linspace(fine[-1], 1.0, _EVEN)[1:]])
        left = self.high <= 0.0
        near, far = jnp.where(left, self.high, self.low), jnp.where(left, self.low, self.high)
        places, lengths = on_intervals(near, far, Rule(*panel_nodes(edges, order)))
        return places.ravel(), (jnp.abs(lengths) * self.inclusion[:, None]).ravel()

    @property
    def one_sided(self) -> Bool[Array, ""]:
        """Whether all that is kept lies on one side of z = 0: the probe then separates it."""
        kept = (self.high > self.low) & (self.inclusion > 0.0)
        right = jnp.any(kept & (self.high > 0.0))
        return ~(right & jnp.any(kept & (self.low < 0.0)))


@final
class Slab(eqx.Module):
    """|z| below, or above, the level; the labels do not matter."""

    outside: bool

    def kept(self, fraction: Scalar, chance: Chance) -> Intervals:
        """In closed form: |z| is half-normal whatever the labels."""
        level = slab_moments(fraction, self.outside).threshold
        cut = jnp.minimum(level, _REACH)
        top = jnp.sqrt(cut**2 + _REACH**2)
        low, high = (cut, top) if self.outside else (jnp.zeros(()), cut)
        return _mirrored(jnp.stack([-high, low]), jnp.stack([-low, high]), 1.0, level)


@final
class HalfLine(eqx.Module):
    """side * z below the level."""

    side: float

    def kept(self, fraction: Scalar, chance: Chance) -> Intervals:
        """The level at which the fraction is kept."""

        def at(level: Scalar) -> Intervals:
            low = -jnp.sqrt(jnp.minimum(level, 0.0) ** 2 + _REACH**2)
            ends = (
                jnp.stack([low, jnp.zeros(())]),
                jnp.stack([jnp.minimum(level, 0.0), jnp.maximum(level, 0.0)]),
            )
            return _mirrored(*ends, self.side, level)

        return at(_level(at, fraction, chance, jnp.asarray(-_REACH), jnp.asarray(_REACH)))


@final
class LevelSet(eqx.Module):
    """Where a score of the user's own exceeds the level, for each label."""

    profile: Profile
    low: Scalar
    high: Scalar

    def kept(self, fraction: Scalar, chance: Chance) -> Intervals:
        """The level at which the fraction is kept; each label has half of the samples."""

        def at(level: Scalar) -> Intervals:
            found = self.profile.above(-level, 3)
            low, high = found.low.ravel(), found.high.ravel()
            below = jnp.minimum(low, 0.0), jnp.minimum(high, 0.0)
            above = jnp.maximum(low, 0.0), jnp.maximum(high, 0.0)
            ends = [jnp.concatenate(pair) for pair in zip(below, above, strict=True)]
            half = jnp.full_like(ends[0], 0.5)
            return Intervals(ends[0], ends[1], half, level, found.resolved)

        return at(_level(at, fraction, chance, self.low, self.high))


@final
class Everything(eqx.Module):
    """All samples, or a random subset: the probe does not matter."""

    def kept(self, fraction: Scalar, chance: Chance) -> Intervals:
        """No interval at all; the law does without z."""
        nothing = jnp.zeros(0)
        return Intervals(nothing, nothing, nothing, jnp.asarray(jnp.nan), jnp.asarray(True))


Selection = Slab | HalfLine | LevelSet | Everything


def _mirrored(low: Places, high: Places, side: float, level: Scalar) -> Intervals:
    if side < 0.0:
        low, high = -high, -low
    return Intervals(low, high, jnp.ones(2), level, jnp.asarray(True))


def _level(
    at: Callable[[Scalar], Intervals],
    fraction: Scalar,
    chance: Chance,
    low: Scalar,
    high: Scalar,
) -> Scalar:
    """The level at which ``fraction`` is kept."""
    target = jnp.minimum(fraction, 1.0 - _ROOM)

    def surplus(target: Scalar):
        def of(level: Scalar) -> Scalar:
            places, lengths = at(level).nodes(_ORDER)
            return jnp.sum(2.0 * pdf(places) * lengths * chance(places)) - target

        return of

    still = jax.lax.stop_gradient(target)
    rough = solve_increasing(surplus(still), low, high, tolerance=1e-10)
    return polish(surplus(target), rough - _NEAR, rough + _NEAR)
