"""The criterion of T2 at each fraction, measured: E_nu grad l(w*, Z) = 0?"""

import math
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy import stats

from nfl_sim.assess.sums import TRAITS, Sums, Thresholds, has_gradient, sums, thresholds
from nfl_sim.problem import Problem
from nfl_sim.theorems.verdict import Verdict, equal, holm, until_decided

Validity = Literal["valid", "invalid", "cannot be decided"]
UNDECIDED = "cannot be decided"
NO_GRADIENT = "the loss has no gradient, of which T2 speaks"
_SINGULAR = 1e-6  # least eigenvalue of E_nu xx' over the largest
_LIGHTEST = 1e-4  # mass of a tie that is told: one row of a first round is less


class Estimated(NamedTuple):
    """A number with its standard error."""

    value: float
    sem: float


class Push(NamedTuple):
    """What was measured of the criterion at one fraction.

    Args:
        fraction: kept.
        validity: "valid", "invalid" or "cannot be decided".
        reason: one clause.
        push, sems: b = E_nu grad l(w*, Z) in the frame of the teacher, with standard errors.
        reach: half-widths of the confidence intervals of all entries at all fractions together.
        resolution: the sizes of an entry that still count as none.
        tied: share of the samples at the threshold; 0 where none tie.
        composition: of the kept set, by name.
    """

    fraction: float
    validity: Validity
    reason: str
    push: Float[np.ndarray, " d"]
    sems: Float[np.ndarray, " d"]
    reach: Float[np.ndarray, " d"]
    resolution: Float[np.ndarray, " d"]
    tied: float
    composition: dict[str, Estimated]

    @property
    def worst(self) -> int:
        """The entry that is furthest from 0, in standard errors."""
        with np.errstate(invalid="ignore"):
            return int(np.nanargmax(np.nan_to_num(np.abs(self.push) / self.sems)))


class Criterion(NamedTuple):
    """The criterion at every fraction.

    Args:
        pushes: one a fraction.
        whole: composition of the full sample, by name.
        draws: samples of the last round.
    """

    pushes: tuple[Push, ...]
    whole: dict[str, Estimated]
    draws: int


def measure(
    key: PRNGKeyArray,
    problem: Problem,
    dim: int,
    fractions: tuple[float, ...],
    *,
    resolution: float,
    false_alarm: float,
    start: int,
    budget: int,
) -> Criterion:
    """Measure the push with ever more samples until every fraction is decided, or no more.

    A push is told from none if its confidence interval excludes 0 (Holm's procedure over all
    entries at all fractions), and none from a push if it excludes all beyond the resolution.

    Args:
        key: of all draws.
        problem: its score and rule count; the rule's fraction and the learner do not.
        dim: of the covariates.
        fractions: at which it is measured.
        resolution: push that still counts as none, in units of the root mean square gradient.
        false_alarm: probability that some fraction is called invalid where the push is 0.
        start, budget: samples of the first round and of the last, each round having four times
            those of the one before.

    References: {eq}`eq-push-estimate` in theory_notes/11_your_own_score.md.
    """
    cut_key, sum_key = jax.random.split(key)
    kept = np.asarray(fractions, np.float64)
    cuts = thresholds(cut_key, problem, dim, kept, start)
    rounds = 1 + max(0, math.ceil(math.log(budget / start, 4.0)))
    found: list[Criterion] = []

    def check(draws: int) -> Verdict:
        total = sums(jax.random.fold_in(sum_key, draws), problem, dim, cuts, draws)
        known = has_gradient(problem.model)
        pushes = _judge(total, cuts, resolution, false_alarm / rounds, known=known)
        found.append(Criterion(pushes, _whole(total), int(total.size)))
        return _all_together(pushes, known=known)

    until_decided(check, start, budget)
    return found[-1]


def _judge(
    total: Sums, cuts: Thresholds, resolution: float, false_alarm: float, *, known: bool
) -> tuple[Push, ...]:
    share = total.kept / total.size
    push = total.push / total.kept[:, None]
    spread = total.squares / total.size - (total.push / total.size) ** 2
    sems = np.sqrt(spread / total.size) / share[:, None]
    unit = resolution * np.sqrt(total.energy / total.kept[:, None])
    entries = push.size
    reach = stats.norm.isf(false_alarm / (2 * entries)) * sems
    outcomes = _outcomes(push, sems, unit, false_alarm) if known else None
    pushes = []
    for i, fraction in enumerate(cuts.fractions):
        validity, reason = _word(None if outcomes is None else outcomes[i], total.second[i])
        tied = cuts.tied[i] if cuts.tied[i] > _LIGHTEST else 0.0
        row = (push[i], sems[i], reach[i], unit[i])
        pushes.append(
            Push(float(fraction), validity, reason, *row, float(tied), _composition(total, i))
        )
    return tuple(pushes)


def _outcomes(
    push: np.ndarray, sems: np.ndarray, unit: np.ndarray, false_alarm: float
) -> list[list[str]]:
    """Of each entry at each fraction, judged together; half the false alarm for either sign."""
    claims = [
        equal("T2", "no push", float(b), float(sem), resolution=float(least))
        for b, sem, least in zip(push.flat, sems.flat, unit.flat, strict=True)
    ]
    words = [verdict.outcome for verdict in holm(claims, false_alarm / 2.0)]
    width = push.shape[1]
    return [words[i : i + width] for i in range(0, len(words), width)]


def _word(outcomes: list[str] | None, second: Float[np.ndarray, "d d"]) -> tuple[Validity, str]:
    if outcomes is None:
        return "cannot be decided", NO_GRADIENT
    if "violated" in outcomes:
        return "invalid", "the kept law pushes at the best student"
    if "inconclusive" in outcomes:
        return "cannot be decided", "the error exceeds the resolution"
    values = np.linalg.eigvalsh(second)
    if values[0] <= _SINGULAR * values[-1]:
        return "cannot be decided", "the kept covariates do not identify the student"
    return "valid", "no push beyond the resolution"


def _all_together(pushes: tuple[Push, ...], *, known: bool) -> Verdict:
    """One verdict, inconclusive as long as some fraction is."""
    words = [push.validity for push in pushes]
    outcome = "holds"
    if UNDECIDED in words:
        outcome = "inconclusive"
    elif "invalid" in words:
        outcome = "violated"
    margin = 0.0 if known else math.nan  # nan: more draws decide nothing
    return Verdict("T2", "no push", outcome, margin, 0.0, 0.0, "")


def _composition(total: Sums, i: int) -> dict[str, Estimated]:
    """Means of the traits over the kept, ratios of sums."""
    found = {}
    share, count = total.kept[i] / total.size, total.size
    for j, name in enumerate(TRAITS):
        mean = total.traits[i, j] / total.kept[i]
        variance = total.trait_squares[i, j] / total.kept[i] - mean**2
        found[name] = Estimated(float(mean), float(np.sqrt(max(variance, 0.0) / (share * count))))
    return found


def _whole(total: Sums) -> dict[str, Estimated]:
    means = total.all_traits / total.size
    variances = np.maximum(total.all_squares / total.size - means**2, 0.0)
    sems = np.sqrt(variances / total.size)
    return {
        name: Estimated(float(mean), float(sem))
        for name, mean, sem in zip(TRAITS, means, sems, strict=True)
    }
