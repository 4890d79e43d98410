"""What the theory needs to know about the kept samples of a linear problem."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.theory.coins import Budget
from nfl_sim.theory.second_order import Cut
from nfl_sim.validation import Scalar

Plane = Float[Array, " 2"]
Matrix = Float[Array, "2 2"]
Values = Float[Array, "..."]

_MEASURES = ("mass", "noise", "residual", "square")
_MASS_TOLERANCE = 1e-9
_ERROR_TOLERANCE = 1e-2


class KeptNodes(NamedTuple):
    """The kept law as weighted nodes; all arrays broadcast to one shape.

    With y = w0.x + noise_std * xi, a node stands for a point x and for the law of xi there. The
    residual s = y - w_ref.x is that of a fixed reference student w_ref: the probe, if there is
    one, so that nothing cancels where only small residuals are kept.

    Args:
        first, second: coordinates of x along the two axes of the plane.
        rest: squared length of x off the plane.
        mass, noise, residual, square: the weight of the node times E[1{kept}], E[xi 1{kept}],
            E[s 1{kept}] and E[s^2 1{kept}] there.
        resolved: whether the kept set was followed at every node.
    """

    first: Values
    second: Values
    rest: Values
    mass: Values
    noise: Values
    residual: Values
    square: Values
    resolved: Bool[Array, ""]

    def times(self, factor: Scalar) -> "KeptNodes":
        """The same nodes with ``factor`` times the measure."""
        measures = {name: factor * getattr(self, name) for name in _MEASURES}
        return self._replace(**measures)


class Jet(NamedTuple):
    """A function of the fraction with its first two derivatives.

    Args:
        value, slope, curvature: shape (2,); the derivatives are 0 at fraction 1, where they
            would be multiplied by 1 - r.
    """

    value: Plane
    slope: Plane
    curvature: Plane


class Fluctuation(NamedTuple):
    """Second order of ridge on m i.i.d. samples of the kept law, to leading order in 1/m.

    Args:
        covariance: m Cov of the student in the plane (e_1, e_2).
        perpendicular: m Var of the student along any further direction.
        bias: m times the bias of the student in the plane.
        residual: tau^2 = E[(y - w_inf.x)^2] under the kept law.
    """

    covariance: Matrix
    perpendicular: Scalar
    bias: Plane
    residual: Scalar

    def times(self, factor: Scalar) -> "Fluctuation":
        """Covariance and bias in other units: 1/fraction counts the samples before pruning."""
        return self._replace(
            covariance=factor * self.covariance,
            perpendicular=factor * self.perpendicular,
            bias=factor * self.bias,
        )

    def plus(self, other: "Fluctuation") -> "Fluctuation":
        """Covariances and biases of independent strata add up."""
        return self._replace(
            covariance=self.covariance + other.covariance,
            perpendicular=self.perpendicular + other.perpendicular,
            bias=self.bias + other.bias,
        )

    def in_frame(self, axes: Matrix) -> "Fluctuation":
        """From components along the rows of ``axes`` to those of the frame (e_1, e_2)."""
        return self._replace(covariance=axes.T @ self.covariance @ axes, bias=self.bias @ axes)


class Expansion(NamedTuple):
    """All that is predicted about the student at one fraction.

    Args:
        threshold: the score at which the rule cuts; nan for random pruning.
        cut: the noise of the fraction, or of whatever moves the student.
        deviation: w_inf - w0 = (A + penalty)^-1 (g - penalty w0), {eq}`eq-minimiser`, as a
            function of what is cut.
        fluctuation: n times the sampling error of the student at a fixed cut, {eq}`eq-iid-bias`.
        numerical_error: absolute error of |w_inf - w0|^2.
        converged: whether every solve met its tolerance.
        budget: of a rule that tosses coins.
    """

    threshold: Scalar
    cut: Cut
    deviation: Jet
    fluctuation: Fluctuation
    numerical_error: Scalar
    converged: Bool[Array, ""]
    budget: Budget | None = None


class Nested(eqx.Module):
    """The kept sets of a score, each inside the next, as nodes.

    Args:
        top: level -> nodes of the samples beyond it; their mass moves smoothly with the level.
        coarse: the same with fewer nodes.
        level: mass -> level.
        threshold: level -> score.
        whole: nodes of all samples.
        axes: rows are the axes of the nodes' plane in the frame (e_1, e_2).
        reference, teacher: students; the nodes carry the residual of the reference.
        noise_std: of the model.
        beyond, coarse_beyond: threshold -> nodes of the samples beyond it, where the hardest are
            kept; None where all samples tie.
    """

    top: Callable[[Scalar], KeptNodes]
    coarse: Callable[[Scalar], KeptNodes]
    level: Callable[[Scalar], Scalar]
    threshold: Callable[[Scalar], Scalar]
    whole: KeptNodes
    axes: Matrix
    reference: Plane
    teacher: Plane
    noise_std: Scalar
    beyond: Callable[[Scalar], KeptNodes] | None = None
    coarse_beyond: Callable[[Scalar], KeptNodes] | None = None


class LinearLaw(eqx.Module):
    """The law of the kept samples of a `Linear` problem."""

    @abc.abstractmethod
    def expand(self, fraction: Scalar) -> Expansion:
        """The student trained on this law when ``fraction`` of the samples is kept."""

    @abc.abstractmethod
    def nested(self) -> Nested:
        """The kept sets at all fractions."""


def jet(function: Callable[[Scalar], Plane], fraction: Scalar) -> Jet:
    """The first two derivatives of ``function`` at ``fraction``, by forward differentiation."""
    pruned = fraction < 1.0
    inner = jnp.where(pruned, fraction, 0.5)
    one = jnp.ones_like(inner)

    def slope(point):
        return jax.jvp(function, (point,), (one,))[1]

    first, second = jax.jvp(slope, (inner,), (one,))
    return Jet(function(fraction), jnp.where(pruned, first, 0.0), jnp.where(pruned, second, 0.0))


def jet_in_mass(
    function: Callable[[Scalar], tuple[Plane, Scalar]], level: Scalar
) -> tuple[Jet, Bool[Array, ""]]:
    """The first value of ``function`` with its derivatives in the second, through the level.

    Returns:
        The jet, and whether the level moves any mass; where it does not, the derivatives are 0.
    """
    one = jnp.ones_like(level)

    def slopes(level):
        return jax.jvp(function, (level,), (one,))

    (value, _), (by_level, rate) = slopes(level)
    _, (_, (twice, turn)) = jax.jvp(slopes, (level,), (one,))
    moving = rate != 0.0
    rate = jnp.where(moving, rate, jnp.inf)
    slope = by_level / rate
    return Jet(value, slope, (twice - slope * turn) / rate**2), moving


def numbers_agree(
    nodes: KeptNodes, mass: Scalar, excess: Scalar, error: Scalar, scale: Scalar
) -> Bool[Array, ""]:
    """The level set was followed, it has the right mass, and fine and coarse nodes agree.

    Args:
        nodes: at the level that was found for ``mass``.
        mass: what they should add up to.
        excess, error: the excess risk and its numerical error.
        scale: of the risk.
    """
    gap = jnp.abs(jnp.sum(nodes.mass) - mass)
    close = errors_agree(excess, error, scale)
    return (gap <= _MASS_TOLERANCE * mass) & close & nodes.resolved


def errors_agree(excess: Scalar, error: Scalar, scale: Scalar) -> Bool[Array, ""]:
    """Whether fine and coarse nodes agree to a percent of the excess risk."""
    return error <= _ERROR_TOLERANCE * excess + 1e-12 * scale
