"""What the theory needs to know about the kept samples of a logistic problem."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.models import Logistic
from nfl_sim.validation import Scalar

Plane = Float[Array, " 2"]
Matrix = Float[Array, "2 2"]
Values = Float[Array, " k"]


class Resolution(NamedTuple):
    """How fine the nodes are.

    Args:
        order: Gauss-Legendre nodes on each panel.
        step: of the trapezoidal rule across the first axis.
        along, across: how many panels to make of each, on the first axis and across it.
    """

    order: int
    step: float
    along: int = 1
    across: int = 1

    @classmethod
    def of(cls, order: int, step: float, refinement: int) -> "Resolution":
        """Refined: the poles of the logistic functions are nearest across the first axis."""
        return cls(order, step / refinement, (refinement + 1) // 2, refinement)


class KeptNodes(NamedTuple):
    """A quadrature of the kept law of z = y x, in the plane of teacher and probe.

    Args:
        first, second: coordinates along the axes of the law.
        mass: weights; they sum to the kept fraction. They may be negative.
        rest: mass times the mean of rho_1^2, where rho_1 is one coordinate off the plane.
        resolved: whether the level set was followed.
    """

    first: Values
    second: Values
    mass: Values
    rest: Values
    resolved: Bool[Array, ""]

    @classmethod
    def flat(
        cls,
        first: Float[Array, "..."],
        second: Float[Array, "..."],
        mass: Float[Array, "..."],
        rest: Float[Array, "..."],
        resolved: Bool[Array, ""],
    ) -> "KeptNodes":
        """Nodes from arrays of one shape."""
        return cls(first.ravel(), second.ravel(), mass.ravel(), rest.ravel(), resolved)

    def times(self, factor: Scalar) -> "KeptNodes":
        """The same nodes with ``factor`` times the measure."""
        return self._replace(mass=factor * self.mass, rest=factor * self.rest)

    def joined(self, other: "KeptNodes") -> "KeptNodes":
        """The sum of two measures."""
        return KeptNodes(
            jnp.concatenate([self.first, other.first]),
            jnp.concatenate([self.second, other.second]),
            jnp.concatenate([self.mass, other.mass]),
            jnp.concatenate([self.rest, other.rest]),
            self.resolved & other.resolved,
        )


class LogisticLaw(eqx.Module):
    """The law of the kept z = y x as a function of a level, with which the kept mass increases.

    Args:
        model: the teacher.
        axes: rows are the axes of the plane in the frame (e_1, e_2).
        others: directions off the plane, max(dim - 2, 0).
        flat: whether there is only the first axis (dimension 1).
        low, high: levels between which the kept mass runs from 0 to 1.
        complete: the level at which everything is kept.

    References: {eq}`eq-logistic-kept` in theory_notes/04_logistic.md.
    """

    model: eqx.AbstractVar[Logistic]
    axes: eqx.AbstractVar[Matrix]
    others: eqx.AbstractVar[Scalar]
    flat: eqx.AbstractVar[bool]
    low: eqx.AbstractVar[Scalar]
    high: eqx.AbstractVar[Scalar]
    complete: eqx.AbstractVar[float]

    @abc.abstractmethod
    def nodes(self, level: Scalar, resolution: Resolution) -> KeptNodes:
        """The kept nodes; they move smoothly with the level and with every parameter."""

    @abc.abstractmethod
    def separator(self, nodes: KeptNodes) -> Scalar:
        """-1 or 1 if that sign of the first axis separates the kept labels, else 0."""


def density(
    model: Logistic, axes: Matrix, first: Float[Array, "..."], second: Float[Array, "..."]
) -> Float[Array, "..."]:
    """2 P(y = 1 | x = z): the density of z = y x with respect to N(0, I)."""
    teacher = axes[:, 0] * model.signal
    return 2.0 * model.link(teacher[0] * first + teacher[1] * second)
