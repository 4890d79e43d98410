"""A theorem as an object: what it assumes of a problem, and how its conclusion is checked."""

import abc
import dataclasses
from typing import Any, ClassVar, NamedTuple

from jaxtyping import PRNGKeyArray

from nfl_sim.models import Perceptron
from nfl_sim.problem import Problem
from nfl_sim.pruning import Calibration, KeepRandom, PointwiseRule, PoissonRule
from nfl_sim.theorems.verdict import Verdict, undecided

RESOLUTION = 0.02  # of the quantity a claim is about: what still counts as on the bound


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
        scale: factor of the bound or limit; any other than 1 is a wrong theorem, which the
            harness is tested with.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    statement: ClassVar[str]
    reference: ClassVar[str]
    scale: float = 1.0

    @abc.abstractmethod
    def assumptions(self, problem: Problem, dim: int) -> tuple[Assumption, ...]:
        """Which assumptions the problem meets, and why."""

    @abc.abstractmethod
    def bound(self, problem: Problem, dim: int, **given: Any) -> float:
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
        for assumption in self.assumptions(problem, dim):
            if not assumption.holds:
                word = "fails" if assumption.holds is False else "cannot be told"
                reason = f"the assumption {assumption.name!r} {word}: {assumption.why}"
                return undecided(self.name, self.title, reason)
        return self._check(problem, dim, key, draws)

    @abc.abstractmethod
    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        """`check`, where all is as assumed."""


def convex_loss(problem: Problem) -> Assumption:
    """The reported loss is convex and smooth: all but the 0-1 error."""
    smooth = not isinstance(problem.model, Perceptron)
    name = type(problem.model).__name__
    return Assumption("convex, differentiable loss", smooth, f"the loss of {name}")


def no_penalty(problem: Problem) -> Assumption:
    """D4 speaks of unpenalised training."""
    penalty = float(getattr(problem.learner, "penalty", 0.0))
    return Assumption("unpenalised training", penalty == 0.0, f"penalty={penalty:g}")


def invalid(excess: float, error: float) -> Assumption:
    """The limit is not the teacher, as far as can be told."""
    return Assumption("the rule is invalid", excess > 10.0 * error, f"excess risk {excess:.3g}")


def unbiased(problem: Problem) -> Assumption:
    """The weight is one over the inclusion probability, and draws are independent coins."""
    rule: PointwiseRule = problem.rule
    if isinstance(rule, Calibration):
        return Assumption("independent coins", False, f"{type(rule).__name__} draws in strata")
    fair = isinstance(rule, KeepRandom) or (isinstance(rule, PoissonRule) and rule.unbiased)
    return Assumption("unbiased coins", fair, f"the rule {type(rule).__name__}")
