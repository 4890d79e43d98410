"""One replicate in stages: draw a sample, rate it, choose from it, train on the chosen."""

import math
from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from nfl_sim.learners import Learner
from nfl_sim.models import Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import JointRule, PoissonRule, Quota
from nfl_sim.scores import Probe
from nfl_sim.simulation.probing import further_rows
from nfl_sim.simulation.result import CAUSES, QUANTITIES
from nfl_sim.simulation.steps import consulted, fit, highest, order, risk, sample, toss, with_rest
from nfl_sim.validation import Scalar

# float32 normals have no tail: beyond these, rows are drawn in float64.
_SMALLEST_FRACTION = 1e-3
_LARGEST_SAMPLE = 1_000_000
_COARSEST_RESOLUTION = 1e-3
_SHARED = 2**13  # numbers in a bucket up to which it is a power of two
_MORE_ROWS = 4  # than dimensions, at least, must the coins of a rule keep
_DEVIATIONS = 10.0  # of the number that coins keep: more happen less than once in 1e20
_SUREST_PROBE = 5.0  # of signs: beyond, float32 rounds residuals of the worst errors to 1


@final
class Shape(eqx.Module):
    """Everything static about a replicate; problems of one shape share one compilation.

    Args:
        dim, num_samples: of the data.
        bucket: rows that are fitted, at least as many as are kept (where that is random, as may be)
            and at most ``num_samples``; the surplus has weight 0.
        underdetermined: whether fewer rows than dimensions are kept.
        double: whether rows are drawn in float64 instead of float32.
        further: rows drawn for the probe alone.
    """

    dim: int
    num_samples: int
    bucket: int
    underdetermined: bool
    double: bool
    further: int = 0


class Outcome(NamedTuple):
    """What a replicate measures.

    Args:
        values: one entry a quantity of `QUANTITIES`.
        failure: index into `CAUSES`, or -1.
    """

    values: Float[Array, " q"]
    failure: Int[Array, ""]


class Drawn(NamedTuple):
    """A sample before scoring, and the keys of what comes after."""

    covariates: Float[Array, "n d"]
    labels: Float[Array, " n"]
    probe_key: PRNGKeyArray
    tie_key: PRNGKeyArray


class Rated(NamedTuple):
    """What the score and the rule say of a sample.

    Args:
        scores, priorities: of each sample.
        direction: unit vector of the probe; nan where there is none.
        failure: index of the cause why there is no such thing; -1 if there is.
    """

    scores: Float[Array, " n"]
    priorities: Float[Array, " n"]
    direction: Float[Array, " d"]
    failure: Int[Array, ""]


class Counts(NamedTuple):
    """A `Quota` that is not compiled in."""

    top: Int[Array, ""]
    rest: Int[Array, ""]
    rest_weight: Scalar

    @classmethod
    def of(cls, quota: Quota) -> "Counts":
        """The counts of a quota."""
        return cls(*map(jnp.asarray, quota))


class Chosen(NamedTuple):
    """The rows kept for their priority, best first, then those kept at random; surplus weighs 0.

    Args:
        rows, targets: what is trained on.
        weights: in the training loss.
        threshold: the lowest-priority score among those kept for it, or the level of the coins;
            nan if there is none.
        enough: whether as many rows are kept as the rule must keep.
    """

    rows: Float[Array, "m d"]
    targets: Float[Array, " m"]
    weights: Float[Array, " m"]
    threshold: Scalar
    enough: Bool[Array, ""]


class Budget(NamedTuple):
    """What the coins of a rule add up to on a sample.

    Args:
        mean: of the inclusion probabilities.
        lowest, highest: of them.
    """

    mean: Scalar
    lowest: Scalar
    highest: Scalar


def shape_of(problem: Problem, dim: int, num_samples: int) -> tuple[Shape, Quota]:
    """The static shape of a concrete problem, and how many samples it keeps."""
    fraction = float(problem.rule.fraction)
    quota = problem.rule.quota(num_samples)
    kept = most = quota.kept
    if problem.rule.draw == "poisson":
        most = math.ceil(kept + _DEVIATIONS * math.sqrt(kept))
    bucket = min(num_samples, _bucket(most, dim))
    double = (
        fraction < _SMALLEST_FRACTION
        or num_samples > _LARGEST_SAMPLE
        or float(problem.model.resolution) < _COARSEST_RESOLUTION
        or _saturates(problem)
    )
    further = further_rows(problem.score.probe, num_samples)
    return Shape(dim, num_samples, bucket, most < dim, double, further), quota


