"""T1, T2 and T3: where pruned training goes, when that is right, and how wrong it is."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple, final

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from nfl_sim.models import Model
from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theorems._base import (
    RESOLUTION,
    Assumption,
    Theorem,
    plain_training,
)
from nfl_sim.theorems.rows import Rows, best_student, draw, hessian, risk_curvatures
from nfl_sim.theorems.verdict import Verdict, at_least, equal
from nfl_sim.theory import Prediction, predict

_SEGMENT = np.linspace(0.0, 1.0, 9)
_SMALL_PUSH = 0.05  # of the root mean square of the gradient under the kept law


def limit_of(problem: Problem, dim: int) -> Prediction:
    """What is predicted of the limit of training."""
    return predict(problem, FixedDimension(dim))


def minimiser(prediction: Prediction) -> Assumption:
    """The kept law has one finite minimiser, and the prediction found it."""
    found = bool(prediction.exists) and bool(prediction.converged)
    return Assumption("one finite minimiser of the kept loss", found, "as predicted")


def deviation(prediction: Prediction) -> Float[np.ndarray, " 2"]:
    """w_inf - w*, in the plane."""
    student = np.array([float(prediction.parallel), float(prediction.orthogonal)])
    return student - best_student(prediction.problem.model)


def invalid(prediction: Prediction) -> Assumption:
    """The limit is not the best student, as far as can be told."""
    excess = float(prediction.excess_risk)
    return Assumption("the rule is invalid", not is_valid(prediction), f"excess risk {excess:.3g}")


def is_valid(prediction: Prediction) -> bool:
    """Whether the limit is the best student, to the digits that there are."""
    return float(prediction.excess_risk) <= 10.0 * float(prediction.numerical_error) + 1e-13


class PushCurve(NamedTuple):
    """E[grad l(w*, Z) | score] along the score: a score is consistent iff it is 0 (T2).

    Args:
        quantiles: of the score, the middles of the bins, shape (k,).
        means, sems: of the gradient in the plane of teacher and probe, shape (k, 2).
    """

    quantiles: Float[np.ndarray, " k"]
    means: Float[np.ndarray, "k 2"]
    sems: Float[np.ndarray, "k 2"]


def push_curve(
    problem: Problem, dim: int, key: PRNGKeyArray, *, draws: int = 200_000, bins: int = 20
) -> PushCurve:
    """The conditional mean of the gradient at the best student, in bins of equal mass.

    Args:
        problem: of Linear or Logistic; its rule does not matter.
        dim: of the covariates, >= 2.
        key: of the draws.
        draws: samples, at least two a bin.
        bins: how many, >= 1.

    Raises:
        ValueError: a score is nan, or the score has an atom as heavy as a bin, where the mean at
            a score is not that of a bin.
    """
    rows = draw(key, problem, dim, limit_of(problem, dim), draws)
    order = np.argsort(rows.scores)
    parts = np.array_split(order, bins)
    if any(np.ptp(rows.scores[part]) == 0.0 for part in parts):
        raise ValueError(f"the score {type(problem.score).__name__} has an atom of a bin or more")
    means = [np.mean(rows.gradients[part], axis=0) for part in parts]
    sems = [np.std(rows.gradients[part], axis=0) / np.sqrt(len(part)) for part in parts]
    return PushCurve((np.arange(bins) + 0.5) / bins, np.array(means), np.array(sems))


@final
class Validity(Theorem):
    """T2: a rule is valid iff the kept law does not push at the best student.

    `check` measures the push b = E_nu grad l(w*) on samples. If theory says that the limit is w*,
    it must vanish; if not, it must point from w* to the limit, -b.(w_inf - w*) > 0.
    """

    name: ClassVar[str] = "T2"
    title: ClassVar[str] = "a rule is valid iff E_nu grad l(w*, Z) = 0"
    statement: ClassVar[str] = (
        "Let T1 hold, the loss be convex and differentiable and the kept loss have one minimiser. "
        "A pointwise rule is valid at r iff E_nu grad l(w*, Z) = 0; a score-based one is "
        "consistent iff E[grad l(w*, Z) | score] = 0."
    )
    reference: ClassVar[str] = "eq-validity, eq-consistency in theory_notes/01"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem)
        yield minimiser(limit_of(problem, dim))

    def bound(self, problem: Problem, dim: int) -> float:
        """0, the size of the push at a valid rule."""
        return 0.0

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        prediction = limit_of(problem, dim)
        rows = draw(key, problem, dim, prediction, draws)
        if is_valid(prediction):
            pushes = rows.density[:, None] * rows.gradients / np.mean(rows.density)
            sems = np.std(pushes, axis=0) / np.sqrt(draws)
            squares = rows.density @ rows.gradients**2 / np.sum(rows.density)
            worst = int(np.argmax(np.abs(rows.push) / sems))
            gap, sem = float(rows.push[worst]), float(sems[worst])
            claim = "valid, and the push at w* vanishes"
            # Two coordinates: each at half the false alarm.
            return equal(
                self.name,
                claim,
                gap,
                sem,
                resolution=_SMALL_PUSH * float(np.sqrt(squares[worst])),
                false_alarm=5e-7,
            )
        away = deviation(prediction)
        towards = -away / np.linalg.norm(away)
        sem = _sem(np.array([some.push @ towards for some in rows.batches()]))
        claim = "invalid, and pushed towards the limit"
        return at_least(self.name, claim, float(rows.push @ towards), sem)


@final
class Distance(Theorem):
    """T3: the push bounds the excess risk from both sides, whatever the law.

    m |b|^2 / (2 beta_nu^2) <= E(w_inf) <= beta |b|^2 / (2 m_nu^2), with the least and largest
    curvatures of the risk (m, beta) and of the kept loss (m_nu, beta_nu) on the segment from w*
    to the limit. `check` measures both sides on samples against the predicted excess risk.
    """

    name: ClassVar[str] = "T3"
    title: ClassVar[str] = "the push at w* bounds the excess risk from both sides"
    statement: ClassVar[str] = (
        "If the risk has curvatures in [m, beta] and the kept loss in [m_nu, beta_nu] on the "
        "segment [w*, w_inf], then m |b|^2 / (2 beta_nu^2) <= E(w_inf) <= beta |b|^2 / (2 m_nu^2) "
        "with b = E_nu grad l(w*, Z); for square loss E(w_inf) = b' A^-2 b / 4 with x ~ N(0, I)."
    )
    reference: ClassVar[str] = "eq-distance in theory_notes/07"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem)
        prediction = limit_of(problem, dim)
        yield minimiser(prediction)
        yield invalid(prediction)  # both sides are 0 at a valid rule

    def bound(self, problem: Problem, dim: int) -> float:
        """The lower bound, from 200000 samples of the key 0."""
        prediction = limit_of(problem, dim)
        rows = draw(jax.random.key(0), problem, dim, prediction, 200_000)
        return self._sides(rows, _Segment.of(prediction))[0]

    def _sides(self, rows: Rows, segment: "_Segment") -> tuple[float, float]:
        """The two sides, from samples."""
        square = float(rows.push @ rows.push)
        kept = np.array(
            [np.linalg.eigvalsh(hessian(segment.model, rows, place)) for place in segment.places]
        )
        lower = segment.least * square / (2.0 * np.max(kept) ** 2)
        upper = segment.largest * square / (2.0 * np.min(kept) ** 2)
        return self.scale * lower, upper / self.scale

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        prediction = limit_of(problem, dim)
        excess = float(prediction.excess_risk)
        rows = draw(key, problem, dim, prediction, draws)
        segment = _Segment.of(prediction)
        parts = np.array([self._sides(some, segment) for some in (rows, *rows.batches())])
        below, above = excess - parts[0, 0], parts[0, 1] - excess
        first, second = (_sem(parts[1:, side]) for side in (0, 1))
        # Each of the two sides at half the false alarm.
        tight = below / max(first, 1e-300) < above / max(second, 1e-300)
        margin, sem = (below, first) if tight else (above, second)
        claim = f"E(w_inf) = {excess:.4g} is {'above the lower' if tight else 'below the upper'}"
        return at_least(
            self.name,
            f"{claim} bound",
            float(margin),
            sem,
            resolution=RESOLUTION * excess,
            false_alarm=5e-7,
        )


class _Segment(NamedTuple):
    """From the best student to the limit, at nine places.

    Args:
        model: whose risk it is.
        places: students in the plane.
        least, largest: curvatures of the risk there.
    """

    model: Model
    places: list[Float[np.ndarray, " 2"]]
    least: float
    largest: float

    @classmethod
    def of(cls, prediction: Prediction) -> "_Segment":
        model = prediction.problem.model
        start, away = best_student(model), deviation(prediction)
        places = [start + t * away for t in _SEGMENT]
        curvatures = [risk_curvatures(model, place) for place in places]
        return cls(model, places, float(np.min(curvatures)), float(np.max(curvatures)))


def _sem(parts: Float[np.ndarray, " k"]) -> float:
    """Standard error of a function of all rows, from its values on equal parts of them."""
    return float(np.std(parts, ddof=1) / np.sqrt(len(parts)))
