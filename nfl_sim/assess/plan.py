"""What is simulated to assess a score: the sizes of the samples, and two rules at each fraction."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from nfl_sim.learners import Learner, LogisticRegression, MaxMargin, Ridge
from nfl_sim.models import Linear, Logistic, Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom, num_kept
from nfl_sim.scores import PointwiseScore, Uniform
from nfl_sim.validation import to_count

RULES = {"hardest": KeepHardest, "easiest": KeepEasiest}
STEPS = (1, 2, 4, 8)
_ROWS = {Linear: 4, Logistic: 20}  # kept a dimension, at the smallest fraction and size
_FEWEST = 4  # more rows than dimensions, for a mean with a variance


class Setup(NamedTuple):
    """All that an assessment is of, but its random draws.

    Args:
        model, score, learner: of every problem.
        rule: "hardest" or "easiest".
        dim: of the covariates.
        fractions: kept, increasing.
        sizes: numbers of samples, increasing.
        replicates: at each.
    """

    model: Model
    score: PointwiseScore
    learner: Learner
    rule: str
    dim: int
    fractions: tuple[float, ...]
    sizes: tuple[int, ...]
    replicates: int

    def problem(self, fraction: float) -> Problem:
        """The problem pruned by the score."""
        return Problem(
            self.model, self.score, RULES[self.rule](jnp.asarray(fraction)), self.learner
        )

    def random(self, fraction: float) -> Problem:
        """The problem pruned at random, whatever the score."""
        return Problem(self.model, Uniform(), KeepRandom(jnp.asarray(fraction)), self.learner)

    @classmethod
    def of(
        cls,
        model: Model,
        score: PointwiseScore,
        *,
        rule: str,
        dim: int,
        fractions: Sequence[float],
        sizes: Sequence[int] | None,
        replicates: int,
        learner: Learner | None,
    ) -> "Setup":
        """A setup whose numbers are in their ranges.

        Raises:
            ValueError: one of them is not.
        """
        if rule not in RULES:
            raise ValueError(f"rule must be one of {tuple(RULES)}, got {rule!r}")
        dim = to_count("dim", dim, at_least=1)
        kept = _fractions(fractions)
        some = default_sizes(model, dim, kept[0]) if sizes is None else _sizes(sizes)
        _require_enough(some[0], kept[0], dim)
        count = to_count("replicates", replicates, at_least=16)
        student = default_learner(model) if learner is None else learner
        return cls(model, score, student, rule, dim, kept, some, count)


def default_learner(model: Model) -> Learner:
    """Unpenalised training in the model's own loss; of a perceptron, the maximum margin."""
    none = jnp.zeros(())
    if isinstance(model, Linear):
        return Ridge(none)
    return LogisticRegression(none) if isinstance(model, Logistic) else MaxMargin()


def default_sizes(model: Model, dim: int, smallest: float) -> tuple[int, ...]:
    """Four powers of two, the first of which keeps some rows a dimension at each fraction."""
    rows = _ROWS.get(type(model), 4) * (dim + 2)
    first = 1 << (int(rows / smallest) - 1).bit_length()
    return tuple(first * step for step in STEPS)


def _fractions(fractions: Sequence[float]) -> tuple[float, ...]:
    found = tuple(sorted({float(value) for value in _listed("fractions", fractions)}))
    bad = [value for value in found if not 0.0 < value < 1.0]
    if bad or not found:
        what = ", ".join(f"{value:g}" for value in bad) or "none"
        raise ValueError(f"fractions must lie in (0, 1), got {what}")
    return found


def _sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    found = sorted({to_count("sizes", size, at_least=1) for size in _listed("sizes", sizes)})
    if len(found) < 3:
        raise ValueError(
            f"at least three different sizes are needed to extrapolate, got {tuple(found)}"
        )
    return tuple(found)


def _listed(name: str, values: Any) -> Sequence[Any]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise ValueError(f"{name} must be a sequence of numbers, got {values!r}")
    return list(values)


def _require_enough(size: int, fraction: float, dim: int) -> None:
    kept, needed = num_kept(fraction, size), dim + _FEWEST
    if kept < needed:
        least = int(needed / fraction) + 1
        raise ValueError(
            f"n={size} samples keep {kept} at the fraction {fraction:g}, fewer than dim + "
            f"{_FEWEST} = {needed}; the smallest size must be at least {least}"
        )
