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
_MOST = 3  # crossings of a level by a score of the user's own


class Intervals(NamedTuple):
    """Disjoint intervals of z that are kept, none with 0 inside.

    Args:
        low, high: shape (k,); an interval with low = high is empty.
        inclusion: share of the samples there that are kept.
        weight: omega of those.
        resolved: whether the score's level set was found whole.
    """

    low: Places
    high: Places
    inclusion: Places
    weight: Places
    resolved: Bool[Array, ""]

    def thinned(self, inclusion: Scalar, weight: Scalar) -> "Intervals":
        """A random share of what is kept, with a common weight."""
        return self._replace(inclusion=inclusion * self.inclusion, weight=weight * self.weight)

    def joined(self, other: "Intervals") -> "Intervals":
        """With intervals that do not overlap these."""
        names = ("low", "high", "inclusion", "weight")
        both = {n: jnp.concatenate([getattr(self, n), getattr(other, n)]) for n in names}
        return Intervals(**both, resolved=self.resolved & other.resolved)

    def nodes(self, order: int, *, sharp: bool = True) -> tuple[Places, Places, Places]:
        """Nodes z, lengths times inclusion, and weights.

        Panels grow fourfold from the end nearest to 0, where the margin of the probe is smallest;
        where labels do not jump at the teacher's boundary (not ``sharp``) they start less fine.
        """
        fine = _RATIO ** -np.arange(_SHARP if sharp else _SMOOTH, 1.0, -1.0)
        edges = np.concatenate([[0.0], fine, np.linspace(fine[-1], 1.0, _EVEN)[1:]])
        left = self.high <= 0.0
        near, far = jnp.where(left, self.high, self.low), jnp.where(left, self.low, self.high)
        places, lengths = on_intervals(near, far, Rule(*panel_nodes(edges, order)))
        weights = jnp.broadcast_to(self.weight[:, None], places.shape)
        return places.ravel(), (jnp.abs(lengths) * self.inclusion[:, None]).ravel(), weights.ravel()

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

    def level(self, fraction: Scalar, chance: Chance) -> Scalar:
        """In closed form: |z| is half-normal whatever the labels."""
        return slab_moments(fraction, self.outside).threshold

    def kept(self, level: Scalar) -> Intervals:
        """What lies on the right side of the level."""
        cut = jnp.minimum(level, _REACH)
        top = jnp.sqrt(cut**2 + _REACH**2)
        low, high = (cut, top) if self.outside else (jnp.zeros(()), cut)
        return _mirrored(jnp.stack([-high, low]), jnp.stack([-low, high]), 1.0)

    def rest(self, level: Scalar) -> Intervals:
        """All else."""
        return Slab(outside=not self.outside).kept(level)


@final
class HalfLine(eqx.Module):
    """side * z below the level."""

    side: float

    def level(self, fraction: Scalar, chance: Chance) -> Scalar:
        """At which the fraction is kept."""
        return _level(self.kept, fraction, chance, jnp.asarray(-_REACH), jnp.asarray(_REACH))

    def kept(self, level: Scalar) -> Intervals:
        """What lies below the level."""
        low = -jnp.sqrt(jnp.minimum(level, 0.0) ** 2 + _REACH**2)
        ends = (
            jnp.stack([low, jnp.zeros(())]),
            jnp.stack([jnp.minimum(level, 0.0), jnp.maximum(level, 0.0)]),
        )
        return _mirrored(*ends, self.side)

    def rest(self, level: Scalar) -> Intervals:
        """What lies above it."""
        return HalfLine(-self.side).kept(-level)


@final
class LevelSet(eqx.Module):
    """Where a score of the user's own exceeds the level, for each label."""

    profile: Profile
    low: Scalar
    high: Scalar

    def level(self, fraction: Scalar, chance: Chance) -> Scalar:
        """At which the fraction is kept."""
        return _level(self.kept, fraction, chance, self.low, self.high)

    def kept(self, level: Scalar) -> Intervals:
        """What exceeds the level."""
        return self._pieces(level, kept=True)

    def rest(self, level: Scalar) -> Intervals:
        """What does not."""
        return self._pieces(level, kept=False)

    def _pieces(self, level: Scalar, *, kept: bool) -> Intervals:
        """Each label has half of the samples."""
        found, above = self.profile.pieces(-level, _MOST)
        low, high = found.low.ravel(), jnp.where(above == kept, found.high, found.low).ravel()
        below = jnp.minimum(low, 0.0), jnp.minimum(high, 0.0)
        over = jnp.maximum(low, 0.0), jnp.maximum(high, 0.0)
        ends = [jnp.concatenate(pair) for pair in zip(below, over, strict=True)]
        half, one = jnp.full_like(ends[0], 0.5), jnp.ones_like(ends[0])
        return Intervals(ends[0], ends[1], half, one, found.resolved)


@final
class Everything(eqx.Module):
    """All samples, or a random subset: the probe does not matter."""


Selection = Slab | HalfLine | LevelSet | Everything


def _mirrored(low: Places, high: Places, side: float) -> Intervals:
    if side < 0.0:
        low, high = -high, -low
    return Intervals(low, high, jnp.ones(2), jnp.ones(2), jnp.asarray(True))


def _level(
    kept: Callable[[Scalar], Intervals],
    fraction: Scalar,
    chance: Chance,
    low: Scalar,
    high: Scalar,
) -> Scalar:
    """The level at which ``fraction`` is kept."""
    target = jnp.minimum(fraction, 1.0 - _ROOM)

    def surplus(target: Scalar):
        def of(level: Scalar) -> Scalar:
            places, lengths, _ = kept(level).nodes(_ORDER)
            return jnp.sum(2.0 * pdf(places) * lengths * chance(places)) - target

        return of

    still = jax.lax.stop_gradient(target)
    rough = solve_increasing(surplus(still), low, high, tolerance=1e-10)
    return polish(surplus(target), rough - _NEAR, rough + _NEAR)
