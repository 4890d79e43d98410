"""One replicate of a problem: from a key to the quantities of one trained student."""

from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepRandom, num_kept
from nfl_sim.simulation.result import CAUSES, QUANTITIES
from nfl_sim.simulation.steps import fit, risk, sample, score, select

# float32 normals have no tail: beyond these, rows are drawn in float64.
_SMALLEST_FRACTION = 1e-3
_LARGEST_SAMPLE = 1_000_000
_COARSEST_RESOLUTION = 1e-3


@final
class Shape(eqx.Module):
    """Everything static about a replicate; problems of one shape share one compilation.

    Args:
        dim, num_samples: of the data.
        bucket: rows that are fitted, the power of two above ``num_kept`` (at most
            ``num_samples``); the surplus has weight 0.
        underdetermined: whether fewer rows than dimensions are kept.
        double: whether rows are drawn in float64 instead of float32.
    """

    dim: int
    num_samples: int
    bucket: int
    underdetermined: bool
    double: bool


class Outcome(NamedTuple):
    """What a replicate measures.

    Args:
        values: one entry a quantity of `QUANTITIES`.
        failure: index into `CAUSES`, or -1.
    """

    values: Float[Array, " q"]
    failure: Int[Array, ""]


def shape_of(problem: Problem, dim: int, num_samples: int) -> tuple[Shape, int]:
    """The static shape of a concrete problem, and the number of samples kept."""
    fraction = float(problem.rule.fraction)
    kept = num_kept(fraction, num_samples)
    bucket = min(num_samples, 1 << (kept - 1).bit_length())
    double = (
        fraction < _SMALLEST_FRACTION
        or num_samples > _LARGEST_SAMPLE
        or float(problem.model.resolution) < _COARSEST_RESOLUTION
    )
    return Shape(dim, num_samples, bucket, kept < dim, double), kept


def run_replicate(
    key: PRNGKeyArray, problem: Problem, kept: Int[Array, ""], shape: Shape
) -> Outcome:
    """Sample, score, select, fit and measure, once."""
    sample_key, probe_key, tie_key = jax.random.split(key, 3)
    dtype = jnp.float64 if shape.double else jnp.float32
    covariates, labels = sample(
        sample_key, problem.model, num_samples=shape.num_samples, dim=shape.dim, dtype=dtype
    )
    scores = score(probe_key, problem, covariates, labels)
    chosen = select(tie_key, problem.rule, scores, shape.bucket)
    rows, targets = covariates[chosen], labels[chosen]
    weights = (jnp.arange(shape.bucket) < kept).astype(dtype)
    student = fit(problem.learner, rows, targets, weights, underdetermined=shape.underdetermined)
    values = jnp.stack(
        [
            risk(problem.model, student),
            student[0],
            student[1] if shape.dim > 1 else jnp.zeros(()),
            jnp.linalg.norm(student),
            _probe_overlap(problem, student),
            _threshold(problem, scores[chosen[kept - 1]]),
            problem.learner.training_loss(student, rows, targets, weights),
        ]
    )
    diverged = ~jnp.isfinite(values[QUANTITIES.index("excess_risk")])
    return Outcome(values, jnp.where(diverged, CAUSES.index("diverged"), -1))


def _probe_overlap(problem: Problem, student: Float[Array, " d"]) -> Float[Array, ""]:
    probe = problem.score.probe
    if probe is None:
        return jnp.asarray(np.nan)
    plane = min(student.shape[0], 2)
    return jnp.sum(student[:plane] * probe.direction[:plane])


def _threshold(problem: Problem, last: Float[Array, ""]) -> Float[Array, ""]:
    if isinstance(problem.rule, KeepRandom):
        return jnp.asarray(np.nan)
    return last.astype(jnp.float64)
