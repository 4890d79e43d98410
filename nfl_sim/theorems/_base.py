"""A theorem as an object: what it assumes of a problem, and how its conclusion is checked."""

import abc
import dataclasses
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from nfl_sim.models import Perceptron
from nfl_sim.problem import Problem
from nfl_sim.pruning import (
    Calibration,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    PointwiseRule,
    PoissonRule,
)
from nfl_sim.scores import Probe
from nfl_sim.simulation import score
from nfl_sim.theorems.verdict import Verdict, undecided
from nfl_sim.validation import NoTheoryError

RESOLUTION = 0.02  # of the quantity a claim is about: what still counts as on the bound
_LOOKED_AT = 4096  # samples on which a score is tried
_TIED = 0.002  # a share of them that is no coincidence


class Assumption(NamedTuple):
    """One assumption of a theorem, on a problem.

    Args:
        name: what is assumed.
        holds: whether it does; None if it cannot be told.
        why: one clause.
    """

    name: str
    holds: bool | None
    why: str


@dataclasses.dataclass(frozen=True)
class Theorem(abc.ABC):
    """A statement of theory_notes, with its assumptions and its conclusion made executable.

    Args:
        fixed_probe: whether the theorem is about rules whose probe is fixed before the sample.
        speaks_of: the kinds of rules that it is about.
        scale: factor of the bound or limit; any other than 1 is a wrong theorem, which the
            harness is tested with.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    statement: ClassVar[str]
    reference: ClassVar[str]
    fixed_probe: ClassVar[bool] = True
    speaks_of: ClassVar[tuple[type, ...]] = (PointwiseRule,)
    scale: float = 1.0

    def assumptions(self, problem: Problem, dim: int) -> tuple[Assumption, ...]:
        """Which assumptions the problem meets, and why; those after one that fails are left out."""
        found: list[Assumption] = []
        try:
            for assumption in self._all(problem, dim):
                found.append(assumption)
                if not assumption.holds:
                    break
        except NoTheoryError as error:
            found.append(Assumption("a prediction of the limit", None, str(error)))
        return tuple(found)

    @abc.abstractmethod
    def bound(self, problem: Problem, dim: int) -> float:
        """The number that the theorem states for this problem."""

    def check(
        self, problem: Problem, dim: int, key: PRNGKeyArray, *, draws: int = 200_000
    ) -> Verdict:
        """Whether the conclusion holds on this problem.

        Args:
            problem: to check it on.
            dim: of the covariates.
            key: of all draws.
            draws: how many samples to draw where something is measured.

        Returns:
            The verdict; inconclusive, with the reason, where an assumption fails or cannot be
            told.
        """
        last = self.assumptions(problem, dim)[-1]
        if not last.holds:
            word = "fails" if last.holds is False else "cannot be told"
            reason = f"the assumption {last.name!r} {word}: {last.why}"
            return undecided(self.name, self.title, reason)
        return self._check(problem, dim, key, draws)

    def _all(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        """D2, which nearly all theorems rest on, and what this one assumes beside it."""
        rule = type(problem.rule)
        kinds = " or ".join(kind.__name__ for kind in self.speaks_of)
        yield Assumption(f"a {kinds}", issubclass(rule, self.speaks_of), f"got {rule.__name__}")
        if self.fixed_probe:
            probe = problem.score.probe
            name = "no probe" if probe is None else type(probe).__name__
            yield Assumption("a probe fixed before the sample", not _is_fitted(problem), name)
        yield from self._assume(problem, dim)

    @abc.abstractmethod
    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        """One assumption after the other, at least one; each may rely on those before it."""

    @abc.abstractmethod
    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        """`check`, where all is as assumed."""


def _is_fitted(problem: Problem) -> bool:
    return not isinstance(problem.score.probe, Probe | None)


def convex_loss(problem: Problem) -> Assumption:
    """The reported loss is convex and smooth: all but the 0-1 error."""
    smooth = not isinstance(problem.model, Perceptron)
    name = type(problem.model).__name__
    return Assumption("convex, differentiable loss", smooth, f"the loss of {name}")


def told(problem: Problem, dim: int) -> Iterator[Assumption]:
    """The score of 4096 samples is a number, and does not tie them where the rule cuts."""
    name = type(problem.score).__name__
    sample_key, score_key = jax.random.split(jax.random.key(0))
    covariates, labels = problem.model.sample(sample_key, _LOOKED_AT, dim, jnp.float64)
    scores = score(score_key, problem, covariates, labels)
    broken = int(jnp.sum(jnp.isnan(scores)))
    yield Assumption(
        "a score that is a number", not broken, f"{name} is nan on {broken} of {_LOOKED_AT} samples"
    )
    rule = problem.rule
    if isinstance(rule, KeepHardest | KeepEasiest | Calibration):
        top = rule.top_fraction if isinstance(rule, Calibration) else rule.fraction
        priority = jnp.sort(rule.priority(scores))
        place = min(int((1.0 - float(top)) * _LOOKED_AT), _LOOKED_AT - 1)
        tied = float(jnp.mean(priority == priority[place]))
        why = f"{name} ties a share {tied:.2g} of the samples at the threshold"
        # A fair coin may break them, but no prediction here knows of coins.
        known = tied < _TIED or None
        yield Assumption("no atom of the score at the threshold", known, why)


def no_penalty(problem: Problem) -> Assumption:
    """D4 speaks of unpenalised training."""
    penalty = float(getattr(problem.learner, "penalty", 0.0))
    return Assumption("unpenalised training", penalty == 0.0, f"penalty={penalty:g}")


def plain_training(problem: Problem, dim: int) -> Iterator[Assumption]:
    """A convex loss, no penalty, and a score without atoms."""
    yield convex_loss(problem)
    yield no_penalty(problem)
    yield from told(problem, dim)


def unbiased(problem: Problem) -> Assumption:
    """The weight is one over the inclusion probability, and draws are independent coins."""
    rule: PointwiseRule = problem.rule
    if isinstance(rule, Calibration):
        return Assumption("independent coins", False, f"{type(rule).__name__} draws in strata")
    fair = isinstance(rule, KeepRandom) or (isinstance(rule, PoissonRule) and rule.unbiased)
    return Assumption("unbiased coins", fair, f"the rule {type(rule).__name__}")
