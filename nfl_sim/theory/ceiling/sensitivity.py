"""The law of the sensitivity s = |psi|_{H^-1} of a sample, and of its mean square given a view."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax.numpy as jnp
from jax.nn import log_sigmoid
from jaxtyping import Array, Float

from nfl_sim.gaussian import pdf, softplus_curvature, softplus_slope
from nfl_sim.models import Linear, Logistic, Model
from nfl_sim.validation import NoTheoryError, Scalar

Values = Float[Array, "..."]
Dimension = int | float  # the only float is infinity
View = Literal["everything", "residual", "covariates"]

_SMALLEST = 1e-130
_SHORTEST = 1e-10  # best students shorter than this count as 0


class Sensitivity(NamedTuple):
    """s^2 / d = amplitude(z)^2 (along z^2 + across rho), of one variable z and an independent rho.

    Args:
        amplitude: of z, any shape; >= 1e-130.
        density: of z on the line; on the half-line z > 0 if ``even``.
        along, across: >= 0.
        degrees: rho is chi-square with so many degrees of freedom, or is their number.
        random: which of the two.
        even: whether s does not depend on the sign of z.
        unit: <= 1, the length in z on which amplitude and density vary.
    """

    amplitude: Callable[[Values], Values]
    density: Callable[[Values], Values]
    along: Scalar
    across: Scalar
    degrees: int
    random: bool
    even: bool
    unit: Scalar

    def at(self, z: Values, rho: Values) -> Values:
        """s / sqrt(d) at these points, differentiable also at 0."""
        return self.amplitude(z) * jnp.sqrt(self.along * z**2 + self.across * rho + _SMALLEST**2)


def sensitivity(model: Model, dim: Dimension, sees: View) -> Sensitivity:
    """The law of s / sqrt(d), or of the root of E[s^2 | view] / d for a rule that sees less.

    Args:
        model: Linear or Logistic.
        dim: d, an integer or infinity.
        sees: what the rule sees of a sample.

    Raises:
        NoTheoryError: the model is another.

    References: {eq}`eq-ceiling-linear-law`, {eq}`eq-ceiling-logistic-law` in
    theory_notes/08_calibration.md.
    """
    match model:
        case Linear():
            return _linear(model, dim, sees)
        case Logistic():
            return _logistic(model, dim, sees)
    raise NoTheoryError(
        f"no ceiling for {type(model).__name__}; there is for Linear and Logistic, "
        "whose losses are smooth"
    )


def _linear(model: Linear, dim: Dimension, sees: View) -> Sensitivity:
    """s = |y - w0.x| |x|; z is the noise in units of its standard deviation."""
    degrees, share = (1, 1.0) if math.isinf(dim) else (int(dim), 1.0 / dim)
    return Sensitivity(
        amplitude=_constant if sees == "covariates" else _size,
        density=lambda z: 2.0 * pdf(z),
        along=jnp.zeros(()),
        across=share * model.noise_std**2,
        degrees=degrees,
        random=sees != "residual" and not math.isinf(dim),
        even=True,
        unit=jnp.ones(()),
    )


def _logistic(model: Logistic, dim: Dimension, sees: View) -> Sensitivity:
    """z is y x, for covariates x, along the best student c e_1."""
    norm = jnp.maximum(model.best_norm, _SHORTEST)
    hessian_along, hessian_across = softplus_curvature(norm), softplus_slope(norm) / norm
    infinite = math.isinf(dim)
    blind = sees == "covariates"

    def signed(z: Values) -> Values:
        """|l'| = sigma(-c z)."""
        return jnp.exp(_floored(log_sigmoid(-norm * z)))

    def averaged(z: Values) -> Values:
        """The root of E[l'^2 | x]."""
        up, down = (
            jnp.log(model.link(side * model.signal * z)) + 2.0 * log_sigmoid(-side * norm * z)
            for side in (1.0, -1.0)
        )
        return jnp.exp(_floored(0.5 * jnp.logaddexp(up, down)))

    return Sensitivity(
        amplitude=averaged if blind else signed,
        density=lambda z: 2.0 * pdf(z) * (1.0 if blind else model.link(model.signal * z)),
        along=jnp.zeros(()) if infinite else 1.0 / (hessian_along * dim),
        across=1.0 / hessian_across if infinite else 1.0 / (hessian_across * dim),
        degrees=1 if infinite else int(dim) - 1,
        random=sees != "residual" and not infinite and dim > 1,
        even=blind,
        unit=1.0 / jnp.maximum(model.signal, 1.0),
    )


def _size(z: Values) -> Values:
    return jnp.maximum(jnp.abs(z), _SMALLEST)


def _constant(z: Values) -> Values:
    return jnp.ones_like(z)


def _floored(log_value: Values) -> Values:
    return jnp.maximum(log_value, math.log(_SMALLEST))
