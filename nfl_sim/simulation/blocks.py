"""Blocks of replicates: jitted, sized by a memory budget, reduced to mergeable statistics."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from nfl_sim.problem import Problem
from nfl_sim.simulation.replicate import Outcome, Shape, run_replicate, shape_of
from nfl_sim.simulation.result import CAUSES, Moments
from nfl_sim.validation import to_count

# Small blocks stay in the cache of a CPU; an accelerator wants to be filled.
_BUDGET = {"cpu": 2**24, "accelerator": 2**31}
_LARGEST_BLOCK = 4096


def run_replicates(
    key: PRNGKeyArray,
    problem: Problem,
    *,
    dim: int,
    num_samples: int,
    start: int,
    stop: int,
    memory_budget: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Moments:
    """Statistics of the replicates ``start`` to ``stop - 1`` of `simulate`."""
    shape, kept = shape_of(problem, dim, num_samples)
    block = block_size(shape, stop - start, memory_budget)
    total = Moments.empty()
    for first in range(start, stop, block):
        last = min(first + block, stop)
        total = total.merge(_run_block(key, problem, kept, (first, last), block, shape))
        if progress is not None:
            progress(last - start)
    return total


def block_size(shape: Shape, num_replicates: int, memory_budget: int | None = None) -> int:
    """How many replicates are drawn at once so that their rows fit the memory budget."""
    if memory_budget is None:
        backend = jax.default_backend()
        memory_budget = _BUDGET["cpu" if backend == "cpu" else "accelerator"]
    budget = to_count("memory_budget", memory_budget, at_least=1)
    return max(1, min(budget // replicate_bytes(shape), num_replicates, _LARGEST_BLOCK))


def replicate_bytes(shape: Shape) -> int:
    """Bytes that one replicate's rows, ranks and fit take at the most."""
    item = 8 if shape.double else 4
    rows = shape.num_samples * (item * (shape.dim + 4) + 16)
    return rows + 8 * 3 * shape.bucket * (shape.dim + 1)


def _run_block(
    key: PRNGKeyArray,
    problem: Problem,
    kept: int,
    span: tuple[int, int],
    block: int,
    shape: Shape,
) -> Moments:
    first, last = span
    indices = jnp.arange(first, first + block)
    count, mean, m2, failed = _block_statistics(
        key, problem, jnp.asarray(kept), indices, jnp.asarray(last), shape
    )
    return Moments(int(count), np.asarray(mean), np.asarray(m2), np.asarray(failed))


@eqx.filter_jit
def outcomes(
    key: PRNGKeyArray,
    problem: Problem,
    kept: Int[Array, ""],
    indices: Int[Array, " b"],
    shape: Shape,
) -> Outcome:
    """The replicates with these indices, drawn at once."""
    keys = jax.vmap(lambda index: jax.random.fold_in(key, index))(indices)
    return jax.vmap(lambda k: run_replicate(k, problem, kept, shape))(keys)


@eqx.filter_jit
def _block_statistics(
    key: PRNGKeyArray,
    problem: Problem,
    kept: Int[Array, ""],
    indices: Int[Array, " b"],
    last: Int[Array, ""],
    shape: Shape,
) -> tuple[Array, Array, Array, Array]:
    """Count, mean, sum of squared deviations and failures of the block's real members."""
    outcome = outcomes(key, problem, kept, indices, shape)
    real = indices < last
    good = real & (outcome.failure < 0)
    count = jnp.sum(good)
    values = jnp.where(good[:, None], outcome.values, 0.0)
    mean = jnp.sum(values, axis=0) / jnp.maximum(count, 1).astype(values.dtype)
    m2 = jnp.sum(jnp.where(good[:, None], (outcome.values - mean[None, :]) ** 2, 0.0), axis=0)
    causes = jnp.arange(len(CAUSES))[None, :]
    failed = jnp.sum(real[:, None] & (outcome.failure[:, None] == causes), axis=0)
    return count, mean, m2, failed
