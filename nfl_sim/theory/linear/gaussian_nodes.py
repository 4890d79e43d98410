"""Few nodes that integrate polynomials of degree five against Gaussian covariates exactly."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import SlabMoments
from nfl_sim.theory.linear.law import KeptNodes, Plane
from nfl_sim.validation import Scalar

# Gauss-Hermite with three nodes: 0 and +-sqrt(3).
_PLACES = np.sqrt(3.0) * np.array([-1.0, 0.0, 1.0])
_WEIGHTS = np.array([1.0, 4.0, 1.0]) / 6.0


def elliptic_nodes(
    second: Scalar, fourth: Scalar, offset: Plane, noise_std: Scalar, dim: int
) -> KeptNodes:
    """Nodes of sqrt(s) x for Gaussian x, with E s = second, E s^2 = fourth, and a free noise.

    They carry the residual offset.x + noise_std * xi. second = fourth = 1 is the law of all
    samples. The measure may be negative at the origin, which does no harm to sums.
    """
    length = jnp.stack([jnp.zeros_like(second), jnp.sqrt(fourth / second)])[:, None]
    share = jnp.stack([1.0 - second**2 / fourth, second**2 / fourth])[:, None]
    points, weights = _grid(2)
    first, other = (length * points[None, :, axis] for axis in (0, 1))
    other = other if dim > 1 else jnp.zeros_like(other)
    mass = share * weights[None, :]
    moved = offset[0] * first + offset[1] * other
    return KeptNodes(
        first=first,
        second=other,
        rest=jnp.broadcast_to(length**2 * max(dim - 2, 0), first.shape),
        mass=mass,
        noise=jnp.zeros_like(mass),
        residual=mass * moved,
        square=mass * (moved**2 + noise_std**2),
        resolved=jnp.asarray(True),
    )


def slab_nodes(
    moments: SlabMoments, axis: Float[Array, " 3"], slope: Scalar, noise: Scalar, dim: int
) -> KeptNodes:
    """Nodes of z = (x_1, x_2, xi) whose component T along the unit vector ``axis`` is selected.

    T has the given second and fourth moment, all else is Gaussian. The nodes carry the residual
    slope * T + noise * xi.
    """
    _, kappa, _, fourth = moments
    reach, share = jnp.sqrt(fourth / kappa), 0.5 * kappa**2 / fourth
    along = jnp.stack([-reach, jnp.zeros_like(reach), reach])[:, None]
    part = jnp.stack([share, 1.0 - 2.0 * share, share])[:, None]
    points, weights = _grid(3)
    across = points - jnp.outer(points @ axis, axis)
    first, second, xi = (along * axis[i] + across[None, :, i] for i in range(3))
    mass = part * weights[None, :]
    residual = slope * along + noise * xi
    return KeptNodes(
        first=first,
        second=second if dim > 1 else jnp.zeros_like(second),
        rest=jnp.full_like(first, max(dim - 2, 0)),
        mass=mass,
        noise=mass * xi,
        residual=mass * residual,
        square=mass * residual**2,
        resolved=jnp.asarray(True),
    )


def _grid(directions: int) -> tuple[Float[Array, "k j"], Float[Array, " k"]]:
    """The product rule in several directions."""
    places = np.meshgrid(*[_PLACES] * directions, indexing="ij")
    weights = np.meshgrid(*[_WEIGHTS] * directions, indexing="ij")
    points = np.stack([place.ravel() for place in places], axis=1)
    return jnp.asarray(points), jnp.asarray(np.prod([w.ravel() for w in weights], axis=0))
