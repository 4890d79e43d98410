"""T2: when pruned training is right."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple, final

import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy import special

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theorems._base import Assumption, Theorem, plain_training
from nfl_sim.theorems.rows import best_student, draw, unpruned
from nfl_sim.theorems.verdict import FALSE_ALARM, Verdict, at_least, equal
from nfl_sim.theory import Prediction, predict

_SMALL_BIN = 0.1  # of the root mean square of the gradient: what still counts as no push
_SMALL_PUSH = 0.05  # of the root mean square of the gradient under the kept law


def limit_of(problem: Problem, dim: int) -> Prediction:
    """What is predicted of the limit of training."""
    return predict(problem, FixedDimension(dim))


def minimiser(prediction: Prediction) -> Assumption:
    """The kept law has one finite minimiser, and the prediction found it."""
    name = "one finite minimiser of the kept loss"
    if not bool(prediction.exists):
        return Assumption(name, False, "as predicted")
    found = True if bool(prediction.converged) else None
    return Assumption(name, found, "as predicted" if found else "the prediction did not converge")


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
        size: root mean square of the gradient's larger coordinate.
    """

    quantiles: Float[np.ndarray, " k"]
    means: Float[np.ndarray, "k 2"]
    sems: Float[np.ndarray, "k 2"]
    size: float

    def verdict(self, false_alarm: float = FALSE_ALARM) -> str:
        """In a word: "inconsistent", "consistent" as far as the resolution goes, or "undecided".

        Args:
            false_alarm: probability of calling a consistent score inconsistent, in all bins.
        """
        reach = -float(special.ndtri(0.5 * false_alarm / self.means.size)) * self.sems
        if np.any(np.abs(self.means) > reach):
            return "inconsistent"
        small = bool(np.all(np.abs(self.means) + reach <= _SMALL_BIN * self.size))
        return "consistent" if small else "undecided"


def push_curve(
    problem: Problem, dim: int, key: PRNGKeyArray, *, draws: int = 200_000, bins: int = 20
) -> PushCurve:
    """The conditional mean of the gradient at the best student, in bins of equal mass.

    Args:
        problem: of Linear, Logistic or `Cubic`; its rule does not matter.
        dim: of the covariates, >= 2.
        key: of the draws.
        draws: samples, at least two a bin.
        bins: how many, >= 1.

    Raises:
        ValueError: a score is nan, or the score has an atom as heavy as a bin, where the mean at
            a score is not that of a bin.
    """
    rows = unpruned(key, problem, dim, draws)
    order = np.argsort(rows.scores)
    parts = np.array_split(order, bins)
    if any(np.ptp(rows.scores[part]) == 0.0 for part in parts):
        raise ValueError(f"the score {type(problem.score).__name__} has an atom of a bin or more")
    means = [np.mean(rows.gradients[part], axis=0) for part in parts]
    sems = [np.std(rows.gradients[part], axis=0) / np.sqrt(len(part)) for part in parts]
    size = float(np.sqrt(np.max(np.mean(rows.gradients**2, axis=0))))
    return PushCurve((np.arange(bins) + 0.5) / bins, np.array(means), np.array(sems), size)


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
        yield from plain_training(problem, dim)
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
            return equal(
                self.name,
                claim,
                gap,
                sem,
                resolution=_SMALL_PUSH * float(np.sqrt(squares[worst])),
                looks=2,  # two coordinates
            )
        away = deviation(prediction)
        towards = -away / np.linalg.norm(away)
        sem = sem_of_parts(np.array([some.push @ towards for some in rows.batches()]))
        claim = "invalid, and pushed towards the limit"
        push = float(rows.push @ towards)
        return at_least(self.name, claim, push, sem, freedom=len(rows.batches()) - 1.0)


def sem_of_parts(parts: Float[np.ndarray, " k"]) -> float:
    """Standard error of a function of all rows, from its values on equal parts of them."""
    return float(np.std(parts, ddof=1) / np.sqrt(len(parts)))
