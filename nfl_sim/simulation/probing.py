"""What the probe of a problem says of a sample: one student, or one for each fold or round."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from nfl_sim.learners import Fit, LogisticRegression, Ridge
from nfl_sim.problem import Problem
from nfl_sim.pruning import num_kept, num_kept_traced
from nfl_sim.scores import (
    AbstractProbe,
    CrossFitProbe,
    FittedProbe,
    FreshProbe,
    IteratedProbe,
    Probe,
    View,
)
from nfl_sim.validation import Scalar


class Opinion(NamedTuple):
    """What a probe says of the samples.

    Args:
        margin: w_p.x of each.
        length: |w_p|, of the probe that is asked about each sample, or of the one for all.
        direction: unit vector of the probe; of several, that of their mean.
        fits: whether there is a probe.
    """

    margin: Float[Array, " n"]
    length: Float[Array, "..."]
    direction: Float[Array, " d"]
    fits: Bool[Array, ""]


def consult(
    key: PRNGKeyArray,
    problem: Problem,
    covariates: Float[Array, "n d"],
    labels: Float[Array, " n"],
    further: int,
) -> Opinion:
    """Ask the probe about every sample.

    Args:
        key: of folds, portions and further rows.
        problem: whose score has a probe.
        covariates, labels: the sample.
        further: how many rows to draw beside it, see `further_rows`.
    """
    probe, learner = problem.score.probe, problem.learner
    assert probe is not None
    if isinstance(probe, CrossFitProbe):
        return _cross_fitted(key, probe, problem, covariates, labels)
    if isinstance(probe, IteratedProbe):
        return _of(_iterated(key, probe, problem, covariates, labels), covariates)
    if isinstance(probe, FreshProbe):
        own = problem.model.sample(key, further, covariates.shape[1], covariates.dtype)
        return _of(probe.fit(key, *own, learner), covariates)
    opinion = _of(probe.fit(key, covariates, labels, learner), covariates)
    return opinion if not isinstance(probe, Probe) else _fixed(probe, opinion)


def rated(
    problem: Problem,
    covariates: Float[Array, "n d"],
    labels: Float[Array, " n"],
    opinion: Opinion | None,
) -> Float[Array, " n"]:
    """The scores of samples, the probe's opinion of them given."""
    rating, model, features = problem.score, problem.model, {}
    if "norm" in rating.needs:
        features["norm"] = jnp.sqrt(jnp.sum(covariates**2, axis=1))
    if "label" in rating.needs:
        features["label"] = labels
    if "covariates" in rating.needs:
        features["covariates"] = covariates
    if opinion is not None:
        margin = opinion.margin
        if "probe_margin" in rating.needs:
            features["probe_margin"] = margin
        if "residual" in rating.needs:
            features["residual"] = model.residual(margin, labels)
        if "loss" in rating.sees:
            features["loss"] = model.loss(margin, labels)
        if "influence" in rating.sees:
            length = opinion.length.astype(margin.dtype)
            features["influence"] = model.influence(margin, labels, features["norm"], length)
    seen = {name: features[name] for name in rating.sees}
    return jnp.broadcast_to(rating(View(seen)), labels.shape)


def further_rows(probe: AbstractProbe | None, num_samples: int) -> int:
    """How many rows are drawn for the probe alone, beside the sample; its scalars are concrete."""
    return probe.rows(num_samples) if isinstance(probe, FreshProbe) else 0


def require_probe(problem: Problem, dim: int, num_samples: int) -> None:
    """Raise ``ValueError`` where it is certain that a fitted probe does not exist or says nothing.

    Least squares on dim rows fits them all, and on dim + 1 its error has no mean; unpenalised
    logistic regression separates dim rows.
    """
    probe, learner, rule = problem.score.probe, problem.learner, problem.rule
    if not isinstance(probe, FittedProbe):
        return
    rows = probe.rows(num_samples)
    if isinstance(probe, IteratedProbe) and probe.rounds > 1:
        if rule.draw != "top":
            raise ValueError(
                "IteratedProbe needs a rule that keeps the highest priorities (KeepHardest, "
                f"KeepEasiest, KeepRandom), got {type(rule).__name__}"
            )
        rows = min(rows, num_kept(float(rule.fraction), num_samples))
    least = _fewest_rows(problem, dim)
    if rows < least:
        raise ValueError(
            f"{type(probe).__name__} needs {least} or more rows to fit {type(learner).__name__} "
            f"at dim={dim}, got {rows} (num_samples={num_samples})"
        )


def _fewest_rows(problem: Problem, dim: int) -> int:
    learner = problem.learner
    if isinstance(learner, Ridge) and float(learner.penalty) == 0.0:
        return dim + 2
    if isinstance(learner, LogisticRegression) and float(learner.penalty) == 0.0:
        return dim + 1
    return 1


def _of(fitted: Fit, covariates: Float[Array, "n d"]) -> Opinion:
    """The opinion of one student."""
    weights = fitted.weights
    length = jnp.linalg.norm(weights)
    return Opinion(
        covariates @ weights.astype(covariates.dtype),
        length,
        _unit(weights, length),
        fitted.exists & fitted.converged,
    )


def _fixed(probe: Probe, opinion: Opinion) -> Opinion:
    """With the direction that a fixed probe has even at norm 0."""
    dim = len(opinion.direction)
    plane = min(dim, 2)
    direction = jnp.zeros(dim).at[:plane].set(probe.direction[:plane])
    return opinion._replace(length=probe.norm, direction=direction)


def _cross_fitted(
    key: PRNGKeyArray,
    probe: CrossFitProbe,
    problem: Problem,
    covariates: Float[Array, "n d"],
    labels: Float[Array, " n"],
) -> Opinion:
    fold = probe.deal(key, len(labels))

    def without(index):
        weights = (fold != index).astype(labels.dtype)
        return probe.train(problem.learner, covariates, labels, weights)

    students, exists, converged = jax.lax.map(without, jnp.arange(probe.folds))
    margins = covariates @ students.T.astype(covariates.dtype)
    mean = jnp.mean(students, axis=0)
    return Opinion(
        jnp.take_along_axis(margins, fold[:, None], axis=1)[:, 0],
        jnp.linalg.norm(students, axis=1)[fold],
        _unit(mean, jnp.linalg.norm(mean)),
        jnp.all(exists & converged),
    )


def _iterated(
    key: PRNGKeyArray,
    probe: IteratedProbe,
    problem: Problem,
    covariates: Float[Array, "n d"],
    labels: Float[Array, " n"],
) -> Fit:
    """The student of all but the last round."""
    rule, count = problem.rule, len(labels)
    among = jnp.arange(1.0 * count) < num_kept_traced(rule.fraction, count)

    def prune(fitted, key):
        scores = rated(problem, covariates, labels, _of(fitted, covariates))
        ties = jax.random.bits(key, (count,), jnp.uint32)
        order = jax.lax.sort((-rule.priority(scores), ties, jnp.arange(count)), num_keys=2)[2]
        weights = jnp.zeros_like(labels).at[order].set(among.astype(labels.dtype))
        found = probe.train(problem.learner, covariates, labels, weights)
        exists, converged = found.exists & fitted.exists, found.converged & fitted.converged
        return Fit(found.weights, exists, converged), None

    first = probe.fit(key, covariates, labels, problem.learner)
    return jax.lax.scan(prune, first, jax.random.split(key, probe.rounds - 1))[0]


def _unit(weights: Float[Array, " d"], length: Scalar) -> Float[Array, " d"]:
    return weights / jnp.where(length > 0.0, length, 1.0)
