"""Plane geometry of a linear problem: the teacher lies along e_1."""

import jax.numpy as jnp

from nfl_sim.models import Linear
from nfl_sim.theory.linear.law import Matrix, Plane
from nfl_sim.validation import Scalar


def teacher_plane(model: Linear) -> Plane:
    """w0 in the plane (e_1, e_2)."""
    return jnp.stack([model.signal, jnp.zeros(())])


def axes_along(vector: Plane) -> tuple[Matrix, Scalar]:
    """Two orthonormal rows, the first along ``vector`` (e_1 if it is 0), and its length.

    Differentiable also at 0, where the derivative of the length is 0.
    """
    square = jnp.sum(vector**2)
    zero = square == 0.0
    length = jnp.sqrt(jnp.where(zero, 1.0, square))
    along = jnp.where(zero, jnp.array([1.0, 0.0]), vector / length)
    axes = jnp.stack([along, jnp.stack([-along[1], along[0]])])
    return axes, jnp.where(zero, 0.0, length)
