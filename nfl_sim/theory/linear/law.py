"""What the theory needs to know about the kept samples of a linear problem."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.validation import Scalar

Plane = Float[Array, " 2"]
Matrix = Float[Array, "2 2"]


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


class Expansion(NamedTuple):
    """All that is predicted about the student at one fraction.

    Args:
        threshold: the score at which the rule cuts; nan for random pruning.
        deviation: w_inf - w0 = (A + penalty)^-1 (g - penalty w0), {eq}`eq-minimiser`.
        fluctuation: the sampling error of the student, {eq}`eq-iid-bias`.
        numerical_error: absolute error of |w_inf - w0|^2.
        converged: whether every solve met its tolerance.
    """

    threshold: Scalar
    deviation: Jet
    fluctuation: Fluctuation
    numerical_error: Scalar
    converged: Bool[Array, ""]


class LinearLaw(eqx.Module):
    """The law of the kept samples of a `Linear` problem."""

    @abc.abstractmethod
    def expand(self, fraction: Scalar) -> Expansion:
        """The student trained on this law when ``fraction`` of the samples is kept."""


def jet(function: Callable[[Scalar], Plane], fraction: Scalar) -> Jet:
    """The first two derivatives of ``function`` at ``fraction``, by forward differentiation."""
    pruned = fraction < 1.0
    inner = jnp.where(pruned, fraction, 0.5)
    one = jnp.ones_like(inner)

    def slope(point):
        return jax.jvp(function, (point,), (one,))[1]

    first, second = jax.jvp(slope, (inner,), (one,))
    return Jet(function(fraction), jnp.where(pruned, first, 0.0), jnp.where(pruned, second, 0.0))
