"""Averages of the logistic function at a normal point, in pairs +-v."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array, Float

from nfl_sim.gaussian.quadrature import trapezoidal_normal_rule

Real = Float[Array, "..."]
Scalar = Float[Array, ""]
Nodes = Float[Array, " j"]
_CLIP = 350.0


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def sigmoid_moments(mean: Real, std: Scalar, step: float) -> tuple[Real, Real]:
    """E sigma(t) and E v sigma(t) for t = mean + std v, v ~ N(0, 1).

    By the trapezoidal rule. The sum of sigma at +-v is (exp(mean) + cosh(std v)) / D, and the
    difference sinh(std v) / D, with D = cosh(mean) + cosh(std v): one division a pair, and no
    exponential of both arguments. Nothing cancels: small values are as accurate as large ones.

    Args:
        mean: any shape.
        std: a scalar >= 0, at most 40.
        step: of the rule, whose error is exp(-2 pi^2 / (step std)).

    References: {eq}`eq-sigmoid-pairs` in theory_notes/05_proportional_limit.md.
    """
    pairs, at = _Pairs.of(std, step), _Hyperbolic.of(mean)
    v, (_, sinh, cosh) = pairs.v, pairs.turned
    ones, more, moment = pairs.sums(at, 1, jnp.ones_like(v), cosh, v * sinh)
    return pairs.centre * sigmoid(mean) + at.exp * ones + more, moment


@sigmoid_moments.defjvp
def _sigmoid_moments_jvp(step: float, primals, tangents):
    """By E sigma', E v sigma' and E v^2 sigma'.

    The sum of sigma' at +-v is (1 + cosh(mean) cosh(std v)) / D^2, and the difference
    -sinh(mean) sinh(std v) / D^2.
    """
    (mean, std), (mean_dot, std_dot) = primals, tangents
    pairs, at = _Pairs.of(std, step), _Hyperbolic.of(mean)
    v, (_, sinh, cosh) = pairs.v, pairs.turned
    factors = jnp.ones_like(v), cosh, v * sinh, v**2, v**2 * cosh
    zero, zero_cosh, odd, two, two_cosh = pairs.sums(at, 2, *factors)
    slope = pairs.centre * 0.5 / (1.0 + at.cosh) + zero + at.cosh * zero_cosh
    first, second = -at.sinh * odd, two + at.cosh * two_cosh
    change = slope * mean_dot + first * std_dot, first * mean_dot + second * std_dot
    return sigmoid_moments(mean, std, step), change


class _Hyperbolic(NamedTuple):
    """Of one exponential; large arguments are cut, so that products of two stay finite."""

    exp: Real
    sinh: Real
    cosh: Real

    @classmethod
    def of(cls, values: Real) -> "_Hyperbolic":
        grown = jnp.exp(jnp.clip(values, -_CLIP, _CLIP))
        return cls(grown, 0.5 * (grown - 1.0 / grown), 0.5 * (grown + 1.0 / grown))


class _Pairs(NamedTuple):
    """The pairs +-v of the rule, v > 0, the weight of each of the two, and functions of std v.

    What the weights leave is that of v = 0.
    """

    v: Nodes
    weights: Nodes
    centre: float
    turned: _Hyperbolic

    @classmethod
    def of(cls, std: Scalar, step: float) -> "_Pairs":
        nodes, weights = trapezoidal_normal_rule(step)
        half = len(nodes) // 2
        v, after = jnp.asarray(nodes[half + 1 :]), jnp.asarray(weights[half + 1 :])
        return cls(v, after, float(weights[half]), _Hyperbolic.of(std * v))

    def sums(self, mean: _Hyperbolic, power: int, *factors: Nodes) -> tuple[Real, ...]:
        """Over the pairs, of weight times factor over D^power."""
        cosh = jnp.reshape(self.turned.cosh, (1,) * mean.cosh.ndim + (-1,))
        inverse = 1.0 / (mean.cosh[..., None] + cosh)
        found = inverse**power @ (jnp.stack(factors, axis=1) * self.weights[:, None])
        return tuple(found[..., k] for k in range(len(factors)))
