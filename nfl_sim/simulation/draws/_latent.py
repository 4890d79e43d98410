"""What a score knows of a sample: one Gaussian coordinate, or the radius."""

import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array, Float

from nfl_sim.gaussian import bisect, chi_square_cdf, polish
from nfl_sim.models import Linear, Model
from nfl_sim.scores import PointwiseScore, Probe
from nfl_sim.simulation.draws._draw import Family
from nfl_sim.simulation.draws._normals import central_quantile

_BISECTIONS = 40
_SMALLEST = 1e-300


def magnitude(masses: Float[Array, "..."], *, outward: bool) -> Float[Array, "..."]:
    """|T| of a standard normal T that a mass of the law surpasses (or, inward, falls short of)."""
    if outward:
        return -ndtri(0.5 * masses)
    return central_quantile(masses)


def radius(masses: Float[Array, "..."], dim: int, *, outward: bool) -> Float[Array, "..."]:
    """|x| of x ~ N(0, I_dim) that a mass of the law surpasses (or, inward, falls short of)."""
    if dim == 1:
        return magnitude(masses, outward=outward)
    tail = jnp.maximum(masses if outward else 1.0 - masses, _SMALLEST)
    reach = -jnp.log(tail)
    high = dim + 2.0 * jnp.sqrt(dim * reach) + 2.0 * reach + 1.0  # Laurent & Massart 2000

    def beyond(square: Float[Array, "..."]) -> Float[Array, "..."]:
        within = chi_square_cdf(square, dim)
        return within - (1.0 - masses) if outward else within - masses

    low = jnp.zeros_like(high)
    bracket = bisect(lambda square: beyond(square) < 0.0, low, high, steps=_BISECTIONS)
    return jnp.sqrt(jnp.maximum(polish(beyond, *bracket), 0.0))


def axis_of(
    family: Family, model: Model, score: PointwiseScore, dim: int
) -> tuple[Float[Array, " p"], Float[Array, ""]]:
    """Unit vector u and scale s such that the score sees s u.g.

    Here g = (x_1, x_2, xi) is standard normal (x_2 only from dimension 2 on): the covariates in
    the plane of teacher and probe, and the label noise, which is there for `Linear` alone.

    References: {eq}`eq-draw-latent` in theory_notes/12_fast_draws.md.
    """
    plane, noisy = min(dim, 2), isinstance(model, Linear)
    probe = score.probe
    if family == "random" or not isinstance(probe, Probe):
        axis = jnp.zeros(plane).at[0].set(1.0)
        axis = jnp.append(axis, 0.0) if noisy else axis
        return axis, jnp.ones(())
    if family == "residual" and isinstance(model, Linear):
        offset = jnp.zeros(plane).at[0].set(model.signal) - probe.plane[:plane]
        axis = jnp.append(offset, model.noise_std)
    else:
        axis = probe.direction[:plane]
        axis = jnp.append(axis, 0.0) if noisy else axis
    scale = jnp.linalg.norm(axis)
    return axis / scale, scale


def basis_from(axis: Float[Array, " p"]) -> Float[Array, "p p"]:
    """An orthogonal matrix whose first column is the unit vector ``axis`` (Householder)."""
    size = len(axis)
    sign = jnp.where(axis[0] < 0.0, -1.0, 1.0)
    normal = axis.at[0].add(sign)
    reflection = jnp.eye(size) - jnp.outer(normal, normal) * (2.0 / jnp.sum(normal**2))
    return reflection.at[:, 0].set(axis)
