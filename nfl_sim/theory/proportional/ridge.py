"""Ridge regression on signs, in closed form."""

from typing import NamedTuple

import jax.numpy as jnp

from nfl_sim.theory.proportional.law import SignedLaw, Student
from nfl_sim.validation import Scalar


class RidgeSolution(NamedTuple):
    """The student of the loss (1 - y w.x)^2 / 2.

    Args:
        student: its order parameters; the rest is infinite at ratio 1 without penalty.
        stiffness: 1/V; 0 where it interpolates.
        training_loss: of a kept sample.
    """

    student: Student
    stiffness: Scalar
    training_loss: Scalar


def solve_ridge(law: SignedLaw, ratio: Scalar, ridge: Scalar) -> RidgeSolution:
    """ridge V^2 + (ridge + ratio - 1) V - 1 = 0, then linear equations for the student.

    Args:
        law: of the kept samples, all of weight 1.
        ratio: kept samples a dimension.
        ridge: penalty times ratio, >= 0; at 0 the least squares of minimum norm.

    References: {eq}`eq-ridge-signs` in theory_notes/05_proportional_limit.md.
    """
    surplus = ridge + ratio - 1.0
    root = jnp.sqrt(surplus**2 + 4.0 * ridge)
    stable = 0.5 * (root + jnp.abs(surplus))  # the larger of 1/V and ridge V; never cancels
    other = ridge / jnp.where(stable > 0.0, stable, 1.0)
    stiffness = jnp.where(surplus > 0.0, stable, other)
    penalty = (ridge + jnp.where(surplus > 0.0, other, stable)) / ratio
    mean, second = law.plane_moments()
    plane = jnp.linalg.solve(second + penalty * jnp.eye(2), mean)
    residual = 1.0 - 2.0 * jnp.sum(plane * mean) + plane @ second @ plane
    share = ratio / (1.0 + stiffness) ** 2
    square = share * residual / (1.0 - share)
    student = Student(plane[0], plane[1], jnp.sqrt(square))
    left = stiffness / (1.0 + stiffness)
    return RidgeSolution(student, stiffness, 0.5 * (residual + square) * left**2)
