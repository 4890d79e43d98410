"""Sums over samples: of the push at the best student, and of what is kept, at several fractions."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.models import Model, Perceptron
from nfl_sim.problem import Problem
from nfl_sim.simulation import score
from nfl_sim.theorems.rows import best_student, loss_factor

NORMALS = 2**19  # of one part
TRAITS = ("share_positive", "mean_label", "mean_norm")


class Thresholds(NamedTuple):
    """Where the rule cuts at each fraction, estimated on samples of their own.

    Args:
        fractions: kept.
        levels: the priority at the cut.
        coins: with which probability samples at the cut are kept.
        tied: the share of the samples that are at the cut; 1/n where none tie.
    """

    fractions: Float[np.ndarray, " k"]
    levels: Float[np.ndarray, " k"]
    coins: Float[np.ndarray, " k"]
    tied: Float[np.ndarray, " k"]

    @classmethod
    def of(cls, priorities: Float[np.ndarray, " n"], fractions: np.ndarray) -> "Thresholds":
        """The empirical quantiles, with a fair coin at each."""
        ordered = np.sort(priorities)[::-1]
        count = len(ordered)
        places = np.ceil(fractions * count * (1 - 1e-12)).astype(int) - 1
        levels = ordered[np.clip(places, 0, count - 1)]
        above = np.array([np.mean(ordered > level) for level in levels])
        tied = np.array([np.mean(ordered == level) for level in levels])
        return cls(fractions, levels, np.clip((fractions - above) / tied, 0.0, 1.0), tied)

    def inclusion(self, priorities: Float[np.ndarray, " n"]) -> Float[np.ndarray, "k n"]:
        """The probability with which each sample is kept, at each fraction."""
        cut = self.levels[:, None]
        return 1.0 * (priorities > cut) + self.coins[:, None] * (priorities == cut)


class Sums(NamedTuple):
    """Sums over n samples, at k fractions in d dimensions.

    Args:
        size: n.
        kept: of the inclusion probabilities pi.
        push, squares: of (pi - r) times the gradient at w*, and of its squares.
        energy: of pi times the squared gradient.
        second: of pi x x'.
        traits, trait_squares: of pi times a trait, and of pi times its square.
        all_traits, all_squares: of the traits of all samples, and of their squares.
    """

    size: float
    kept: Float[np.ndarray, " k"]
    push: Float[np.ndarray, "k d"]
    squares: Float[np.ndarray, "k d"]
    energy: Float[np.ndarray, "k d"]
    second: Float[np.ndarray, "k d d"]
    traits: Float[np.ndarray, "k t"]
    trait_squares: Float[np.ndarray, "k t"]
    all_traits: Float[np.ndarray, " t"]
    all_squares: Float[np.ndarray, " t"]

    def plus(self, other: "Sums") -> "Sums":
        """The sums over both sets of samples."""
        pairs: Any = zip(self, other, strict=True)
        return Sums(*(mine + theirs for mine, theirs in pairs))


class Rows(NamedTuple):
    """Samples, in float64, with their priority and their gradient at the best student."""

    covariates: Float[Array, "n d"]
    labels: Float[Array, " n"]
    priorities: Float[Array, " n"]
    gradients: Float[Array, "n d"]


def thresholds(
    key: PRNGKeyArray, problem: Problem, dim: int, fractions: np.ndarray, draws: int
) -> Thresholds:
    """The cuts of the problem's rule at these fractions, from ``draws`` samples."""
    parts = [rows.priorities for rows in _parts(key, problem, dim, draws)]
    return Thresholds.of(np.concatenate([np.asarray(part) for part in parts]), fractions)


def sums(key: PRNGKeyArray, problem: Problem, dim: int, cuts: Thresholds, draws: int) -> Sums:
    """The sums over ``draws`` fresh samples."""
    total: Sums | None = None
    for rows in _parts(key, problem, dim, draws):
        found = _add_up(rows, cuts)
        total = found if total is None else total.plus(found)
    assert total is not None
    return total


def has_gradient(model: Model) -> bool:
    """Whether T2 speaks of the model's loss: the 0-1 error of a perceptron has no gradient."""
    return not isinstance(model, Perceptron)


def _parts(key: PRNGKeyArray, problem: Problem, dim: int, draws: int) -> Any:
    """The samples in parts of one size, which is compiled once."""
    size = max(256, 1 << (NORMALS // (dim + 4)).bit_length() - 1)
    best = np.zeros(dim)
    if has_gradient(problem.model):
        plane = best_student(problem.model)
        best[: min(dim, 2)] = plane[: min(dim, 2)]
    for index in range(-(-draws // size)):
        yield _rows(jax.random.fold_in(key, index), problem, jnp.asarray(best), size)


@eqx.filter_jit
def _rows(key: PRNGKeyArray, problem: Problem, best: Float[Array, " d"], size: int) -> Rows:
    model = problem.model
    sample_key, score_key = jax.random.split(key)
    covariates, labels = model.sample(sample_key, size, len(best), jnp.float64)
    scores = score(score_key, problem, covariates, labels).astype(jnp.float64)
    residual = model.residual(covariates @ best, labels)
    gradients = -loss_factor(model) * residual[:, None] * covariates
    return Rows(covariates, labels, problem.rule.priority(scores), gradients)


def _add_up(rows: Rows, cuts: Thresholds) -> Sums:
    x, y, priorities, gradients = (np.asarray(column) for column in rows)
    pi = cuts.inclusion(priorities)
    moved = pi - cuts.fractions[:, None]
    traits = np.stack([1.0 * (y > 0.0), y, np.linalg.norm(x, axis=1)], axis=1)
    return Sums(
        float(len(y)),
        np.sum(pi, axis=1),
        moved @ gradients,
        moved**2 @ gradients**2,
        pi @ gradients**2,
        np.stack([(x * some[:, None]).T @ x for some in pi]),
        pi @ traits,
        pi @ traits**2,
        np.sum(traits, axis=0),
        np.sum(traits**2, axis=0),
    )
