"""Ridge regression on signs, in closed form."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.theory.proportional.law import Places, SignedLaw, Student
from nfl_sim.theory.proportional.self_induced import stiffness
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
    """One equation for the stiffness s, then linear ones for the student.

    A sample of weight omega acts with omega s / (s + omega): large weights are shrunk most.

    Args:
        law: of the kept samples.
        ratio: kept samples a dimension.
        ridge: penalty times ratio times E[omega], >= 0; at 0 the least squares of minimum norm.

    References: {eq}`eq-ridge-signs` in theory_notes/05_proportional_limit.md,
    {eq}`eq-calibrated-ridge` in theory_notes/08_calibration.md.
    """
    shares, weights = law.masses * law.chance(law.places), law.weights
    stiff = stiffness(shares, weights, ratio, ridge)
    pull, left = weights / (stiff + weights), stiff / (stiff + weights)
    penalty = jnp.maximum(1.0 / ratio - jnp.sum(shares * pull), 0.0)
    mean, second = _moments(law, pull)
    plane = jnp.linalg.solve(second + penalty * jnp.eye(2), mean)
    room = penalty + jnp.sum(shares * pull * left)
    square = _residual(law, pull**2, plane) / jnp.where(room > 0.0, room, 0.0)
    loss = _residual(law, weights * left**2, plane) + square * jnp.sum(shares * weights * left**2)
    student = Student(plane[0], plane[1], jnp.sqrt(square))
    return RidgeSolution(student, stiff, 0.5 * loss / law.mean_weight)


def _moments(law: SignedLaw, weights: Places) -> tuple[Float[Array, " 2"], Float[Array, "2 2"]]:
    return eqx.tree_at(lambda law: law.weights, law, weights).plane_moments()


def _residual(law: SignedLaw, weights: Places, plane: Float[Array, " 2"]) -> Scalar:
    """E[weights (1 - a.G)^2]."""
    total = jnp.sum(law.masses * weights * law.chance(law.places))
    mean, second = _moments(law, weights)
    return total - 2.0 * plane @ mean + plane @ second @ plane
