"""The kept law of any pointwise score, built from what the score declares to see."""

import math
from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import Rule, on_intervals, pdf, sphere_coordinate_rule, unit_panels
from nfl_sim.models import Logistic
from nfl_sim.problem import Problem
from nfl_sim.theory.crossings import Intervals, Profile, graded_grid
from nfl_sim.theory.label_profile import label_priority, label_profile, level_range
from nfl_sim.theory.logistic.law import KeptNodes, LogisticLaw, Matrix, Resolution, density
from nfl_sim.theory.logistic.margin_law import REACH, probe_side, spread
from nfl_sim.validation import Scalar

_PANELS = 8
_RADIAL_PANELS = 3
_CUTS = 3

Values = Float[Array, "..."]


def generic_law(problem: Problem, model: Logistic, axes: Matrix, dim: int) -> LogisticLaw:
    """The law of the problem's score: kept between level crossings, for each label.

    The crossings are bracketed on a grid that is dense where the margin or the length vanish;
    finer structure elsewhere is missed, and shows as a kept mass that differs from the fraction
    (``converged=False``).
    """
    others = jnp.asarray(max(dim - 2.0, 0.0))
    if "norm" not in problem.score.needs or dim == 1:
        profile = label_profile(problem, REACH)
        low, high = level_range(profile)
        return GenericMargin(
            model=model,
            axes=axes,
            others=others,
            flat=dim == 1,
            profile=profile,
            low=low,
            high=high,
        )
    sight = _Sight(problem, dim)
    everywhere = sight.across(jnp.broadcast_to(jnp.linspace(-REACH, REACH, 64), (2, 64)))
    axis = label_profile(problem, REACH)
    low, high = level_range(everywhere)
    return GenericBall(
        model=model,
        axes=axes,
        others=others,
        flat=False,
        sight=sight,
        axis=axis,
        low=low,
        high=high,
    )


@final
class GenericMargin(LogisticLaw):
    """The score sees the margin and the label: s runs over the kept intervals of each label."""

    model: Logistic
    axes: Matrix
    others: Scalar
    flat: bool
    profile: Profile
    low: Scalar
    high: Scalar
    complete: float = math.inf

    def nodes(self, level: Scalar, resolution: Resolution) -> KeptNodes:
        """Each label has half of the samples."""
        kept = self.profile.above(-level)
        panels = _panels(kept, _PANELS * resolution.along)
        nodes = spread(self, panels, resolution)
        return nodes._replace(mass=0.5 * nodes.mass, rest=0.5 * nodes.rest, resolved=kept.resolved)

    def separator(self, nodes: KeptNodes) -> Scalar:
        """The side of the boundary that holds no mass."""
        return probe_side(nodes)


@final
class _Sight(eqx.Module):
    """A score that sees the length of z."""

    problem: Problem
    dim: int

    def across(self, place: Float[Array, "2 s"]) -> Profile:
        """At each label and place on the axis, the priority against the distance from it."""
        mode = math.sqrt(max(self.dim - 2, 0))
        centres = jnp.broadcast_to(jnp.array([0.0, mode]), (*place.shape, 2))
        grid = jnp.maximum(graded_grid(mode + REACH, centres), 0.0)
        side = place[..., None]
        return Profile.of(
            lambda radius: label_priority(self.problem, side, jnp.sqrt(side**2 + radius**2)), grid
        )


@final
class GenericBall(LogisticLaw):
    """The score sees the length too: at each s and label the distance from the axis runs.

    Kept intervals of the distance are born and die on the axis, as square roots: s is cut there.
    Intervals that are born elsewhere cost accuracy, which the numerical error shows.
    """

    model: Logistic
    axes: Matrix
    others: Scalar
    flat: bool
    sight: _Sight
    axis: Profile
    low: Scalar
    high: Scalar
    complete: float = math.inf

    def nodes(self, level: Scalar, resolution: Resolution) -> KeptNodes:
        """Gauss-Legendre along and in the distance, Gauss-Gegenbauer in the direction across."""
        pieces, _ = self.axis.pieces(-level, _CUTS)
        place, length = _fill(pieces, resolution)
        kept = self.sight.across(place).above(-level, _CUTS)
        radius, share = _distances(kept, self.sight.dim - 1, resolution)
        side = sphere_coordinate_rule(self.sight.dim - 1, 2 * resolution.across * resolution.order)
        share = 0.5 * share * (length * pdf(place))[..., None]
        sides, shares = (np.reshape(a, (1, 1, 1, -1)) for a in side)
        radius, share = radius[..., None], share[..., None] * shares
        second = radius * sides
        first = jnp.broadcast_to(place[..., None, None], second.shape)
        mass = share * density(self.model, self.axes, first, second)
        rest = mass * radius**2 * (1.0 - sides**2) / jnp.maximum(self.others, 1.0)
        return KeptNodes.flat(first, second, mass, rest, kept.resolved & pieces.resolved)

    def separator(self, nodes: KeptNodes) -> Scalar:
        """The side of the boundary that holds no mass."""
        return probe_side(nodes)


def _panels(kept: Intervals, count: int) -> tuple[Values, Values]:
    """Each interval cut into ``count`` panels, flat."""
    edges = np.reshape(np.linspace(0.0, 1.0, count + 1), (1, 1, -1))
    ends = kept.low[..., None] + (kept.high - kept.low)[..., None] * edges
    return ends[..., :-1].ravel(), ends[..., 1:].ravel()


def _fill(pieces: Intervals, resolution: Resolution) -> tuple[Values, Values]:
    """Nodes and weights on every piece, quadratically dense at its ends; shape (2, s)."""
    even = unit_panels(_PANELS * resolution.along, resolution.order)
    dense = Rule(
        np.sin(0.5 * np.pi * even.nodes) ** 2,
        even.weights * 0.5 * np.pi * np.sin(np.pi * even.nodes),
    )
    place, length = on_intervals(pieces.low, pieces.high, dense)
    return place.reshape(2, -1), length.reshape(2, -1)


def _distances(kept: Intervals, dim: int, resolution: Resolution) -> tuple[Values, Values]:
    """Nodes of the distance on the kept intervals, weighted by its density in R^dim."""
    rule = unit_panels(_RADIAL_PANELS * resolution.along, resolution.order)
    radius, lengths = on_intervals(kept.low, kept.high, rule)
    shape = (*kept.low.shape[:-1], -1)
    radius, lengths = radius.reshape(shape), lengths.reshape(shape)
    return radius, lengths * _chi_density(radius, dim)


def _chi_density(radius: Values, dim: int) -> Values:
    """Density of the length of N(0, I_dim)."""
    normalisation = (0.5 * dim - 1.0) * math.log(2.0) + math.lgamma(0.5 * dim)
    safe = jnp.maximum(radius, 1e-100)
    return jnp.exp((dim - 1) * jnp.log(safe) - 0.5 * radius**2 - normalisation)
