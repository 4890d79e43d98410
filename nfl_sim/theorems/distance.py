"""T3: how wrong a rule is, without solving for where it leads."""

import math
from collections.abc import Iterator
from typing import ClassVar, NamedTuple, final

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from nfl_sim.models import Linear, Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.theorems._base import RESOLUTION, Assumption, Theorem, plain_training
from nfl_sim.theorems.rows import (
    Rows,
    best_student,
    draw,
    hessian,
    losses,
    risk_curvatures,
)
from nfl_sim.theorems.validity import deviation, invalid, limit_of, minimiser, sem_of_parts
from nfl_sim.theorems.verdict import Verdict, at_least, equal, worst
from nfl_sim.theory import Prediction

_SEGMENT = np.linspace(0.0, 1.0, 9)


class Sides(NamedTuple):
    """What the push says of the excess risk, from samples; nan where it says nothing.

    Args:
        lower, upper: the two bounds.
        exact: b' A^-1 A^-1 b / 4, of the square loss.
        discarded: (1 - r) E[l(w_inf) - l(w*) | discarded], of pruning by score.
    """

    lower: float
    upper: float
    exact: float
    discarded: float


@final
class Distance(Theorem):
    """T3: the push bounds the excess risk from both sides, whatever the law.

    m |b|^2 / (2 beta_nu^2) <= E(w_inf) <= beta |b|^2 / (2 m_nu^2), with the least and largest
    curvatures of the risk (m, beta) and of the kept loss (m_nu, beta_nu) on the segment from w*
    to the limit. `check` measures both sides on samples against the predicted excess risk, the
    share of the discarded, and for the square loss the exact form.
    """

    name: ClassVar[str] = "T3"
    title: ClassVar[str] = "the push at w* bounds the excess risk from both sides"
    statement: ClassVar[str] = (
        "If the risk has curvatures in [m, beta] and the kept loss in [m_nu, beta_nu] on the "
        "segment [w*, w_inf], then m |b|^2 / (2 beta_nu^2) <= E(w_inf) <= beta |b|^2 / (2 m_nu^2) "
        "with b = E_nu grad l(w*, Z); for square loss E(w_inf) = b' A^-2 b / 4 with x ~ N(0, I). "
        "Pruning by score has E(w_inf) <= (1 - r) E[l(w_inf, Z) - l(w*, Z) | discarded]."
    )
    reference: ClassVar[str] = "eq-distance, eq-distance-square, eq-discarded in theory_notes/07"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem, dim)
        prediction = limit_of(problem, dim)
        yield minimiser(prediction)
        yield invalid(prediction)  # both sides are 0 at a valid rule

    def bound(self, problem: Problem, dim: int) -> float:
        """The lower bound, from 200000 samples of the key 0."""
        return self.sides(problem, dim, jax.random.key(0), draws=200_000).lower

    def sides(
        self, problem: Problem, dim: int, key: PRNGKeyArray, *, draws: int = 200_000
    ) -> Sides:
        """Both bounds and their kin, measured on samples.

        Args:
            problem: of Linear or Logistic, with a minimiser of the kept loss.
            dim: of the covariates, >= 2.
            key: of the draws.
            draws: samples.
        """
        prediction = limit_of(problem, dim)
        rows = draw(key, problem, dim, prediction, draws)
        return self._sides(rows, _Segment.of(prediction))

    def _sides(self, rows: Rows, segment: "_Segment") -> Sides:
        push, model = rows.push, segment.model
        square = float(push @ push)
        matrices = [hessian(model, rows, place) for place in segment.places]
        kept = np.linalg.eigvalsh(np.array(matrices))
        lower = segment.least * square / (2.0 * np.max(kept) ** 2)
        upper = segment.largest * square / (2.0 * np.min(kept) ** 2)
        exact = discarded = math.nan
        if isinstance(model, Linear):
            exact = float(np.sum(np.linalg.solve(matrices[0], push) ** 2))  # A is half of it
        if segment.by_score:
            start, stop = (losses(model, rows, segment.places[end]) for end in (0, -1))
            discarded = float(np.mean((1.0 - rows.density) * (stop - start)))
        return Sides(
            self.scale * lower, upper / self.scale, self.scale * exact, discarded / self.scale
        )

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        prediction = limit_of(problem, dim)
        excess, segment = float(prediction.excess_risk), _Segment.of(prediction)
        rows = draw(key, problem, dim, prediction, draws)
        found = self._sides(rows, segment)
        parts = np.array([self._sides(some, segment) for some in rows.batches()])
        resolution, freedom = 2.5 * RESOLUTION * excess, len(parts) - 1.0
        verdicts = []
        for index, (side, value) in enumerate(found._asdict().items()):
            if math.isnan(value):
                continue
            sem = sem_of_parts(parts[:, index])
            claim = f"E(w_inf) = {excess:.4g}, {side} {value:.4g} ({value / excess:.3g} of it)"
            margin = excess - value if side == "lower" else value - excess
            judge = equal if side == "exact" else at_least
            verdicts.append(
                judge(self.name, claim, margin, sem, resolution=resolution, freedom=freedom)
            )
        return worst(verdicts)


class _Segment(NamedTuple):
    """From the best student to the limit, at nine places.

    Args:
        model: whose risk it is.
        places: students in the plane.
        least, largest: curvatures of the risk there.
        by_score: whether samples are kept or not by their score alone.
    """

    model: Model
    places: list[Float[np.ndarray, " 2"]]
    least: float
    largest: float
    by_score: bool

    @classmethod
    def of(cls, prediction: Prediction) -> "_Segment":
        model, rule = prediction.problem.model, prediction.problem.rule
        start, away = best_student(model), deviation(prediction)
        places = [start + t * away for t in _SEGMENT]
        curvatures = [risk_curvatures(model, place) for place in places]
        least, largest = float(np.min(curvatures)), float(np.max(curvatures))
        return cls(model, places, least, largest, isinstance(rule, KeepHardest | KeepEasiest))
