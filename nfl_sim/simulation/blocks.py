"""Blocks of replicates: jitted, sized by a memory budget, reduced to mergeable statistics."""

from collections.abc import Callable
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from nfl_sim.influence import Influence
from nfl_sim.learners import Learner, Ridge
from nfl_sim.models import Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import JointRule, KeepRandom, PointwiseRule, PoissonRule, Quota
from nfl_sim.scores import AbstractProbe, PointwiseScore, Probe
from nfl_sim.simulation import draws
from nfl_sim.simulation.draws import ROWS, Draw, MarginLaw, Method
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
from nfl_sim.simulation.spread import spread
from nfl_sim.simulation.stopping import Target
from nfl_sim.validation import Scalar, to_count

# Larger blocks gain little on a CPU, where `spread` looks after the cache, and a block costs a
# millisecond or two beside its work; an accelerator wants to be filled.
_BUDGET = {"cpu": 2**27, "accelerator": 2**31}
_LARGEST_BLOCK = 4096
_STEP = 8
_COPIES = 4  # of its rows, that a fit holds


def run_replicates(
    key: PRNGKeyArray,
    problem: Problem,
    *,
    dim: int,
    num_samples: int,
    start: int,
    stop: int,
    method: Method = "auto",
    memory_budget: int | None = None,
    progress: Callable[[int], None] | None = None,
    control: Influence | None = None,
    earlier: Moments | None = None,
    target: Target | None = None,
) -> Moments:
    """Statistics of the replicates ``start`` to ``stop - 1`` of `simulate`, added to ``earlier``.

    With a target, up to the first look that meets it.
    """
    shape, quota = shape_of(problem, dim, num_samples)
    draw = draws.plan(problem, dim, num_samples, method, whole=control is not None)
    block = block_size(shape, stop - start, memory_budget, draw)
    law = law_of(problem, draw, dim)
    looks = frozenset() if target is None else frozenset(target.looks(start, stop))
    total = Moments.empty() if earlier is None else earlier
    for first in range(start, stop, block):
        last = min(first + block, stop)
        indices = jnp.arange(first, first + block)
        outcome = outcomes(key, problem, quota, indices, shape, control, draw, law)
        ends = sorted({last, *(look for look in looks if first < look < last)})
        for low, high in pairwise([first, *ends]):
            total = total.merge(_moments(outcome, indices, low, high))
            if target is not None and high in looks and target.is_reached(total):
                return total
        if progress is not None:
            progress(last - start)
    return total


