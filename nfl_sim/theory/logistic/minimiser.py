"""The minimiser of the penalised log-loss on a kept law."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array, Bool, Float

from nfl_sim.theory.logistic.law import KeptNodes, Matrix, Plane, Values
from nfl_sim.validation import Scalar

_ARMIJO = 1e-4
_HALVINGS = 40
_ROUNDING = 1e-15  # of the objective, whose terms are of order 1 however small their sum


class Objective(NamedTuple):
    """sum over nodes of mass * log(1 + exp(-w.z)) + mass * penalty |w|^2 / 2.

    Args:
        nodes: of the kept law.
        penalty: of the learner.
        flat: 1 for an axis on which nothing lies (dimension 1), else 0; it is kept at 0.
    """

    nodes: KeptNodes
    penalty: Scalar
    flat: Plane

    def margin(self, student: Plane) -> Values:
        """w.z at the nodes."""
        return student[0] * self.nodes.first + student[1] * self.nodes.second

    def value(self, student: Plane) -> Scalar:
        """The objective."""
        margin = self.margin(student)
        loss = jnp.maximum(-margin, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(margin)))
        return jnp.sum(self.nodes.mass * loss) + 0.5 * self._ridge * jnp.sum(student**2)

    def gradient(self, student: Plane) -> Plane:
        """Its gradient; zero is the moment equation {eq}`eq-logistic-moments`."""
        missed = sigmoid(-self.margin(student))
        pull = -self.nodes.mass * missed
        first, second = jnp.sum(pull * self.nodes.first), jnp.sum(pull * self.nodes.second)
        return jnp.stack([first, second]) + (self._ridge + self.flat) * student

    def hessian(self, student: Plane) -> Matrix:
        """Its Hessian."""
        missed = sigmoid(-self.margin(student))
        weight = self.nodes.mass * missed * (1.0 - missed)
        inner = gram(weight, self.nodes.first, self.nodes.second)
        return inner + jnp.diag(self._ridge + self.flat)

    def perpendicular(self, student: Plane) -> Scalar:
        """Its second derivative along any direction off the plane."""
        chance = sigmoid(self.margin(student))
        return jnp.sum(self.nodes.rest * chance * (1.0 - chance)) + self._ridge

    @property
    def _ridge(self) -> Scalar:
        return self.penalty * jnp.sum(self.nodes.mass)


def gram(weight: Values, first: Values, second: Values) -> Matrix:
    """Sum over nodes of weight * u u' for u = (first, second)."""
    one, two = first * weight, second * weight
    cross = jnp.sum(one * second)
    return jnp.stack([jnp.sum(one * first), cross, cross, jnp.sum(two * second)]).reshape(2, 2)


def minimise(
    objective: Objective, start: Plane, *, tolerance: float, steps: int
) -> tuple[Plane, Bool[Array, ""]]:
    """Newton's method with Armijo's rule.

    Args:
        objective: convex.
        start: first guess.
        tolerance: of the Newton step, relative to 1 + |w|.
        steps: the most iterations.

    Returns:
        The minimiser, and whether the tolerance was met.
    """

    def unfinished(state):
        count, _, done = state
        return (count < steps) & ~done

    def improve(state):
        count, student, _ = state
        gradient = objective.gradient(student)
        step = -solve(objective.hessian(student), gradient)
        # Comparisons are written so that nan ends the loops.
        small = ~(jnp.max(jnp.abs(step)) > tolerance * (1.0 + jnp.max(jnp.abs(student))))
        length = _armijo(objective, student, step, jnp.sum(gradient * step))
        return count + 1, student + length * step, small

    state = (jnp.asarray(0), start, jnp.asarray(False))
    _, student, done = jax.lax.while_loop(unfinished, improve, state)
    return student, done


def polish_minimiser(objective: Objective, student: Plane) -> Plane:
    """Two Newton steps from the minimiser: its first three derivatives become exact."""

    def improve(student, _):
        return student + _newton_step(objective, student), None

    return jax.lax.scan(improve, jax.lax.stop_gradient(student), length=2)[0]


def _newton_step(objective: Objective, student: Plane) -> Plane:
    return -solve(objective.hessian(student), objective.gradient(student))


def solve(matrix: Matrix, right: Float[Array, "2 ..."]) -> Float[Array, "2 ..."]:
    """matrix^-1 right in two dimensions, scaled so that axes of very unlike size do no harm."""
    scale = jnp.sqrt(jnp.diag(matrix))
    (a, b), (_, c) = matrix / jnp.outer(scale, scale)
    x, y = right[0] / scale[0], right[1] / scale[1]
    determinant = a * c - b * b
    along = (c * x - b * y) / (determinant * scale[0])
    return jnp.stack([along, (a * y - b * x) / (determinant * scale[1])])


def _armijo(objective: Objective, student: Plane, step: Plane, slope: Scalar) -> Scalar:
    """The length of step, 1, 1/2, ..., at which the objective falls by enough of its slope."""
    value = objective.value(student)

    def too_long(state):
        count, length = state
        decrease = value - objective.value(student + length * step)
        return (count < _HALVINGS) & (decrease < -_ARMIJO * length * slope - _ROUNDING)

    def shorten(state):
        return state[0] + 1, 0.5 * state[1]

    return jax.lax.while_loop(too_long, shorten, (jnp.asarray(0), jnp.ones(())))[1]
