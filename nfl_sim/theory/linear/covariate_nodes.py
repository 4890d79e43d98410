"""Kept nodes of a label-free score: one coordinate of x runs between level crossings."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import special

from nfl_sim.gaussian import (
    Rule,
    on_intervals,
    pdf,
    polar_rules,
    polynomial_normal_rule,
    sphere_coordinate_rule,
    unit_panels,
)
from nfl_sim.theory.crossings import Intervals, Profile, graded_grid
from nfl_sim.theory.linear.node_moments import KeptNodes
from nfl_sim.theory.linear.nodes import Grid
from nfl_sim.theory.linear.sight import Sight
from nfl_sim.validation import Scalar

Values = Float[Array, "..."]
_REACH = 9.5
_PANELS = 8


def covariate_grid(sight: Sight, dim: int, nodes_per_panel: int) -> Grid:
    """The `Grid` of a score that sees neither the residual nor the label."""
    build = _radius_nodes if sight.norm else _margin_nodes
    nodes = build(sight, dim, nodes_per_panel)
    low, high = jnp.min(nodes.profile.values), jnp.max(nodes.profile.values)
    return Grid(nodes, lambda level: jnp.sum(nodes(level).mass), low - 1e-9, high + 1e-9)


@final
class _MarginNodes(eqx.Module):
    """The score sees the margin only: the first coordinate runs over the kept intervals."""

    profile: Profile
    noise_std: Scalar
    dim: int
    nodes_per_panel: int

    def __call__(self, level: Scalar) -> KeptNodes:
        kept = self.profile.above(level)
        first, lengths = _fill(kept, self.nodes_per_panel)
        side = polynomial_normal_rule()
        mass = (lengths * pdf(first))[:, None] * side.weights[None, :]
        return KeptNodes(
            first=first[:, None],
            second=jnp.asarray(side.nodes if self.dim > 1 else 0.0 * side.nodes)[None, :],
            rest=jnp.asarray(float(max(self.dim - 2, 0))),
            mass=mass,
            noise=jnp.zeros_like(mass),
            residual=jnp.zeros_like(mass),
            square=self.noise_std**2 * mass,
            resolved=kept.resolved,
        )


@final
class _RadiusNodes(eqx.Module):
    """The score sees the length, and perhaps the margin: the length runs, a latitude each."""

    profile: Profile
    latitude: Rule
    noise_std: Scalar
    dim: int
    nodes_per_panel: int

    def __call__(self, level: Scalar) -> KeptNodes:
        kept = self.profile.above(level)
        length, widths = _fill(kept, self.nodes_per_panel)
        angle = self.latitude.nodes[:, None, None]
        side = sphere_coordinate_rule(self.dim - 1)
        sides, shares = side.nodes[None, None, :], side.weights[None, None, :]
        density = jnp.exp(_log_chi_density(jnp.maximum(length, 1e-100), self.dim))
        weight = self.latitude.weights[:, None] * widths * density
        length = length[..., None]
        across = length * np.cos(angle)
        mass = jnp.asarray(weight[..., None] * shares)
        return KeptNodes(
            first=length * np.sin(angle),
            second=across * sides,
            rest=across**2 * (1.0 - sides**2),
            mass=mass,
            noise=jnp.zeros_like(mass),
            residual=jnp.zeros_like(mass),
            square=self.noise_std**2 * mass,
            resolved=kept.resolved,
        )


def _margin_nodes(sight: Sight, dim: int, nodes_per_panel: int) -> _MarginNodes:
    zero = jnp.zeros(())
    profile = Profile.of(
        lambda first: sight.priority(first, zero, zero, zero),
        graded_grid(_REACH, jnp.zeros(1)),
    )
    return _MarginNodes(profile, sight.noise_std, dim, nodes_per_panel)


def _radius_nodes(sight: Sight, dim: int, nodes_per_panel: int) -> _RadiusNodes:
    latitude = polar_rules(dim, nodes_per_panel)[1]
    sine, cosine = np.sin(latitude.nodes)[:, None], np.cos(latitude.nodes)[:, None]
    mode, zero = float(np.sqrt(dim - 1)), jnp.zeros(())
    grid = graded_grid(mode + _REACH, jnp.tile(jnp.array([[0.0, mode]]), (len(sine), 1)))
    profile = Profile.of(
        lambda length: sight.priority(length * sine, length * cosine, zero, zero),
        jnp.maximum(grid, 0.0),
    )
    return _RadiusNodes(profile, latitude, sight.noise_std, dim, nodes_per_panel)


def _log_chi_density(length: Values, dim: int) -> Values:
    normalisation = (0.5 * dim - 1.0) * np.log(2.0) + special.gammaln(0.5 * dim)
    return (dim - 1) * jnp.log(length) - 0.5 * length**2 - normalisation


def _fill(intervals: Intervals, nodes_per_panel: int) -> tuple[Values, Values]:
    """Gauss-Legendre nodes and weights on every interval, along the last axis."""
    rule = unit_panels(_PANELS, nodes_per_panel)
    points, weights = on_intervals(intervals.low, intervals.high, rule)
    flat = (*points.shape[:-2], -1)
    return points.reshape(flat), weights.reshape(flat)
