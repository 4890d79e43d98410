"""T1 and T7: what training on kept samples tends to, and how fast."""

import math
from collections.abc import Iterator
from typing import ClassVar, NamedTuple, final

import jax
from jaxtyping import PRNGKeyArray

from nfl_sim.problem import Problem
from nfl_sim.simulation import simulate
from nfl_sim.theorems._base import (
    RESOLUTION,
    Assumption,
    Theorem,
    convex_loss,
    plain_training,
    told,
)
from nfl_sim.theorems.validity import is_valid, limit_of, minimiser
from nfl_sim.theorems.verdict import Verdict, equal

_ROWS = 20  # kept samples a dimension, of the smaller size


class Measured(NamedTuple):
    """A number with its standard error."""

    value: float
    sem: float


class Size(NamedTuple):
    """The mean excess risk at one n."""

    num_samples: int
    risk: Measured

    @property
    def times_n(self) -> Measured:
        """n times it."""
        return Measured(self.num_samples * self.risk.value, self.num_samples * self.risk.sem)


class TwoSizes(NamedTuple):
    """Simulations at n and at 4n."""

    low: Size
    high: Size
    freedom: float

    @classmethod
    def of(cls, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> "TwoSizes":
        """With half the draws, counted as samples kept, for each size."""
        fraction = float(problem.rule.fraction)
        small = math.ceil(_ROWS * (dim + 2) / fraction)
        found, freedom = [], math.inf
        for size in (small, 4 * small):
            count = max(64, round(draws / (2 * fraction * size)))
            size_key = jax.random.fold_in(key, size)
            run = simulate(size_key, problem, dim=dim, num_samples=size, num_replicates=count)
            found.append(Size(size, Measured(run.excess_risk.mean, run.excess_risk.sem)))
            freedom = min(freedom, run.excess_risk.num_replicates - 1.0)
        return cls(found[0], found[1], freedom)


def extrapolated(low: Measured, high: Measured) -> Measured:
    """The limit of what has a remainder in 1/n, from n and 4n.

    What is left is of second order; an eighth of what was removed joins the error.
    """
    sem = math.hypot(4.0 * high.sem, low.sem) / 3.0
    left = abs(high.value - low.value) / 24.0
    return Measured((4.0 * high.value - low.value) / 3.0, math.hypot(sem, left))


@final
class LimitOfTraining(Theorem):
    """T1: training on kept samples tends to the minimiser of the kept loss.

    `check` simulates at n and 4n, extrapolates the mean excess risk, and holds it against the one
    predicted. `nfl_sim.compare` does so at three sizes and tests the rate too.
    """

    name: ClassVar[str] = "T1"
    title: ClassVar[str] = "training on kept samples tends to the minimiser of the kept loss"
    statement: ClassVar[str] = (
        "With an integrable envelope and fair ties every accumulation point of w_n minimises the "
        "kept loss; if that has one minimiser, w_n -> w_inf and E(w_n) -> E(w_inf) almost surely."
    )
    reference: ClassVar[str] = "eq-uniform-law in theory_notes/01"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield convex_loss(problem)
        yield from told(problem, dim)
        yield minimiser(limit_of(problem, dim))

    def bound(self, problem: Problem, dim: int) -> float:
        """The excess risk of the limit."""
        return self.scale * float(limit_of(problem, dim).excess_risk)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        limit = self.bound(problem, dim)
        low, high, freedom = TwoSizes.of(problem, dim, key, draws)
        found = extrapolated(low.risk, high.risk)
        # To a tenth of the limit, or a quarter of what the smaller size adds to it: what has gone
        # at four times the size, and more, is not all that was removed.
        unit = max(0.1 * limit, 0.25 * abs(low.risk.value - limit))
        return equal(
            self.name,
            f"the excess risk tends to {limit:.4g}",
            found.value - limit,
            found.sem,
            resolution=unit,
            freedom=freedom,
        )


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
        yield from plain_training(problem, dim)
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
