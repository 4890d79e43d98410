"""Averages over the sample above an order statistic."""

import jax.numpy as jnp
import numpy as np
from jax.nn import log_sigmoid
from jaxtyping import Array, Float

from nfl_sim.gaussian.quadrature import panel_nodes
from nfl_sim.validation import Scalar

_PANELS = 12
_NODES_PER_PANEL = 16
_REACH = 40.0


def kept_mass_rule(
    num_kept: Scalar, num_samples: Scalar
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Nodes and weights for the mass beyond the (m + 1)-th largest of n i.i.d. scores.

    Its law is Beta(m + 1, n - m); with m = n it is the point 1. The rule runs over the logit,
    whose density is log-concave and smooth, on panels that widen away from its mode.

    Args:
        num_kept: m, 1 <= m <= n.
        num_samples: n.

    Returns:
        Nodes in (0, 1] and weights that sum to 1; the mean of r^p is accurate to 1e-14 relative
        for |p| <= 2.

    References: {eq}`eq-threshold-beta` in theory_notes/02_gaussian_lemmas.md.
    """
    full = num_kept >= num_samples
    second = jnp.where(full, 1.0, num_samples - num_kept)
    nodes, weights = beta_rule(num_kept + 1.0, second, _NODES_PER_PANEL)
    return jnp.where(full, 1.0, nodes), weights


def beta_rule(
    first: Scalar, second: Scalar, nodes_per_panel: int
) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """Nodes in (0, 1) and weights that sum to 1 for Beta(first, second), both at least 1/2.

    Over the logit, on 12 panels; see `kept_mass_rule`, whose 16 nodes a panel give 1e-14.
    """
    edges = np.sinh(np.linspace(-np.arcsinh(_REACH), np.arcsinh(_REACH), _PANELS + 1))
    points, lengths = panel_nodes(edges, nodes_per_panel)
    spread = jnp.sqrt(1.0 / first + 1.0 / second)
    logit = jnp.log(first) - jnp.log(second) + spread * points
    log_density = first * log_sigmoid(logit) + second * log_sigmoid(-logit)
    weights = lengths * jnp.exp(log_density - jnp.max(log_density))
    return jnp.exp(log_sigmoid(logit)), jnp.asarray(weights / jnp.sum(weights))
