"""T15: least squares pruned by the residuals of its own first fit."""

from collections.abc import Iterator
from typing import ClassVar, final

from jaxtyping import PRNGKeyArray

from nfl_sim.gaussian import slab_moments
from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, Loss, SameSampleProbe
from nfl_sim.theorems._base import RESOLUTION, Assumption, Theorem, no_penalty
from nfl_sim.theorems.rates import TwoSizes, extrapolated
from nfl_sim.theorems.verdict import Verdict, equal
from nfl_sim.validation import NoTheoryError


@final
class SameSample(Theorem):
    """T15: a score computed on the sample itself has no limit to fail, and its own 1/n.

    `check` simulates at two sizes and extrapolates n times the mean excess risk, as that of T7.
    """

    name: ClassVar[str] = "T15"
    title: ClassVar[str] = "a same-sample residual costs C / n, no less than all data do"
    statement: ClassVar[str] = (
        "Normal noise, least squares: pruning by |y - x'w_p|, w_p the least squares of the very "
        "sample, has n E[E(w_n)] -> sigma^2 d (kappa/r + 1 - kappa^2) >= sigma^2 d, kappa the mean "
        "squared standard residual kept; it beats random pruning iff (kappa - 1)(kappa + 1 - 1/r) "
        "> 0. A fresh probe of n rows has kappa/r + (kappa - 1)^2."
    )
    reference: ClassVar[str] = "eq-same-coefficient in theory_notes/10"
    fixed_probe: ClassVar[bool] = False
    speaks_of: ClassVar[tuple[type, ...]] = (KeepHardest, KeepEasiest, KeepRandom)

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        model, score = problem.model, problem.score
        name, kind = type(model).__name__, type(score).__name__
        yield Assumption("least squares with normal noise", isinstance(model, Linear), name)
        yield no_penalty(problem)
        yield Assumption("a score of the residual alone", isinstance(score, EL2N | Loss), kind)
        probe = type(score.probe).__name__
        same = isinstance(score.probe, SameSampleProbe)
        yield Assumption("a probe fitted on the sample itself", same, probe)

    def bound(self, problem: Problem, dim: int) -> float:
        """sigma^2 d (kappa/r + 1 - kappa^2); of random pruning, sigma^2 d / r."""
        if not isinstance(problem.model, Linear):
            raise NoTheoryError(f"T15 is about Linear, got {type(problem.model).__name__}")
        fraction, noise = float(problem.rule.fraction), float(problem.model.noise_std)
        factor = 1.0 / fraction
        if not isinstance(problem.rule, KeepRandom):
            outside = isinstance(problem.rule, KeepHardest)
            kappa = float(slab_moments(problem.rule.fraction, outside).second)
            factor = kappa / fraction + 1.0 - kappa**2
        return self.scale * noise**2 * dim * factor

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        coefficient = self.bound(problem, dim)
        low, high, freedom = TwoSizes.of(problem, dim, key, draws)
        found = extrapolated(low.times_n, high.times_n)
        return equal(
            self.name,
            f"n E[excess risk] tends to {coefficient:.4g}",
            found.value - coefficient,
            found.sem,
            resolution=10.0 * RESOLUTION * coefficient,
            freedom=freedom,
        )