def block_size(
    shape: Shape, num_replicates: int, memory_budget: int | None = None, draw: Draw = ROWS
) -> int:
    """How many replicates are drawn at once so that their rows fit the memory of each device.

    A multiple of the number of devices, where there are as many replicates. All blocks are of one
    size, as small as their number allows, and a multiple of 8 a device beyond 8. The default
    budget is a matter of speed and always allows one replicate.

    Raises:
        ValueError: ``memory_budget`` is too small for one replicate.
    """
    least = replicate_bytes(shape, draw)
    if memory_budget is None:
        backend = jax.default_backend()
        memory_budget = max(least, _BUDGET["cpu" if backend == "cpu" else "accelerator"])
    budget = to_count("memory_budget", memory_budget, at_least=1)
    if budget < least:
        raise ValueError(
            f"memory_budget must be at least {least} bytes, what one replicate of "
            f"num_samples={shape.num_samples} and dim={shape.dim} takes, got {budget}"
        )
    devices = min(jax.local_device_count(), num_replicates)
    each, most = -(-num_replicates // devices), min(budget // least, _LARGEST_BLOCK)
    if each <= most:
        even = -(-each // _STEP) * _STEP
        return devices * (even if each > _STEP and even <= most else each)
    step = min(_STEP, most)
    blocks = -(-each // (most // step * step))
    return devices * step * -(-each // (blocks * step))


def replicate_bytes(shape: Shape, draw: Draw = ROWS) -> int:
    """Bytes that one replicate's rows, ranks and fit take at the most.

    The greediest fit, that of `MaxMargin`, holds four copies of its rows, some two dozen numbers a
    row, and four matrices.
    """
    item = 8 if shape.double else 4
    size, dim = draws.fitted(draw, shape.bucket, shape.dim)
    drawn = {
        "rows": (shape.num_samples + shape.further) * (item * (shape.dim + 4) + 16),
        "projections": shape.num_samples * (8 * (min(shape.dim, 3) + 4) + 16),
        "kept": 0,
    }
    scores = drawn.get(draw.level, 8 * 6 * draws.chunk_of(shape.bucket))
    return scores + 8 * 4 * (size * (dim + 6) + (dim + 1) ** 2)


def outcomes(
    key: PRNGKeyArray,
    problem: Problem,
    quota: Quota,
    indices: Int[Array, " b"],
    shape: Shape,
    control: Influence | None = None,
    draw: Draw = ROWS,
    law: MarginLaw | None = None,
) -> Outcome:
    """Draw, rate, choose and train the replicates of a block.

    The stages are compiled apart. Only `rate`, the cheapest, knows score and rule, and `train` does
    not know the sample size: a study of many scores, rules and sizes compiles little else.
    """
    drawn = rated = None
    if draw.level in ("rows", "projections"):
        drawn = _draw_all(key, problem, indices, shape, draw)
        rated = _rate(drawn, problem, shape.further)
        chosen = _choose_from(drawn, rated, problem.rule, quota, shape.bucket)
        if draw.level == "projections":
            chosen = _complete(key, chosen, indices, shape.dim, _sees_length(problem))
    else:
        size, counts = jnp.asarray(float(shape.num_samples)), Counts.of(quota)
        sizes = (shape.dim, shape.bucket)
        law = law_of(problem, draw, shape.dim) if law is None else law
        seen = problem.model, problem.score
        chosen = _draw_chosen(key, *seen, indices, size, counts, draw, law, *sizes)
    if isinstance(problem.rule, KeepRandom):
        chosen = chosen._replace(threshold=jnp.full_like(chosen.threshold, jnp.nan))
    model, learner = problem.model, problem.learner
    direction, failure = _probe_of(problem, rated, len(indices))
    outcome = _train(chosen, direction, failure, model, learner, shape.underdetermined)
    if control is None:
        return outcome
    assert drawn is not None
    assert rated is not None
    return _control(outcome, drawn, rated, model, control)


def law_of(problem: Problem, draw: Draw, dim: int) -> MarginLaw | None:
    """What the replicates of a problem share, if there is such; to be found once for all blocks."""
    if draw.family != "signed margin":
        return None
    return _law_of(problem.model, problem.score, draw, dim)


def _probe_of(
    problem: Problem, rated: Rated | None, count: int
) -> tuple[Float[Array, "b p"], Int[Array, " b"]]:
    """The direction of each replicate's probe, and why its sample could not be rated, or -1."""
    if rated is not None:
        return rated.direction, rated.failure
    return _fixed_probe(problem.score.probe, count)


def _draw_all(
    key: PRNGKeyArray, problem: Problem, indices: Int[Array, " b"], shape: Shape, draw: Draw
) -> Drawn:
    sizes = (shape.num_samples, shape.dim)
    if draw.level == "projections":
        return _project(key, problem.model, indices, *sizes, _sees_length(problem))
    return _draw(key, problem.model, indices, *sizes, shape.double)


def _choose_from(
    drawn: Drawn, rated: Rated, rule: PointwiseRule | JointRule, quota: Quota, bucket: int
) -> Chosen:
    if isinstance(rule, JointRule):
        return choose_jointly(drawn, rated, rule, bucket)
    if not isinstance(rule, PoissonRule):
        return _choose(drawn, rated, Counts.of(quota), bucket, rule.draw == "stratified")
    chosen, budget = _toss(drawn, rated, rule, bucket)
    rule.require_budget(budget.mean, budget.lowest, budget.highest)
    return chosen


def _sees_length(problem: Problem) -> bool:
    return "norm" in problem.score.needs


@eqx.filter_jit
def _fixed_probe(
    probe: AbstractProbe | None, count: int
) -> tuple[Float[Array, "b 2"], Int[Array, " b"]]:
    direction = probe.direction if isinstance(probe, Probe) else jnp.full(2, jnp.nan)
    return jnp.broadcast_to(direction, (count, 2)), jnp.full(count, -1)


@eqx.filter_jit
def _law_of(model: Model, score: PointwiseScore, draw: Draw, dim: int) -> MarginLaw:
    return draws.law_of(_bare(model, score), draw, dim)


def _bare(model: Model, score: PointwiseScore) -> Problem:
    """All that a draw of the kept knows: rules and learners share what is compiled for it."""
    return Problem(model, score, KeepRandom(jnp.ones(())), Ridge(jnp.zeros(())))


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

    return spread(one, indices, work=num_samples * dim)


@eqx.filter_jit
def _project(
    key: PRNGKeyArray,
    model: Model,
    indices: Int[Array, " b"],
    num_samples: int,
    dim: int,
    lengths: bool,
) -> Drawn:
    def one(index):
        seed = jax.random.fold_in(key, index)
        return draws.project(seed, model, num_samples=num_samples, dim=dim, lengths=lengths)

    return spread(one, indices, work=3 * num_samples)


@eqx.filter_jit
def _complete(
    key: PRNGKeyArray, chosen: Chosen, indices: Int[Array, " b"], dim: int, lengths: bool
) -> Chosen:
    def one(both: tuple[Array, Chosen]):
        index, chosen = both
        return draws.complete(jax.random.fold_in(key, index), chosen, dim=dim, lengths=lengths)

    return spread(one, (indices, chosen), work=_size(chosen) * dim)


@eqx.filter_jit
def _draw_chosen(
    key: PRNGKeyArray,
    model: Model,
    score: PointwiseScore,
    indices: Int[Array, " b"],
    num_samples: Scalar,
    counts: Counts,
    draw: Draw,
    law: MarginLaw | None,
    dim: int,
    bucket: int,
) -> Chosen:
    problem = _bare(model, score)

    def one(index):
        seed = jax.random.fold_in(key, index)
        return draws.draw_chosen(
            seed, problem, num_samples, counts, draw, law, dim=dim, bucket=bucket
        )

    return spread(one, indices, work=bucket * dim)


@eqx.filter_jit
def _rate(drawn: Drawn, problem: Problem, further: int) -> Rated:
    return spread(lambda one: rate(one, problem, further=further), drawn, work=_size(drawn))


@eqx.filter_jit
def _choose(drawn: Drawn, rated: Rated, counts: Counts, bucket: int, stratified: bool) -> Chosen:
    def one(both: tuple[Drawn, Rated]):
        return choose(*both, counts, bucket=bucket, stratified=stratified)

    return spread(one, (drawn, rated), work=_size(drawn))


@eqx.filter_jit
def _toss(drawn: Drawn, rated: Rated, rule: PoissonRule, bucket: int) -> tuple[Chosen, Budget]:
    def one(both: tuple[Drawn, Rated]):
        return choose_by_coin(*both, rule, bucket=bucket)

    return spread(one, (drawn, rated), work=_size(drawn))


@eqx.filter_jit
def _train(
    chosen: Chosen,
    direction: Float[Array, "b d"],
    failure: Int[Array, " b"],
    model: Model,
    learner: Learner,
    underdetermined: bool,
) -> Outcome:
    def one(member):
        chosen, direction, failure = member
        flags = {"underdetermined": underdetermined, "earlier": failure}
        return train(chosen, model, learner, direction, **flags)

    return spread(one, (chosen, direction, failure), work=_COPIES * _size(chosen))


@eqx.filter_jit
def _control(
    outcome: Outcome, drawn: Drawn, rated: Rated, model: Model, control: Influence
) -> Outcome:
    def one(seen):
        return control(model, *seen)

    seen = (drawn.covariates, drawn.labels, rated.priorities)
    first_order = spread(one, seen, work=_size(drawn))
    risks = outcome.values[:, QUANTITIES.index("excess_risk")]
    column = QUANTITIES.index("controlled_risk")
    return outcome._replace(values=outcome.values.at[:, column].set(risks - first_order))


def _size(batch: Drawn | Chosen) -> int:
    """Numbers that a member of the batch holds, at the most."""
    return max(leaf.size // leaf.shape[0] for leaf in jax.tree.leaves(batch))


def _moments(outcome: Outcome, indices: Int[Array, " b"], low: int, high: int) -> Moments:
    """Of the members of a block whose index lies in [low, high)."""
    found = _statistics(outcome, indices, jnp.asarray(low), jnp.asarray(high))
    count, mean, m2, failed = map(np.asarray, found)
    return Moments(int(count), mean, m2, failed)


@jax.jit
def _statistics(
    outcome: Outcome, indices: Int[Array, " b"], low: Int[Array, ""], high: Int[Array, ""]
) -> tuple[Array, Array, Array, Array]:
    """Count, mean, sum of squared deviations and failures."""
    real = (indices >= low) & (indices < high)
    good = real & (outcome.failure < 0)
    count = jnp.sum(good)
    values = jnp.where(good[:, None], outcome.values, 0.0)
    mean = jnp.sum(values, axis=0) / jnp.maximum(count, 1).astype(values.dtype)
    m2 = jnp.sum(jnp.where(good[:, None], (outcome.values - mean[None, :]) ** 2, 0.0), axis=0)
    causes = jnp.arange(len(CAUSES))[None, :]
    failed = jnp.sum(real[:, None] & (outcome.failure[:, None] == causes), axis=0)
    return count, mean, m2, failed
