"""Kept nodes of a score that sees the noise: the noise is integrated between level crossings."""

from typing import NamedTuple, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import (
    chi_rule,
    interval_mean,
    interval_moments,
    normal_rule,
    polar_rules,
    polynomial_normal_rule,
    sphere_coordinate_rule,
)
from nfl_sim.theory.crossings import Profile, graded_grid
from nfl_sim.theory.linear.law import Plane
from nfl_sim.theory.linear.node_moments import KeptNodes
from nfl_sim.theory.linear.nodes import Grid
from nfl_sim.theory.linear.sight import Sight
from nfl_sim.validation import Scalar

Values = Float[Array, "..."]
_REACH = 9.5
_GRADING = 8  # a product with the margin turns ever faster toward the probe's boundary


def noise_grid(sight: Sight, dim: int, nodes_per_panel: int, refinement: int) -> Grid:
    """The `Grid` of a score that sees the residual or the label."""
    points = _points(sight, dim, nodes_per_panel, refinement)
    profile = Profile.of(
        lambda noise: sight.priority(*points.seen, noise), _noise_values(sight, points)
    )
    low, high = jnp.min(profile.values), jnp.max(profile.values)
    nodes = _NoiseNodes(profile, points, _zero(sight, sight.reference, points), sight.noise_std)
    return Grid(nodes, lambda level: jnp.sum(nodes(level).mass), low - 1e-9, high + 1e-9)


class _Points(NamedTuple):
    """Nodes of x that the kept noise depends on, and the sides that it does not depend on.

    Shapes: (k, 1) for what the score sees; (k, s) for ``second``, ``rest`` and ``share``.
    """

    seen: tuple[Values, Values, Values]
    first: Values
    second: Values
    rest: Values
    share: Values


@final
class _NoiseNodes(eqx.Module):
    """Level -> kept nodes; ``zero`` is the noise at which the reference's residual vanishes."""

    profile: Profile
    points: _Points
    zero: Values
    noise_std: Scalar

    def __call__(self, level: Scalar) -> KeptNodes:
        kept, points, std = self.profile.above(level), self.points, self.noise_std
        zero = self.zero[:, None]
        moments = (*interval_moments(kept.low, kept.high, zero), interval_mean(kept.low, kept.high))
        mass, residual, square, noise = (
            points.share * jnp.sum(moment, axis=-1, keepdims=True) for moment in moments
        )
        return KeptNodes(
            first=points.first,
            second=points.second,
            rest=points.rest,
            mass=mass,
            noise=noise,
            residual=std * residual,
            square=std**2 * square,
            resolved=kept.resolved,
        )


def _zero(sight: Sight, student: Plane, points: _Points) -> Values:
    """The noise at which the residual of ``student`` vanishes, at each point."""
    first, second, _ = points.seen
    gap = sight.teacher - student
    return -(gap[0] * first[:, 0] + gap[1] * second[:, 0]) / sight.noise_std


def _noise_values(sight: Sight, points: _Points) -> Values:
    """A grid of the noise at each point, dense where the residual or the label vanishes."""
    centres = [_zero(sight, student, points) for student in (sight.probe, jnp.zeros(2))]
    return graded_grid(_REACH, jnp.stack(centres, axis=-1))


def _points(sight: Sight, dim: int, nodes_per_panel: int, refinement: int) -> _Points:
    if sight.directions > 1:
        return _plane_points(sight.norm, dim, nodes_per_panel, refinement)
    return (_polar_points if sight.norm else _line_points)(dim, nodes_per_panel, refinement)


def _line_points(dim: int, nodes_per_panel: int, refinement: int) -> _Points:
    """One direction is seen, and no length."""
    line, side = normal_rule(nodes_per_panel, width=1.5 / refinement), polynomial_normal_rule()
    first = jnp.asarray(line.nodes)[:, None]
    zero = jnp.zeros_like(first)
    return _Points(
        seen=(first, zero, zero),
        first=first,
        second=jnp.asarray(side.nodes if dim > 1 else 0.0 * side.nodes)[None, :],
        rest=jnp.asarray(float(max(dim - 2, 0))),
        share=jnp.asarray(line.weights[:, None] * side.weights),
    )


def _polar_points(dim: int, nodes_per_panel: int, refinement: int) -> _Points:
    """One direction and the length are seen."""
    radius, latitude = polar_rules(dim, nodes_per_panel, refinement=refinement)
    side = sphere_coordinate_rule(dim - 1)
    length = jnp.asarray(radius.nodes)[:, None]
    first = (length * np.sin(latitude.nodes)[None, :]).reshape(-1, 1)
    across = (length * np.cos(latitude.nodes)[None, :]).reshape(-1, 1)
    sides = side.nodes[None, :]
    weight = (radius.weights[:, None] * latitude.weights).reshape(-1, 1)
    return _Points(
        seen=(first, across, jnp.zeros_like(first)),
        first=first,
        second=across * sides,
        rest=across**2 * (1.0 - sides**2),
        share=jnp.asarray(weight * side.weights),
    )


def _plane_points(norm: bool, dim: int, nodes_per_panel: int, refinement: int) -> _Points:
    """Two directions are seen, and perhaps the length."""
    line = normal_rule(nodes_per_panel, width=2.25 / refinement, grading=_GRADING)
    off = chi_rule(max(dim - 2, 0), nodes_per_panel, width=2.25)
    lengths = (off.nodes**2, off.weights) if norm else ([float(max(dim - 2, 0))], [1.0])
    second = normal_rule(nodes_per_panel, width=2.25 / refinement) if dim > 1 else chi_rule(0, 1)
    axes = [jnp.asarray(a) for a in (line.nodes, second.nodes, lengths[0])]
    first, other, rest = (a.reshape(-1, 1) for a in jnp.meshgrid(*axes, indexing="ij"))
    shares = [jnp.asarray(a) for a in (line.weights, second.weights, lengths[1])]
    share = jnp.einsum("i,j,k->ijk", *shares).reshape(-1, 1)
    return _Points((first, other, rest), first, other, rest, share)
