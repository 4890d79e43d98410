"""Panels of a normal variable, one row a node of another, that end where an integrand bends."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import panel_nodes
from nfl_sim.validation import Scalar

FINE, COARSE = 8, 5  # Gauss-Legendre nodes a panel: of a solution, and of the search for it

Places = Float[Array, " k"]
_BASE = np.array([-8.5, -4.6, -2.4, -0.8, 0.8, 2.4, 4.6, 8.5])
_STEPS = np.array([-5.0, -1.6, 1.6, 5.0])


class Bend(NamedTuple):
    """Where an integrand turns, in each row, and over what width.

    Args:
        place: shape (k,).
        width: a scalar; 0 for a kink.
    """

    place: Places
    width: Scalar


def insert(bends: list[Bend], floor: Places) -> Float[Array, "k e"]:
    """Sorted edges from ``floor`` to 8.5: a base, and four about every bend.

    The edges do not move when differentiated: an integral does not depend on its panels.
    """
    edges = jnp.broadcast_to(jnp.asarray(_BASE), (len(floor), len(_BASE)))
    for bend in bends:
        place, width = jax.lax.stop_gradient((jnp.clip(bend.place, -99.0, 99.0), bend.width))
        for step in _STEPS:
            edges = _insert_one(edges, place + step * width)
    return jnp.maximum(edges, floor[:, None])


def fill(edges: Float[Array, "k e"], order: int) -> tuple[Float[Array, "k x"], Float[Array, "k x"]]:
    """Gauss-Legendre nodes and lengths on the panels of each row.

    Both are linear in the edges: as products of matrices they are computed once, where a formula
    would be worked out anew in every sum over them.
    """
    nodes, lengths = panel_nodes(np.array([0.0, 1.0]), order)
    first, second = np.eye(edges.shape[1])[:, :-1], np.eye(edges.shape[1])[:, 1:]
    places = np.kron(first, 1.0 - nodes) + np.kron(second, nodes)
    return edges @ places, edges @ np.kron(second - first, lengths)


def _insert_one(edges: Float[Array, "k e"], place: Places) -> Float[Array, "k f"]:
    """One more edge in each sorted row."""
    low, high = edges[:, :1], edges[:, -1:]
    place = jnp.clip(place[:, None], low, high)
    below = jnp.concatenate([low, edges], axis=1)
    above = jnp.concatenate([edges, high], axis=1)
    return jnp.maximum(below, jnp.minimum(above, place))
