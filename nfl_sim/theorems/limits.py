"""T6 and T8: high compression, and no new exponent."""

import math
from collections.abc import Iterator
from typing import ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.simulation import simulate
from nfl_sim.theorems._base import (
    RESOLUTION,
    Assumption,
    Theorem,
    plain_training,
)
from nfl_sim.theorems.validity import invalid, limit_of, minimiser
from nfl_sim.theorems.verdict import Verdict, at_least, equal
from nfl_sim.theory import crossover_sample_size, small_fraction_limit
from nfl_sim.validation import NoTheoryError

_BEYOND = 2.0  # crossovers: how far past it random pruning is held to win
_LARGEST = 200_000  # samples of one replicate


@final
class HighCompression(Theorem):
    """T6: as r -> 0 the limit tends to that of the weak limit of the kept law.

    `check` follows the predicted excess risk down a ladder of fractions, r, r/4 and r/16: its
    distance to the limit that `nfl_sim.small_fraction_limit` computes apart must shrink.
    """

    name: ClassVar[str] = "T6"
    title: ClassVar[str] = "as r -> 0 the student tends to that of the limiting kept law"
    statement: ClassVar[str] = (
        "If the loss is convex and, after centring and scaling, the kept loss tends to a function "
        "with one minimiser w_0, then E(w_inf(r)) -> E(w_0), positive unless w_0 = w*."
    )
    reference: ClassVar[str] = "eq-high-compression in theory_notes/07"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem, dim)
        sharp = isinstance(problem.rule, KeepHardest | KeepEasiest)
        yield Assumption("pruning by score", sharp, f"the rule {type(problem.rule).__name__}")
        yield self._limiting_loss(problem, dim)

    def bound(self, problem: Problem, dim: int) -> float:
        """The limit of the excess risk as r -> 0."""
        limit = small_fraction_limit(problem, FixedDimension(dim))
        return self.scale * float(limit.excess_risk)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        limit = self.bound(problem, dim)
        fractions = [float(problem.rule.fraction) * factor for factor in (1.0, 0.25, 0.0625)]
        found = [limit_of(with_fraction(problem, fraction), dim) for fraction in fractions]
        gaps = [abs(float(prediction.excess_risk) - limit) for prediction in found]
        error = sum(float(prediction.numerical_error) for prediction in found)
        claim = f"the excess risk tends to {limit:.4g} as r -> 0"
        if _is_geometric(values := [float(prediction.excess_risk) for prediction in found]):
            # Two steps of one ratio extrapolate to the limit; what is left is of second order.
            step, before = values[2] - values[1], values[1] - values[0]
            gap = values[2] - step**2 / (step - before) - limit
            return equal(
                self.name, claim, gap, error + abs(step) / 50.0, resolution=RESOLUTION * limit
            )
        shrinks = min(gaps[0] - gaps[1], gaps[1] - gaps[2])
        claim = f"the distance of the excess risk to {limit:.4g} falls as r -> 0"
        return at_least(self.name, claim, shrinks, error, resolution=1e-12)

    def _limiting_loss(self, problem: Problem, dim: int) -> Assumption:
        name = "a limiting loss with one minimiser"
        try:
            limit = small_fraction_limit(problem, FixedDimension(dim))
        except NoTheoryError as error:
            return Assumption(name, None, str(error))
        finite = bool(limit.exists) and math.isfinite(float(limit.excess_risk))
        return Assumption(name, finite, "as predicted at r -> 0")


@final
class NoNewExponent(Theorem):
    """T8: an invalid rule has a plateau, so that random pruning wins from some n on.

    `check` computes the crossover n* and simulates both rules at twice that size.
    """

    name: ClassVar[str] = "T8"
    title: ClassVar[str] = "beyond a finite n*(r) random pruning wins for ever"
    statement: ClassVar[str] = (
        "At fixed r an invalid rule has liminf E[E(w_n)] >= E(w_inf) > 0, while random pruning "
        "decays as C / (r n): there is an n*(r) beyond which random pruning is better."
    )
    reference: ClassVar[str] = "eq-plateau in theory_notes/07"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem, dim)
        prediction = limit_of(problem, dim)
        yield minimiser(prediction)
        yield invalid(prediction)

    def bound(self, problem: Problem, dim: int) -> float:
        """n*, or the least size at which random pruning has a mean where it wins from there on."""
        least = (dim + 12) / float(problem.rule.fraction)
        crossing = float(crossover_sample_size(problem, FixedDimension(dim)))
        return self.scale * max(least, crossing if math.isfinite(crossing) else 0.0)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        size = math.ceil(_BEYOND * self.bound(problem, dim))
        if size > _LARGEST:
            # Beyond reach of a simulation: the plateau against the law of random pruning.
            claim = f"beyond n* = {size / _BEYOND:.3g} the plateau is above random pruning"
            prediction = limit_of(problem, dim)
            random = limit_of(at_random(problem), dim)
            margin = float(prediction.excess_risk - random.finite_size / size)
            return at_least(self.name, claim, margin, float(prediction.numerical_error))
        count = max(64, round(draws / size))
        means, sems, freedom = [], [], math.inf
        for index, rival in enumerate((problem, at_random(problem))):
            run = simulate(
                jax.random.fold_in(key, index),
                rival,
                dim=dim,
                num_samples=size,
                num_replicates=count,
            ).excess_risk
            means.append(run.mean)
            sems.append(run.sem)
            freedom = min(freedom, run.num_replicates - 1.0)
        claim = f"at n = {size}, {_BEYOND:g} n*, random pruning has the smaller risk"
        gap = means[0] - means[1]
        return at_least(self.name, claim, gap, math.hypot(*sems), freedom=freedom)


def _is_geometric(values: list[float]) -> bool:
    """Whether the second step is less than half of the first, and not just noise."""
    first, second = values[1] - values[0], values[2] - values[1]
    return abs(first) > 1e-9 and abs(second) < 0.5 * abs(first)


def with_fraction(problem: Problem, fraction: float) -> Problem:
    """The same problem at another keep fraction."""
    return eqx.tree_at(lambda p: p.rule.fraction, problem, jnp.asarray(fraction))


def at_random(problem: Problem) -> Problem:
    """The same problem, pruned at random."""
    rule = KeepRandom(problem.rule.fraction)
    return Problem(problem.model, problem.score, rule, problem.learner)
