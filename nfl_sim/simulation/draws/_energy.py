"""Sums of squares of the scored coordinate over the kept samples."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from nfl_sim.problem import Problem
from nfl_sim.simulation.draws._chi_square import chi_squares
from nfl_sim.simulation.draws._draw import Draw
from nfl_sim.simulation.draws._latent import axis_of, basis_from, magnitude
from nfl_sim.simulation.draws._masses import top_masses
from nfl_sim.simulation.replicate import Counts
from nfl_sim.simulation.steps import score
from nfl_sim.validation import Scalar


class Energy(NamedTuple):
    """Sums of T_i^2 over the samples kept for their score and over those kept at random.

    ``threshold`` is the score of the last that is kept for it, nan if none is.
    """

    top: Scalar
    rest: Scalar
    threshold: Scalar


def energy_of(
    key: PRNGKeyArray,
    problem: Problem,
    num_samples: Scalar,
    counts: Counts,
    draw: Draw,
    *,
    dim: int,
    chunk: int,
) -> Energy:
    """The energies of a replicate; ``chunk`` scores are drawn at once.

    References: {eq}`eq-draw-renyi`, {eq}`eq-draw-rest` in theory_notes/12_fast_draws.md.
    """
    top_key, rest_key, score_key = jax.random.split(key, 3)
    family, outward = draw.family, draw.outward
    if family == "random":
        numbers = jnp.stack([counts.top, counts.rest])
        squares = chi_squares(top_key, jnp.maximum(numbers, 1).astype(jnp.float64))
        top, rest = jnp.where(numbers > 0, squares, 0.0)
        return Energy(top, rest, _threshold(score_key, problem, family, jnp.zeros(()), counts, dim))
    top, last = _energy_of_top(top_key, num_samples, counts.top, outward, chunk)
    rest = jnp.zeros(())
    if draw.stratified:
        rest = _energy_of_rest(rest_key, last, counts.rest, outward, chunk)
    size = magnitude(last, outward=outward)
    return Energy(top, rest, _threshold(score_key, problem, family, size, counts, dim))


def _energy_of_top(key, num_samples, count, outward: bool, chunk: int) -> tuple[Scalar, Scalar]:
    """The sum over the top, and the mass above its last; 0 and 0 if there is none."""

    def add(index, state):
        total, last = state
        skipped = (index * chunk).astype(jnp.float64)
        seed = jax.random.fold_in(key, index)
        masses = top_masses(seed, num_samples, chunk, skipped, -jnp.log1p(-last))
        end = jnp.minimum(count - index * chunk, chunk)
        kept = jnp.where(jnp.arange(chunk) < end, magnitude(masses, outward=outward), 0.0)
        return total + jnp.sum(kept**2), masses[end - 1]

    return jax.lax.fori_loop(0, _chunks(count, chunk), add, (jnp.zeros(()), jnp.zeros(())))


def _energy_of_rest(key, last: Scalar, count, outward: bool, chunk: int) -> Scalar:
    """The sum over ``count`` samples of the law below the mass ``last``."""

    def add(index, total):
        chance = jax.random.uniform(jax.random.fold_in(key, index), (chunk,), jnp.float64)
        sizes = magnitude(last + (1.0 - last) * chance, outward=outward)
        kept = jnp.where(jnp.arange(chunk) < count - index * chunk, sizes, 0.0)
        return total + jnp.sum(kept**2)

    return jax.lax.fori_loop(0, _chunks(count, chunk), add, jnp.zeros(()))


def _chunks(count, chunk: int):
    return (count + chunk - 1) // chunk


def _threshold(key, problem, family, size: Scalar, counts: Counts, dim: int) -> Scalar:
    """The score of a sample whose scored coordinate is ``size`` and whose others are 0."""
    axis, _ = axis_of(family, problem.model, problem.score, dim)
    seen = size * basis_from(axis)[:, 0]
    row = seen[None, : min(dim, 2)]
    label = problem.model.signal * seen[0] + problem.model.noise_std * seen[-1]
    value = score(key, problem, row, label[None])[0]
    return jnp.where(counts.top > 0, value, jnp.nan)
