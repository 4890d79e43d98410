"""Pseudo-rows that have the second moments of the kept rows, in law."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.simulation.draws._chi_square import chi_squares
from nfl_sim.simulation.draws._draw import Draw
from nfl_sim.simulation.draws._energy import energy_of
from nfl_sim.simulation.draws._latent import axis_of, basis_from
from nfl_sim.simulation.replicate import Chosen, Counts
from nfl_sim.validation import Scalar


def compress(
    key: PRNGKeyArray,
    problem: Problem,
    num_samples: Scalar,
    counts: Counts,
    draw: Draw,
    *,
    dim: int,
    size: int,
    chunk: int,
) -> Chosen:
    """At most dim + 1 rows of weight 1 with X'X, X'y, y'y in the law of the kept samples.

    A student of ridge regression, its training loss, and all that is measured of it depend on the
    kept samples through these and the sum of the weights alone. Samples of another weight are a
    block of their own.

    Args:
        key: of the replicate.
        problem: `Linear`, with a score of the ``family``.
        num_samples, counts: n, and how many of them are kept.
        draw: what the score sees, and which samples are preferred.
        dim: of the rows.
        size: of a block: dim + 1, or fewer if fewer are kept.
        chunk: scores drawn at once.

    References: {eq}`eq-draw-bartlett` in theory_notes/12_fast_draws.md.
    """
    energy_key, *block_keys = jax.random.split(key, 3)
    energy = energy_of(energy_key, problem, num_samples, counts, draw, dim=dim, chunk=chunk)
    one, (top, rest, rest_weight) = jnp.ones(()), (jnp.asarray(c, jnp.float64) for c in counts)
    parts = [(energy.top + energy.rest, top + rest, one)]
    if draw.weighted:
        parts = [(energy.top, top, one), (energy.rest, rest, rest_weight)]
    total = sum((number * weight for _, number, weight in parts), jnp.zeros(()))
    scales = [jnp.sqrt(weight * len(parts) * size / total) for _, _, weight in parts]
    blocks = [
        scale * _triangular(block_key, square, number, size, dim + 1)
        for block_key, scale, (square, number, _) in zip(block_keys, scales, parts, strict=False)
    ]
    rows, targets = _labelled(jnp.concatenate(blocks), problem, draw, dim)
    return Chosen(rows, targets, jnp.ones(len(rows)), energy.threshold, jnp.asarray(True))


def _triangular(
    key: PRNGKeyArray, square: Scalar, number: Scalar, size: int, dim: int
) -> Float[Array, "m p"]:
    """R, upper triangular, with R'R that of ``number`` rows (s_i, g_i), sum s_i^2 = ``square``.

    The g_i are i.i.d. standard normal; rows beyond the number vanish (Bartlett).
    """
    normal_key, chi_key = jax.random.split(key)
    normals = jax.random.normal(normal_key, (size, dim), jnp.float64)
    diagonal = bartlett_diagonal(chi_key, square, number, size)
    column, row = jnp.arange(dim)[None, :], jnp.arange(size)[:, None]
    factor = jnp.where(column > row, normals, jnp.where(column == row, diagonal[:, None], 0.0))
    return jnp.where(row.astype(jnp.float64) < number, factor, 0.0)


def bartlett_diagonal(
    key: PRNGKeyArray, square: Scalar, number: Scalar, size: int
) -> Float[Array, " m"]:
    """sqrt(square), then chi variables of number - 1, number - 2, ... degrees of freedom."""
    freedom = number - jnp.arange(1, size).astype(jnp.float64)
    return jnp.sqrt(jnp.append(square, chi_squares(key, jnp.maximum(freedom, 1.0))))


def _labelled(
    latent: Float[Array, "m p"], problem: Problem, draw: Draw, dim: int
) -> tuple[Float[Array, "m d"], Float[Array, " m"]]:
    """Rows and labels of latent coordinates: the scored one, the others of its plane, the rest."""
    model, plane = problem.model, min(dim, 2)
    assert isinstance(model, Linear)
    axis = axis_of(draw.family, model, problem.score, dim)[0]
    seen = latent[:, : plane + 1] @ basis_from(axis).T
    targets = model.signal * seen[:, 0] + model.noise_std * seen[:, -1]
    return jnp.concatenate([seen[:, :plane], latent[:, plane + 1 :]], axis=1), targets
