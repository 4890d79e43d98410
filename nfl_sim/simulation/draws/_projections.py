"""Of all samples only what the score sees; whole rows of those kept."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.models import Model
from nfl_sim.simulation.draws._chi_square import chi_squares
from nfl_sim.simulation.draws._normals import normal_rows
from nfl_sim.simulation.replicate import Chosen, Drawn

_FEW = 8  # squares are summed as fast as a gamma variable is drawn


def project(key: PRNGKeyArray, model: Model, *, num_samples: int, dim: int, lengths: bool) -> Drawn:
    """A sample in the plane of teacher and probe, and the length of what is across it.

    The covariates have two columns, and with ``lengths`` a third, |(x_3, ..., x_d)|: their norm is
    that of the row, so that a score says of them what it says of the row.

    References: {eq}`eq-draw-projections` in theory_notes/12_fast_draws.md.
    """
    sample_key, probe_key, tie_key, length_key = jax.random.split(key, 4)
    covariates, labels = model.sample(sample_key, num_samples, min(dim, 2), jnp.float64)
    if lengths and dim > 2:
        across = chi(length_key, num_samples, dim - 2)
        covariates = jnp.concatenate([covariates, across[:, None]], axis=1)
    return Drawn(covariates, labels, probe_key, tie_key)


def complete(key: PRNGKeyArray, chosen: Chosen, *, dim: int, lengths: bool) -> Chosen:
    """Whole rows: what the score did not see is drawn now, of the kept samples alone."""
    plane = min(dim, 2)
    across_key = jax.random.split(key, 5)[4]
    across = normal_rows(across_key, len(chosen.rows), dim - plane)
    if lengths and dim > 2:
        across *= (chosen.rows[:, 2] / jnp.linalg.norm(across, axis=1))[:, None]
    rows = jnp.concatenate([chosen.rows[:, :plane], across], axis=1)
    return chosen._replace(rows=rows)


def chi(key: PRNGKeyArray, count: int, dim: int) -> Float[Array, " n"]:
    """Lengths of ``count`` standard normal vectors of R^dim."""
    if dim <= _FEW:
        return jnp.linalg.norm(jax.random.normal(key, (count, dim), jnp.float64), axis=1)
    return jnp.sqrt(chi_squares(key, jnp.full(count, float(dim))))
