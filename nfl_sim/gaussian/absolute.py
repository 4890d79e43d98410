"""Integrals of |f| from the values of a smooth f at Gauss nodes, accurate across its roots."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian.roots import bisect

_EDGES = np.linspace(-1.0, 1.0, 5)  # pieces of a panel; a root is where a piece changes sign
_HALVINGS = 8


def integrate_absolute(values: Float[Array, "p k"], widths: Float[Array, " p"]) -> Float[Array, ""]:
    """The integral of |f| over panels of these widths.

    On each panel f is replaced by its interpolating polynomial, which is cut where it changes
    sign; to find the cuts costs no further values of f.

    Args:
        values: f at the k Gauss-Legendre nodes of each panel, k <= 16.
        widths: lengths of the panels.

    Returns:
        The integral, as accurate as the Gauss rule is for a smooth f; two roots within a quarter
        of a panel may go unseen.
    """
    degrees = np.arange(values.shape[1])
    nodes = np.polynomial.legendre.leggauss(len(degrees))[0]
    coefficients = values @ np.linalg.inv(nodes ** degrees[:, None])
    primitive = coefficients / (1.0 + degrees[None, :])
    before = primitive @ _EDGES ** (1.0 + degrees[:, None])
    cut = _sign_change(coefficients, coefficients @ _EDGES ** degrees[:, None] > 0.0)
    middle = cut * _horner(primitive, cut)
    pieces = jnp.abs(middle - before[:, :-1]) + jnp.abs(before[:, 1:] - middle)
    return 0.5 * jnp.sum(widths * jnp.sum(pieces, axis=1))


def _horner(coefficients: Float[Array, "p k"], points: Float[Array, "p q"]) -> Float[Array, "p q"]:
    total = jnp.zeros_like(points)
    for column in coefficients.T[::-1]:
        total = total * points + column[:, None]
    return total


def _sign_change(coefficients: Float[Array, "p k"], positive: Array) -> Float[Array, "p q"]:
    """A root of the polynomials in each piece at whose ends they differ in sign."""
    coefficients = jax.lax.stop_gradient(coefficients)
    ends = jnp.broadcast_to(jnp.asarray(_EDGES), positive.shape)
    low, high = bisect(
        lambda x: (_horner(coefficients, x) > 0.0) == positive[:, :-1],
        ends[:, :-1],
        ends[:, 1:],
        steps=_HALVINGS,
    )
    first, last = jnp.split(_horner(coefficients, jnp.concatenate([low, high], axis=1)), 2, axis=1)
    share = first / jnp.where(first == last, 1.0, first - last)
    return low + jnp.clip(share, 0.0, 1.0) * (high - low)