def _bucket(most: int, dim: int) -> int:
    """The power of two above, or where these are many numbers the next of seven steps before it.

    Few sizes share their compilations; large ones would fit many rows for nothing.
    """
    power = 1 << (most - 1).bit_length()
    step = power // 16 if power * dim > _SHARED else power
    return -(-most // step) * step


def _saturates(problem: Problem) -> bool:
    probe = problem.score.probe
    bounded = problem.model.binary and "residual" in problem.score.needs
    return bounded and isinstance(probe, Probe) and float(probe.norm) > _SUREST_PROBE


def draw(key: PRNGKeyArray, model: Model, *, num_samples: int, dim: int, double: bool) -> Drawn:
    """The sample of a replicate."""
    sample_key, probe_key, tie_key = jax.random.split(key, 3)
    dtype = jnp.float64 if double else jnp.float32
    covariates, labels = sample(sample_key, model, num_samples=num_samples, dim=dim, dtype=dtype)
    return Drawn(covariates, labels, probe_key, tie_key)


def rate(drawn: Drawn, problem: Problem, *, further: int) -> Rated:
    """Score the sample; this stage alone knows score and rule."""
    covariates, labels, rule = drawn.covariates, drawn.labels, problem.rule
    scores, opinion = consulted(drawn.probe_key, problem, covariates, labels, further=further)
    joint = isinstance(rule, JointRule)  # which has no order of its own
    priorities = scores if joint else rule.priority(scores)
    if opinion is None:
        direction, fits = jnp.full(covariates.shape[1], jnp.nan), jnp.asarray(True)
    else:
        direction, fits = opinion.direction, opinion.fits
    conditions = {"no_probe": ~fits, "no_score": jnp.any(jnp.isnan(scores))}
    return Rated(scores, priorities, direction, _first_cause(conditions))


def choose(drawn: Drawn, rated: Rated, counts: Counts, *, bucket: int, stratified: bool) -> Chosen:
    """The samples that the rule's counts allow, in a bucket of rows.

    Args:
        drawn, rated: the sample.
        counts: how many of them.
        bucket: how many rows to return.
        stratified: whether there may be a random choice beside the top.
    """
    best = highest(drawn.tie_key, rated.priorities, bucket)
    place = jnp.arange(bucket)
    last = rated.scores[best[jnp.maximum(counts.top - 1, 0)]].astype(jnp.float64)
    if stratified:
        best = with_rest(drawn.tie_key, best, place < counts.top, len(rated.scores))
    weights = jnp.where(place < counts.top, 1.0, counts.rest_weight)
    weights = jnp.where(place < counts.top + counts.rest, weights, 0.0)
    return Chosen(
        drawn.covariates[best],
        drawn.labels[best],
        weights.astype(drawn.covariates.dtype),
        jnp.where(counts.top > 0, last, jnp.nan),
        jnp.asarray(True),
    )


def choose_by_coin(
    drawn: Drawn, rated: Rated, rule: PoissonRule, *, bucket: int
) -> tuple[Chosen, Budget]:
    """The samples whose coins came up, in a bucket of rows, and what the coins added up to."""
    coins = toss(drawn.tie_key, rule, rated.scores)
    first = order((~coins.kept).astype(jnp.uint64) << 63)[:bucket]
    count = jnp.sum(coins.kept)
    weights = jnp.where(coins.kept[first], coins.weights[first], 0.0)
    dtype, dim = drawn.covariates.dtype, drawn.covariates.shape[1]
    chosen = Chosen(
        drawn.covariates[first],
        drawn.labels[first],
        weights.astype(dtype),
        coins.level,
        (count >= dim + _MORE_ROWS) & (count <= bucket),
    )
    chance = coins.probabilities
    return chosen, Budget(jnp.mean(chance), jnp.min(chance), jnp.max(chance))


def train(
    chosen: Chosen,
    model: Model,
    learner: Learner,
    direction: Float[Array, " p"],
    *,
    underdetermined: bool,
    earlier: Int[Array, ""] | int = -1,
) -> Outcome:
    """Fit to the chosen rows and measure.

    ``direction`` is the probe's in all dimensions or the first ones, for the overlap; nan where
    there is none. ``earlier`` is a failure before there was anything to fit.
    """
    rows, targets, weights, threshold, enough = chosen
    student, exists, converged = fit(
        learner, rows, targets, weights, underdetermined=underdetermined
    )
    measured = {
        "excess_risk": risk(model, student),
        **model.diagnostics(student),
        "parallel": student[0],
        "orthogonal": student[1] if len(student) > 1 else jnp.zeros(()),
        "norm": jnp.linalg.norm(student),
        "probe_overlap": jnp.sum(student[: len(direction)] * direction[: len(student)]),
        "threshold": threshold,
        "training_loss": learner.training_loss(student, rows, targets, weights),
        **learner.diagnostics(student, rows, targets, weights),
    }
    diverged = ~jnp.isfinite(measured["excess_risk"])
    conditions = {
        "too_few_kept": ~enough,
        learner.without_student: ~exists,
        "undecided": ~converged,
        "diverged": diverged,
    }
    failure = jnp.where(jnp.asarray(earlier) >= 0, earlier, _first_cause(conditions))
    values = [measured.get(quantity, jnp.full((), jnp.nan)) for quantity in QUANTITIES]
    return Outcome(jnp.stack(values), failure)


def _first_cause(conditions: dict[str, Bool[Array, ""]]) -> Int[Array, ""]:
    """Index in `CAUSES` of the first that holds; -1 if none does."""
    return jnp.select(list(conditions.values()), [CAUSES.index(c) for c in conditions], -1)
