"""The five steps of a replicate, as pure functions: sample, score, select, fit, risk."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, DTypeLike, Float, Int, PRNGKeyArray, UInt32, UInt64

from nfl_sim.gaussian import solve_increasing
from nfl_sim.learners import Fit, Learner
from nfl_sim.models import Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import Calibration, JointRule, PointwiseRule, PoissonRule
from nfl_sim.scores import FittedProbe
from nfl_sim.simulation.probing import Opinion, consult, further_rows, rated
from nfl_sim.validation import Scalar

_WORTH_PRESELECTING = 4
_LEVEL_TOLERANCE = 1e-12
_TOP_BIT = np.uint64(1 << 63)


class Coins(NamedTuple):
    """The coins of a `PoissonRule`, tossed.

    Args:
        kept: which came up.
        weights: of the samples in the training loss, if kept.
        probabilities: of being kept.
        level: at which they meet the budget.
    """

    kept: Bool[Array, " n"]
    weights: Float[Array, " n"]
    probabilities: Float[Array, " n"]
    level: Scalar


def sample(
    key: PRNGKeyArray,
    model: Model,
    *,
    num_samples: int,
    dim: int,
    dtype: DTypeLike = jnp.float32,
) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
    """Draw ``num_samples`` i.i.d. covariates and labels in the teacher's frame."""
    return model.sample(key, num_samples, dim, dtype)


def score(
    key: PRNGKeyArray,
    problem: Problem,
    covariates: Float[Array, "n d"],
    labels: Float[Array, " n"],
) -> Float[Array, " n"]:
    """The problem's scores of these samples; larger = harder.

    ``key`` is for a probe that is fitted to the data; a fixed one ignores it. The scalars of a
    probe that needs rows of its own must be concrete.
    """
    return consulted(key, problem, covariates, labels)[0]


def consulted(
    key: PRNGKeyArray,
    problem: Problem,
    covariates: Float[Array, "n d"],
    labels: Float[Array, " n"],
    *,
    further: int | None = None,
) -> tuple[Float[Array, " n"], Opinion | None]:
    """`score`, and what the probe said, if there is one.

    ``further`` is `further_rows` of the probe, which a traced one cannot tell. A fitted probe may
    be so sure of signs that residuals of single precision would round to 1.
    """
    opinion, probe = None, problem.score.probe
    if (
        isinstance(probe, FittedProbe)
        and problem.model.binary
        and "residual" in problem.score.needs
    ):
        covariates, labels = covariates.astype(jnp.float64), labels.astype(jnp.float64)
    if probe is not None:
        rows = further_rows(probe, len(labels)) if further is None else further
        opinion = consult(key, problem, covariates, labels, rows)
    return rated(problem, covariates, labels, opinion), opinion


def select(
    key: PRNGKeyArray, rule: PointwiseRule | JointRule, scores: Float[Array, " n"], size: int
) -> Int[Array, " size"]:
    """Indices of ``size`` samples: those kept for their priority, best first, then those at random.

    A `PoissonRule` keeps a random number of samples; see `toss`.

    Args:
        key: for the ties, which are broken fairly, and for the random choice of a calibration.
        rule: whose priority orders the samples; the scalars of a calibration must be concrete.
        scores: shape (n,).
        size: how many indices to return, at most n.

    Raises:
        ValueError: the rule is a `JointRule`, which has a `select` of its own.
    """
    if isinstance(rule, JointRule):
        raise ValueError(
            f"{type(rule).__name__} chooses samples jointly; call its own "
            "select(key, covariates, labels, scores)"
        )
    best = highest(key, rule.priority(scores), size)
    if not isinstance(rule, Calibration):
        return best
    return with_rest(key, best, jnp.arange(size) < rule.count_on_top(size), len(scores))


def highest(key: PRNGKeyArray, priorities: Float[Array, " n"], size: int) -> Int[Array, " size"]:
    """Indices of the ``size`` highest priorities, highest first, ties broken fairly.

    What differs in the last log2 n bits of a float64 alone is a tie.
    """
    lot = jax.random.bits(key, priorities.shape, jnp.uint32)
    candidates = jnp.arange(priorities.shape[0])
    if _WORTH_PRESELECTING * size <= priorities.shape[0]:
        candidates = _preselect(priorities, lot, size)
    candidates = candidates[order(lot[candidates].astype(jnp.uint64) << 32)]
    return candidates[order(_falling(priorities[candidates]))][:size]


