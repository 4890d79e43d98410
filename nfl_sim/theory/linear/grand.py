"""GraNd: the residual times the length of x, in polar coordinates about the probe's error."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import interval_moments, polar_rules, sphere_coordinate_rule
from nfl_sim.models import Linear
from nfl_sim.scores import Probe
from nfl_sim.theory.linear.frame import axes_along, teacher_plane
from nfl_sim.theory.linear.node_moments import KeptNodes
from nfl_sim.theory.linear.nodes import Grid, NodesLaw
from nfl_sim.validation import Scalar

_NODES_PER_PANEL = 16


def grand_law(model: Linear, probe: Probe, penalty: Scalar, dim: int, *, hardest: bool) -> NodesLaw:
    """The kept law of GraNd: |residual| above, or below, threshold / |x|.

    Given x the residual is N((w0 - w_p).x, sigma^2), so the noise is kept on two half-lines or on
    an interval, in closed form; the radius and the latitude of x are left to quadrature.

    References: {eq}`eq-grand-moments` in theory_notes/03_linear.md.
    """
    offset = teacher_plane(model) - probe.plane
    axes, length = axes_along(offset)
    fine, coarse = (
        _grid(length, model.noise_std, dim, nodes, hardest)
        for nodes in (_NODES_PER_PANEL, _NODES_PER_PANEL // 2)
    )
    return NodesLaw(
        fine=fine,
        coarse=coarse,
        axes=axes,
        sign=jnp.asarray(1.0 if hardest else -1.0),
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

    def __call__(self, level: Scalar) -> KeptNodes:
        radius, latitude = polar_rules(self.dim, self.nodes_per_panel, symmetric=True)
        side = sphere_coordinate_rule(self.dim - 1)
        radii = radius.nodes[:, None, None]
        length = jnp.asarray(radii)
        along = jnp.asarray(radii * np.sin(latitude.nodes)[:, None])
        across = jnp.asarray(radii * np.cos(latitude.nodes)[:, None])
        weight = radius.weights[:, None, None] * latitude.weights[:, None]
        mass, noise, square = self._kept_noise(level, along, length)
        share = jnp.asarray(weight * side.weights)
        return KeptNodes(
            first=along,
            second=across * side.nodes,
            rest=across**2 * (1.0 - side.nodes**2),
            mass=share * mass,
            noise=share * noise,
            square=share * square,
            resolved=jnp.asarray(True),
        )

    def _kept_noise(
        self, level: Scalar, along: Float[Array, "..."], length: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], ...]:
        cut = jnp.abs(level) / length
        low, high = ((bound - self.offset * along) / self.noise_std for bound in (-cut, cut))
        if not self.hardest:
            return interval_moments(low, high)
        left = interval_moments(jnp.full_like(low, -jnp.inf), low)
        right = interval_moments(high, jnp.full_like(high, jnp.inf))
        return tuple(a + b for a, b in zip(left, right, strict=True))


def _grid(offset: Scalar, noise_std: Scalar, dim: int, nodes_per_panel: int, hardest: bool) -> Grid:
    # No sample scores above this: |x| and the standard normal noise end about 12 deviations out.
    reach = jnp.sqrt(1.0 * dim) + 12.0
    top = reach * (offset * reach + 12.0 * noise_std)
    return Grid(
        nodes=_PolarNodes(offset, noise_std, dim, nodes_per_panel, hardest),
        low=jnp.zeros(()) if hardest else -top,
        high=top if hardest else jnp.zeros(()),
    )
