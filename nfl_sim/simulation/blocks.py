"""Blocks of replicates: jitted, sized by a memory budget, reduced to mergeable statistics."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from nfl_sim.influence import Influence
from nfl_sim.learners import Learner
from nfl_sim.models import Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import JointRule, KeepRandom, PoissonRule, Quota
from nfl_sim.simulation.joint import choose_jointly
from nfl_sim.simulation.replicate import (
    Budget,
    Chosen,
    Counts,
    Drawn,
    Outcome,
    Rated,
    Shape,
    choose,
    choose_by_coin,
    draw,
    rate,
    shape_of,
    train,
)
from nfl_sim.simulation.result import CAUSES, QUANTITIES, Moments
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
    control: Influence | None = None,
) -> Moments:
    """Statistics of the replicates ``start`` to ``stop - 1`` of `simulate`."""
    shape, quota = shape_of(problem, dim, num_samples)
    block = block_size(shape, stop - start, memory_budget)
    total = Moments.empty()
    for first in range(start, stop, block):
        last = min(first + block, stop)
        total = total.merge(_run_block(key, problem, quota, (first, last), block, shape, control))
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
    """Bytes that one replicate's rows, ranks and fit take at the most.

    The greediest fit, that of `MaxMargin`, holds four copies of its rows, some two dozen numbers a
    row, and four matrices.
    """
    item = 8 if shape.double else 4
    rows = (shape.num_samples + shape.further) * (item * (shape.dim + 4) + 16)
    return rows + 8 * 4 * (shape.bucket * (shape.dim + 6) + (shape.dim + 1) ** 2)


def _run_block(
    key: PRNGKeyArray,
    problem: Problem,
    quota: Quota,
    span: tuple[int, int],
    block: int,
    shape: Shape,
    control: Influence | None,
) -> Moments:
    first, last = span
    indices = jnp.arange(first, first + block)
    outcome = outcomes(key, problem, quota, indices, shape, control)
    count, mean, m2, failed = _statistics(outcome, indices, jnp.asarray(last))
    return Moments(int(count), np.asarray(mean), np.asarray(m2), np.asarray(failed))


def outcomes(
    key: PRNGKeyArray,
    problem: Problem,
    quota: Quota,
    indices: Int[Array, " b"],
    shape: Shape,
    control: Influence | None = None,
) -> Outcome:
    """Draw, rate, choose and train the replicates of a block.

    The stages are compiled apart. Only `rate`, the cheapest, knows score and rule, and `train` does
    not know the sample size: a study of many scores, rules and sizes compiles little else.
    """
    drawn = _draw(key, problem.model, indices, shape.num_samples, shape.dim, shape.double)
    rated = _rate(drawn, problem, shape.further)
    rule = problem.rule
    if isinstance(rule, JointRule):
        chosen = choose_jointly(drawn, rated, rule, shape.bucket)
    elif isinstance(rule, PoissonRule):
        chosen, budget = _toss(drawn, rated, rule, shape.bucket)
        rule.require_budget(budget.mean, budget.lowest, budget.highest)
    else:
        chosen = _choose(drawn, rated, Counts.of(quota), shape.bucket, rule.draw == "stratified")
    if isinstance(rule, KeepRandom):
        chosen = chosen._replace(threshold=jnp.full_like(chosen.threshold, jnp.nan))
    model, learner = problem.model, problem.learner
    outcome = _train(
        chosen, rated.direction, rated.probe_fits, model, learner, shape.underdetermined
    )
    return outcome if control is None else _control(outcome, drawn, rated, model, control)


@eqx.filter_jit
def _draw(
    key: PRNGKeyArray,
    model: Model,
    indices: Int[Array, " b"],
    num_samples: int,
    dim: int,
    double: bool,
) -> Drawn:
    def one(index):
        seed = jax.random.fold_in(key, index)
        return draw(seed, model, num_samples=num_samples, dim=dim, double=double)

    return jax.vmap(one)(indices)


@eqx.filter_jit
def _rate(drawn: Drawn, problem: Problem, further: int) -> Rated:
    return jax.vmap(lambda one: rate(one, problem, further=further))(drawn)


@eqx.filter_jit
def _choose(drawn: Drawn, rated: Rated, counts: Counts, bucket: int, stratified: bool) -> Chosen:
    def one(drawn, rated):
        return choose(drawn, rated, counts, bucket=bucket, stratified=stratified)

    return jax.vmap(one)(drawn, rated)


@eqx.filter_jit
def _toss(drawn: Drawn, rated: Rated, rule: PoissonRule, bucket: int) -> tuple[Chosen, Budget]:
    return jax.vmap(lambda drawn, rated: choose_by_coin(drawn, rated, rule, bucket=bucket))(
        drawn, rated
    )


@eqx.filter_jit
def _train(
    chosen: Chosen,
    direction: Float[Array, "b d"],
    probe_fits: Bool[Array, " b"],
    model: Model,
    learner: Learner,
    underdetermined: bool,
) -> Outcome:
    def one(chosen, direction, fits):
        flags = {"underdetermined": underdetermined, "probe_fits": fits}
        return train(chosen, model, learner, direction, **flags)

    return jax.vmap(one)(chosen, direction, probe_fits)


@eqx.filter_jit
def _control(
    outcome: Outcome, drawn: Drawn, rated: Rated, model: Model, control: Influence
) -> Outcome:
    def one(covariates, labels, priorities):
        return control(model, covariates, labels, priorities)

    first_order = jax.vmap(one)(drawn.covariates, drawn.labels, rated.priorities)
    risks = outcome.values[:, QUANTITIES.index("excess_risk")]
    column = QUANTITIES.index("controlled_risk")
    return outcome._replace(values=outcome.values.at[:, column].set(risks - first_order))


@jax.jit
def _statistics(
    outcome: Outcome, indices: Int[Array, " b"], last: Int[Array, ""]
) -> tuple[Array, Array, Array, Array]:
    """Count, mean, sum of squared deviations and failures of the block's real members."""
    real = indices < last
    good = real & (outcome.failure < 0)
    count = jnp.sum(good)
    values = jnp.where(good[:, None], outcome.values, 0.0)
    mean = jnp.sum(values, axis=0) / jnp.maximum(count, 1).astype(values.dtype)
    m2 = jnp.sum(jnp.where(good[:, None], (outcome.values - mean[None, :]) ** 2, 0.0), axis=0)
    causes = jnp.arange(len(CAUSES))[None, :]
    failed = jnp.sum(real[:, None] & (outcome.failure[:, None] == causes), axis=0)
    return count, mean, m2, failed
