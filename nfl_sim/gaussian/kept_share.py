"""Means over the share that the kept part of a normal sample has in its sum of squares."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float

from nfl_sim.gaussian.normal import log_cdf
from nfl_sim.gaussian.order_statistics import beta_rule
from nfl_sim.gaussian.quadrature import panel_nodes
from nfl_sim.gaussian.slab import slab_moments, slab_second
from nfl_sim.validation import Scalar

# exp(y) covers the scale of t: the integrand is below 1e-16 of its peak outside [-20, 60].
_EDGES = np.linspace(-20.0, 60.0, 41)
_NODES_PER_PANEL = 10
_BETA_NODES = 8
_THRESHOLDS = 1e-12, 37.0  # beyond lie nodes whose weight is nothing


class _Transform(NamedTuple):
    """A Laplace transform of one square: log E[exp(-u T^2)], and minus its slope."""

    log: Float[Array, "..."]
    slope: Float[Array, "..."]


def mean_share_pull(num_kept: Scalar, num_samples: Scalar, dim: Scalar, *, outside: bool) -> Scalar:
    """E[q s (1 - s) / (1 - q s)^2], the price that a same-sample score puts on pruning.

    s = Q_1 / (Q_1 + Q_0) is the share of the m largest, or smallest, of n squares of i.i.d.
    N(0, 1) in their sum, and q ~ Beta(d/2, (m - d)/2) is independent of it. With p = 1 - q the
    integrand is the homogeneous

        q Q_1 Q_0 / (p Q_1 + Q_0)^2 = q int_0^inf t Q_1 Q_0 exp(-t (p Q_1 + Q_0)) dt,

    and given the (m + 1)-th square tau^2, Q_1 and Q_0 - tau^2 are independent sums of i.i.d.
    squares beyond it and before it.

    Args:
        num_kept: m, d < m <= n.
        num_samples: n.
        dim: d >= 1.
        outside: the largest (True) or the smallest (False).

    Returns:
        The mean, accurate to about 1e-8 relative; 0 at m = n.

    References: {eq}`eq-same-exact`, {eq}`eq-share-integral` in theory_notes/10_same_sample.md.
    """
    full = num_kept >= num_samples
    others = jnp.where(full, 1.0, num_samples - num_kept)
    masses, weights = beta_rule(num_kept + 1.0, others, _BETA_NODES)
    thresholds = jax.vmap(lambda mass: slab_moments(mass, outside).threshold)(masses)
    thresholds = jnp.clip(thresholds, *_THRESHOLDS)
    points, lengths = panel_nodes(_EDGES, _NODES_PER_PANEL)
    t = jnp.exp(points) / num_samples
    tau = thresholds[:, None]
    rest = _transform(t[None, :], tau, not outside)
    count = others - 1.0
    # t dt = t^2 dlog(t); what depends on p is left out.
    before = weights[:, None] * jnp.asarray(lengths)[None, :] * t[None, :] ** 2
    before = before * (tau**2 + count * rest.slope)
    log_rest = count * rest.log - t[None, :] * tau**2

    def at(share: Scalar) -> Scalar:
        kept = _transform(share * t[None, :], tau, outside)
        pulled = jnp.exp(log_rest + num_kept * kept.log) * num_kept * kept.slope
        return (1.0 - share) * jnp.sum(before * pulled)

    shares, chances = beta_rule(0.5 * (num_kept - dim), 0.5 * dim, _BETA_NODES)
    mean = jnp.sum(chances * jax.lax.map(at, shares))
    return jnp.where(full, 0.0, mean)


def _transform(u: Float[Array, "..."], threshold: Float[Array, "..."], outside: bool) -> _Transform:
    """A normal of variance 1/(1 + 2u) on the same set."""
    variance = 1.0 / (1.0 + 2.0 * u)
    stretched = threshold / jnp.sqrt(variance)
    if outside:
        kept = log_cdf(-stretched) - log_cdf(-threshold)
    else:
        kept = jnp.log(erf(stretched / math.sqrt(2.0)) / erf(threshold / math.sqrt(2.0)))
    slope = variance * slab_second(stretched, outside)
    return _Transform(kept + 0.5 * jnp.log(variance), slope)
