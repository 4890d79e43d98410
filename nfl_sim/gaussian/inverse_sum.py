"""The mean of 1 / (sum of squares) of the kept part of a normal sample."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float

from nfl_sim.gaussian.normal import log_cdf
from nfl_sim.gaussian.order_statistics import kept_mass_rule
from nfl_sim.gaussian.quadrature import panel_nodes
from nfl_sim.gaussian.slab import slab_moments
from nfl_sim.validation import Scalar

# exp(y) covers the scale of t: the integrand is below 1e-16 of its peak outside [-40, 80].
_EDGES = np.linspace(-40.0, 80.0, 81)
_NODES_PER_PANEL = 12


def mean_inverse_square_sum(num_kept: Scalar, num_samples: Scalar, *, outside: bool) -> Scalar:
    """E[1/Q], Q the sum of the m largest, or smallest, squares of n i.i.d. N(0, 1).

    E[1/Q] = E_r int_0^inf M(t; r)^m dt, where r ~ Beta(m + 1, n - m) is the mass beyond the
    threshold and M the Laplace transform of one kept square.

    Args:
        num_kept: m >= 3.
        num_samples: n >= m.
        outside: the largest (True) or the smallest (False).

    Returns:
        The mean, accurate to about 1e-11 + 1e-15 m relative.

    References: {eq}`eq-uncertainty-exact` in theory_notes/03_linear.md.
    """
    masses, weights = kept_mass_rule(num_kept, num_samples)
    moments = jax.vmap(lambda mass: slab_moments(mass, outside))(masses)
    points, lengths = (a[None, :] for a in panel_nodes(_EDGES, _NODES_PER_PANEL))
    scale = 1.0 / (num_kept * moments.second)
    t = scale[:, None] * jnp.exp(points)
    transform = _log_laplace(t, masses[:, None], moments.threshold[:, None], outside)
    integrals = jnp.sum(lengths * t * jnp.exp(num_kept * transform), axis=1)
    return jnp.sum(weights * integrals)


def _log_laplace(
    t: Float[Array, "k j"], mass: Float[Array, "k 1"], threshold: Float[Array, "k 1"], outside: bool
) -> Float[Array, "k j"]:
    """log E[exp(-t T^2) | kept]: a normal of variance 1/(1 + 2t) on the same set."""
    stretched = threshold * jnp.sqrt(1.0 + 2.0 * t)
    if outside:
        kept = log_cdf(-stretched) - log_cdf(-threshold)
    else:
        kept = jnp.log(erf(stretched / math.sqrt(2.0)) / mass)
    return kept - 0.5 * jnp.log1p(2.0 * t)
