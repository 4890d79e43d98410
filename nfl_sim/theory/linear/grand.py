"""GraNd: the residual times the length of x, in polar coordinates about the probe's error."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import (
    interval_mean,
    interval_moments,
    pdf,
    polar_rules,
    sphere_coordinate_rule,
    tail_moments,
)
from nfl_sim.models import Linear
from nfl_sim.scores import Probe
from nfl_sim.theory.linear.frame import axes_along, teacher_plane
from nfl_sim.theory.linear.law import Plane
from nfl_sim.theory.linear.node_moments import KeptNodes
from nfl_sim.theory.linear.nodes import Grid, NodesLaw
from nfl_sim.validation import Scalar

_NODES_PER_PANEL = 16

Values = Float[Array, "..."]


def grand_law(
    model: Linear, probe: Probe, penalty: Scalar, dim: int, *, hardest: bool, refinement: int
) -> NodesLaw:
    """The kept law of GraNd: |residual| above, or below, threshold / |x|.

    Given x the residual is N((w0 - w_p).x, sigma^2), so the noise is kept on two half-lines or on
    an interval, in closed form; the radius and the latitude of x are left to quadrature.

    The kept noise turns from little to much within about sigma / |w0 - w_p| of x: ``refinement``
    divides the panels accordingly.

    References: {eq}`eq-grand-moments` in theory_notes/03_linear.md.
    """
    offset = teacher_plane(model) - probe.plane
    # A frame that stays where it is: the offset turns away from its first axis when differentiated,
    # also where it vanishes. Polynomial rules across it are exact to first order.
    axes = jax.lax.stop_gradient(axes_along(offset)[0])
    offset = axes @ offset
    offset = offset.at[1].add(-jax.lax.stop_gradient(offset[1]))
    fine, coarse = (
        _grid(offset, model.noise_std, dim, nodes, hardest, refinement)
        for nodes in (_NODES_PER_PANEL, _NODES_PER_PANEL // 2)
    )
    return NodesLaw(
        fine=fine,
        coarse=coarse,
        axes=axes,
        sign=jnp.asarray(1.0 if hardest else -1.0),
        reference=probe.plane,
        teacher=teacher_plane(model),
        noise_std=model.noise_std,
        penalty=penalty,
        dim=dim,
    )


@final
class _PolarNodes(eqx.Module):
    """Kept nodes of GraNd at a level of its priority: the score, or minus the score."""

    offset: Plane
    noise_std: Scalar
    dim: int
    nodes_per_panel: int
    hardest: bool
    refinement: int

    def __call__(self, level: Scalar) -> KeptNodes:
        length, along, across, weight = self._points()
        side = sphere_coordinate_rule(self.dim - 1)
        sides = side.nodes[None, None, :]
        across = across[..., None]
        turned = -self.offset[1] / self.noise_std * across * sides
        share = weight[..., None] * side.weights[None, None, :]
        mass, noise, residual, square = (
            share * (value[..., None] + slope[..., None] * turned)
            for value, slope in self._kept_noise(level, along, length)
        )
        return KeptNodes(
            first=along[..., None],
            second=across * sides,
            rest=across**2 * (1.0 - sides**2),
            mass=mass,
            noise=noise,
            residual=self.noise_std * residual,
            square=self.noise_std**2 * square,
            resolved=jnp.asarray(True),
        )

    def mass(self, level: Scalar) -> Scalar:
        """The kept mass: what turning adds to one side it takes from the other."""
        length, along, _, weight = self._points()
        return jnp.sum(weight * self._kept_noise(level, along, length)[0][0])

    def _points(self) -> tuple[Values, Values, Values, Values]:
        """Length, x along and across the probe's error, and weight; shape (radii, latitudes)."""
        radius, latitude = polar_rules(
            self.dim, self.nodes_per_panel, symmetric=True, refinement=self.refinement
        )
        radii, angles = radius.nodes[:, None], latitude.nodes[None, :]
        weight = radius.weights[:, None] * latitude.weights[None, :]
        points = (radii, radii * np.sin(angles), radii * np.cos(angles), weight)
        return tuple(jnp.asarray(values) for values in points)  # pyright: ignore

    def _kept_noise(
        self, level: Scalar, along: Values, length: Values
    ) -> tuple[tuple[Values, Values], ...]:
        """Mass, noise, residual and its square where |residual| is above, or below, the cut.

        In units of the noise; each with its derivative in the place where the residual vanishes.
        """
        zero = -self.offset[0] * along / self.noise_std
        cut = jnp.abs(level) / (length * self.noise_std)
        low, high = zero - cut, zero + cut
        if self.hardest:
            above, below = tail_moments(high, zero), tail_moments(-low, -zero)
            mass, residual, square = above[0] + below[0], above[1] - below[1], above[2] + below[2]
        else:
            mass, residual, square = interval_moments(low, high, zero)
        sign = -1.0 if self.hardest else 1.0
        top, bottom = sign * pdf(high), sign * pdf(low)
        return (
            (mass, top - bottom),
            (sign * interval_mean(low, high), high * top - low * bottom),
            (residual, cut * (top + bottom) - mass),
            (square, cut**2 * (top - bottom) - 2.0 * residual),
        )


def _grid(
    offset: Plane,
    noise_std: Scalar,
    dim: int,
    nodes_per_panel: int,
    hardest: bool,
    refinement: int,
) -> Grid:
    # No sample scores above this: |x| and the standard normal noise end about 12 deviations out.
    reach = jnp.sqrt(1.0 * dim) + 12.0
    top = reach * (offset[0] * reach + 12.0 * noise_std)
    nodes = _PolarNodes(offset, noise_std, dim, nodes_per_panel, hardest, refinement)
    return Grid(
        nodes=nodes,
        mass=nodes.mass,
        low=jnp.zeros(()) if hardest else -top,
        high=top if hardest else jnp.zeros(()),
    )
