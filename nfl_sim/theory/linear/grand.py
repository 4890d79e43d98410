"""GraNd: the residual times the length of x, in polar coordinates about the probe's error."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import (
    interval_mean,
    interval_moments,
    polar_rules,
    sphere_coordinate_rule,
    tail_moments,
)
from nfl_sim.models import Linear
from nfl_sim.scores import Probe
from nfl_sim.theory.linear.frame import axes_along, teacher_plane
from nfl_sim.theory.linear.node_moments import KeptNodes
from nfl_sim.theory.linear.nodes import Grid, NodesLaw
from nfl_sim.validation import Scalar

_NODES_PER_PANEL = 16


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
    axes, length = axes_along(offset)
    fine, coarse = (
        _grid(length, model.noise_std, dim, nodes, hardest, refinement)
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

    offset: Scalar
    noise_std: Scalar
    dim: int
    nodes_per_panel: int
    hardest: bool
    refinement: int

    def __call__(self, level: Scalar) -> KeptNodes:
        radius, latitude = polar_rules(
            self.dim, self.nodes_per_panel, symmetric=True, refinement=self.refinement
        )
        side = sphere_coordinate_rule(self.dim - 1)
        sides = side.nodes[None, None, :]
        radii = radius.nodes[:, None, None]
        length = jnp.asarray(radii)
        along = jnp.asarray(radii * np.sin(latitude.nodes)[:, None])
        across = jnp.asarray(radii * np.cos(latitude.nodes)[:, None])
        weight = radius.weights[:, None, None] * latitude.weights[:, None]
        mass, noise, residual, square = self._kept_noise(level, along, length)
        share = jnp.asarray(weight * side.weights)
        return KeptNodes(
            first=along,
            second=across * sides,
            rest=across**2 * (1.0 - sides**2),
            mass=share * mass,
            noise=share * noise,
            residual=share * residual,
            square=share * square,
            resolved=jnp.asarray(True),
        )

    def _kept_noise(
        self, level: Scalar, along: Float[Array, "..."], length: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], ...]:
        """Mass, noise, residual and its square where |residual| is above, or below, the cut."""
        zero = -self.offset * along / self.noise_std
        cut = jnp.abs(level) / (length * self.noise_std)
        inside = interval_mean(zero - cut, zero + cut)
        if self.hardest:
            above, below = tail_moments(zero + cut, zero), tail_moments(cut - zero, -zero)
            mass, residual, square = above[0] + below[0], above[1] - below[1], above[2] + below[2]
        else:
            mass, residual, square = interval_moments(zero - cut, zero + cut, zero)
        noise = -inside if self.hardest else inside
        return mass, noise, self.noise_std * residual, self.noise_std**2 * square


def _grid(
    offset: Scalar,
    noise_std: Scalar,
    dim: int,
    nodes_per_panel: int,
    hardest: bool,
    refinement: int,
) -> Grid:
    # No sample scores above this: |x| and the standard normal noise end about 12 deviations out.
    reach = jnp.sqrt(1.0 * dim) + 12.0
    top = reach * (offset * reach + 12.0 * noise_std)
    return Grid(
        nodes=_PolarNodes(offset, noise_std, dim, nodes_per_panel, hardest, refinement),
        low=jnp.zeros(()) if hardest else -top,
        high=top if hardest else jnp.zeros(()),
    )
