"""Integrals of the logistic function against a standard normal, by graded Gauss rules."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import expit

from nfl_sim.gaussian.normal import cdf, pdf
from nfl_sim.gaussian.quadrature import Rule, panel_nodes
from nfl_sim.gaussian.sigmoid_pairs import sigmoid_moments

Real = Float[Array, "..."]
Scalar = Float[Array, ""]
_REACH = 9.0
_FINEST = 1e-7
_NODES = 12
_STEP = 0.125
_WIDE = 5.0


def half_normal_edges() -> np.ndarray:
    """Panels of [0, 9], each four times the one before: any scale above 1e-7 is resolved."""
    coarse = np.array([1.0, 2.0, 3.0, 4.5, 6.5, _REACH])
    count = int(np.ceil(np.log(1.0 / _FINEST) / np.log(4.0)))
    return np.concatenate([[0.0], 4.0 ** np.arange(-count, 0), coarse])


def half_normal_rule() -> Rule:
    """Integrate an even function against N(0, 1), from its values at positive points."""
    nodes, lengths = panel_nodes(half_normal_edges(), _NODES)
    weights = lengths * np.exp(-0.5 * nodes**2)
    return Rule(nodes, weights / weights.sum())


def mean_softplus(scale: Real) -> Real:
    """S(n) = E log(1 + exp(n a)) for a ~ N(0, 1), to 1e-14 relative for |n| <= 1e5.

    An even function of n: S(n) = |n| / sqrt(2 pi) + E log(1 + exp(-|n a|)).
    """
    size = jnp.abs(scale)
    nodes, weights = half_normal_rule()
    return size / np.sqrt(2.0 * np.pi) + jnp.log1p(jnp.exp(-_outer(size, nodes))) @ weights


def softplus_slope(scale: Real) -> Real:
    """S'(n) = E[a sigma(n a)], odd in n and increasing to 1/sqrt(2 pi)."""
    nodes, weights = half_normal_rule()
    return jnp.tanh(0.5 * _outer(scale, nodes)) @ (0.5 * nodes * weights)


def softplus_curvature(scale: Real) -> Real:
    """S''(n) = E[a^2 sigma'(n a)]."""
    nodes, weights = half_normal_rule()
    decay = jnp.exp(-jnp.abs(_outer(scale, nodes)))
    return (decay / (1.0 + decay) ** 2) @ (nodes**2 * weights)


def softplus_divergence(scale: Real, about: Real) -> Real:
    """S(n) - S(c) - S'(c) (n - c) >= 0, free of cancellation where n is near c.

    Args:
        scale, about: n >= 0 and c >= 0.
    """
    gap = scale - about
    closed = mean_softplus(scale) - mean_softplus(about) - softplus_slope(about) * gap
    nodes, weights = np.polynomial.legendre.leggauss(8)
    near = jnp.where(jnp.abs(gap) < 0.25, gap, 0.0)
    points = about[..., None] + _outer(near, 0.5 * (nodes + 1.0))
    rest = 0.5 * (1.0 - nodes) * 0.5 * weights
    integral = near**2 * (softplus_curvature(points) @ rest)
    return jnp.where(jnp.abs(gap) < 0.25, integral, closed)


def mean_sigmoid(mean: Real, std: Scalar, *, at_most: Scalar) -> Real:
    """E sigma(mean + std v) for v ~ N(0, 1), to 1e-13 absolute.

    Args:
        mean: any shape.
        std: >= 0, a scalar.
        at_most: a bound on ``std``; where it is below 5, only the cheap rule is evaluated.
    """

    def narrow():
        return sigmoid_moments(mean, jnp.minimum(std, _WIDE), _STEP)[0]

    def either():
        return jnp.where(std > _WIDE, _mean_about_step(mean, jnp.maximum(std, _WIDE)), narrow())

    return jax.lax.cond(at_most > _WIDE, either, narrow)


def _mean_about_step(mean: Real, std: Scalar) -> Real:
    """Phi(mean / std) and what sigma adds to a step within 38 of it, for a large std."""
    nodes, weights = panel_nodes(np.array([0.0, 3.0, 8.0, 18.0, 38.0]), _NODES)
    before, after = ((_outer(0.0 * mean + 1.0, s * nodes) + mean[..., None]) / std for s in (1, -1))
    return cdf(mean / std) + (pdf(before) - pdf(after)) @ (weights * expit(-nodes)) / std


def _outer(values: Real, nodes: np.ndarray) -> Real:
    return values[..., None] * jnp.reshape(nodes, (1,) * values.ndim + (-1,))