def with_rest(
    key: PRNGKeyArray, best: Int[Array, " k"], on_top: Bool[Array, " k"], num_samples: int
) -> Int[Array, " k"]:
    """The indices ``best[on_top]``, in any order, and then others at random, without replacement.

    Args:
        key: that of `highest`, which gave ``best``.
        best: indices, the best first.
        on_top: which of them are kept for their priority.
        num_samples: how many samples there are.
    """
    lot = jax.random.bits(jax.random.fold_in(key, 1), (num_samples,), jnp.uint64) | _TOP_BIT
    return order(lot.at[best].set(jnp.where(on_top, jnp.uint64(0), lot[best])))[: len(best)]


def order(codes: UInt64[Array, " n"]) -> Int[Array, " n"]:
    """Where the smallest is, the next, and so on, by all but the last log2 n bits.

    Where these are equal the first comes first. Integers alone are sorted eight times as fast as
    pairs, so that each carries its place in those bits.
    """
    places = jnp.uint64((1 << (len(codes) - 1).bit_length()) - 1)
    carrying = (codes & ~places) | jnp.arange(len(codes), dtype=jnp.uint64)
    return (jax.lax.sort(carrying) & places).astype(jnp.int32)


def _falling(priorities: Float[Array, " n"]) -> UInt64[Array, " n"]:
    """Integers in the opposite order; nan is last."""
    numbers = -jnp.where(jnp.isnan(priorities), -jnp.inf, priorities).astype(jnp.float64)
    bits = jax.lax.bitcast_convert_type(jnp.where(numbers == 0.0, 0.0, numbers), jnp.uint64)
    return jnp.where(bits >= _TOP_BIT, ~bits, bits | _TOP_BIT)


def toss(key: PRNGKeyArray, rule: PoissonRule, scores: Float[Array, " n"]) -> Coins:
    """Keep each sample by its own coin, at the level that meets the budget on this sample."""
    scores = scores.astype(jnp.float64)

    def shortfall(level: Scalar) -> Scalar:
        return rule.fraction - jnp.mean(rule.inclusion(scores, level))

    ends = rule.levels(jnp.min(scores), jnp.max(scores))
    level = solve_increasing(shortfall, *ends, tolerance=_LEVEL_TOLERANCE)
    chance = rule.inclusion(scores, level)
    kept = jax.random.uniform(key, scores.shape, scores.dtype) < chance
    return Coins(kept, rule.weight(scores, level), chance, level)


def _preselect(
    priorities: Float[Array, " n"], lot: UInt32[Array, " n"], size: int
) -> Int[Array, " size"]:
    """The set of the ``size`` highest, by partial sorts in float32: of priorities, and of ties.

    What float64 tells apart and float32 does not is ranked by the remainders, to 48 bits in all. On
    a CPU this is 15 times faster than to sort all.
    """
    rank = priorities.astype(jnp.float32)
    if priorities.dtype == jnp.float64:
        level = _level(rank, size)
        remainder = jnp.where(rank == level, priorities - level.astype(jnp.float64), 0.0)
        largest = jnp.max(jnp.abs(remainder))
        remainder /= jnp.where(largest > 0.0, largest, 1.0)
        beyond = jnp.where(rank > level, jnp.float32(2.0), jnp.float32(-2.0))
        rank = jnp.where(rank == level, remainder.astype(jnp.float32), beyond)
    level = _level(rank, size)
    chance = 1.0 - lot.astype(jnp.float32) / 2.0**32
    rank = jnp.where(rank > level, 2.0, jnp.where(rank == level, chance, -1.0))
    return jax.lax.top_k(rank.astype(jnp.float32), size)[1]


def _level(rank: Float[Array, " n"], size: int) -> Scalar:
    """The ``size``-th highest, as a minimum: of the last entry XLA would make a full sort."""
    return jnp.min(jax.lax.top_k(rank, size)[0])


def fit(
    learner: Learner,
    covariates: Float[Array, "m d"],
    labels: Float[Array, " m"],
    weights: Float[Array, " m"],
    *,
    underdetermined: bool | None = None,
) -> Fit:
    """Train a student on weighted samples; rows of weight 0 do not count."""
    return learner.fit(covariates, labels, weights, underdetermined=underdetermined)


def risk(model: Model, student: Float[Array, " d"]) -> Scalar:
    """Exact population excess risk of a student, in the model's own loss."""
    return model.excess_risk(student)
