"""T6, T7 and T8: high compression, the 1/n term, and no new exponent."""

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
from nfl_sim.theorems.validity import invalid, is_valid, limit_of, minimiser
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
        yield from plain_training(problem)
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
class SecondOrder(Theorem):
    """T7: at a valid rule n E[E(w_n)] tends to C = tr(H A^-1 B A^-1) / 2.

    `check` simulates at two sizes and extrapolates n times the mean excess risk, whose own
    remainder is O(1/n), to C.
    """

    name: ClassVar[str] = "T7"
    title: ClassVar[str] = "the excess risk of a valid rule is C / n + o(1/n)"
    statement: ClassVar[str] = (
        "n Cov(w_n) -> A^-1 B A^-1 with A = E_nu grad^2 l and B/n the covariance of the weighted "
        "score sum at w_inf; at a valid rule E[E(w_n)] = C/n + o(1/n), C = tr(H A^-1 B A^-1) / 2."
    )
    reference: ClassVar[str] = "eq-finite-size in theory_notes/03; 07"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem)
        prediction = limit_of(problem, dim)
        yield minimiser(prediction)
        excess, size = float(prediction.excess_risk), float(prediction.finite_size)
        yield Assumption("a valid rule", is_valid(prediction), f"excess risk {excess:.3g}")
        yield Assumption("a finite variance", math.isfinite(size), f"C = {size:.3g}")

    def bound(self, problem: Problem, dim: int) -> float:
        """C."""
        return self.scale * float(limit_of(problem, dim).finite_size)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        coefficient = self.bound(problem, dim)
        fraction = float(problem.rule.fraction)
        small = math.ceil(20 * (dim + 2) / fraction)
        sizes = (small, 4 * small)
        # Half the draws, counted as samples kept, for each size.
        counts = [max(64, round(draws / (2 * fraction * size))) for size in sizes]
        runs = [
            simulate(
                jax.random.fold_in(key, size),
                problem,
                dim=dim,
                num_samples=size,
                num_replicates=count,
            )
            for size, count in zip(sizes, counts, strict=True)
        ]
        (low, low_sem), (high, high_sem) = (
            (size * run.excess_risk.mean, size * run.excess_risk.sem)
            for size, run in zip(sizes, runs, strict=True)
        )
        found = (4.0 * high - low) / 3.0
        sem = math.hypot(4.0 * high_sem, low_sem) / 3.0
        # What the extrapolation leaves is of second order: an eighth of what it removed.
        left = abs(high - low) / 24.0
        return equal(
            self.name,
            f"n E[excess risk] tends to {coefficient:.4g}",
            found - coefficient,
            math.hypot(sem, left),
            resolution=10.0 * RESOLUTION * coefficient,
        )


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
        yield from plain_training(problem)
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
        means, sems = [], []
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
        claim = f"at n = {size}, {_BEYOND:g} n*, random pruning has the smaller risk"
        return at_least(self.name, claim, means[0] - means[1], math.hypot(*sems))


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
