"""What a check of a theorem concludes, and how many of them are judged together."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Literal, final

from scipy import stats

Outcome = Literal["holds", "violated", "inconclusive"]
FALSE_ALARM = 1e-6


@final
@dataclasses.dataclass(frozen=True)
class Verdict:
    """One claim of a theorem, and whether the evidence bears it out.

    Attributes:
        theorem: its name, "T3".
        claim: what was checked, in words.
        outcome: "holds", "violated" or "inconclusive".
        margin: by how much the claim is met, in its own units; negative is against it. Of an
            equality, minus the distance.
        sem: standard error of the margin; the numerical error where nothing is sampled.
        resolution: how far below zero the margin may lie for the claim still to hold; of an
            equality, the distance that still counts as equal.
        reason: one clause on how the outcome was reached.
    """

    theorem: str
    claim: str
    outcome: Outcome
    margin: float
    sem: float
    resolution: float
    reason: str

    def __str__(self) -> str:
        """One line for a log."""
        return (
            f"{self.theorem} {self.outcome}: {self.claim}; margin {self.margin:.4g} "
            f"± {self.sem:.2g}; {self.reason}"
        )


def at_least(
    theorem: str,
    claim: str,
    margin: float,
    sem: float,
    *,
    resolution: float = 0.0,
    false_alarm: float = FALSE_ALARM,
) -> Verdict:
    """The verdict on "the margin is not negative".

    Violated if the whole interval is below 0, holds if it is above -resolution. A true claim is
    called violated with probability at most ``false_alarm``, a false one by more than the
    resolution called true as rarely.

    Args:
        theorem, claim: see `Verdict`.
        margin, sem: the measured margin, and its standard error.
        resolution: see `Verdict`, >= 0.
        false_alarm: probability in (0, 1).
    """
    if not (math.isfinite(margin) and math.isfinite(sem)):
        return undecided(theorem, claim, f"the margin is {margin} ± {sem}")
    reach = _critical(false_alarm) * sem
    outcome: Outcome = "inconclusive"
    reason = f"the interval of half-width {reach:.2g} straddles the bound"
    if margin + reach < 0.0:
        outcome, reason = "violated", f"below the bound by more than {reach:.2g}"
    elif margin - reach >= -resolution:
        outcome, reason = "holds", f"met with {reach:.2g} to spare for sampling"
    return Verdict(theorem, claim, outcome, margin, sem, resolution, reason)


def equal(
    theorem: str,
    claim: str,
    gap: float,
    sem: float,
    *,
    resolution: float,
    false_alarm: float = FALSE_ALARM,
) -> Verdict:
    """The verdict on "the gap is zero": at least as close as the resolution, and not apart.

    Args:
        theorem, claim, sem, false_alarm: see `at_least`.
        gap: the measured difference of the two sides.
        resolution: the distance that still counts as equal, > 0.
    """
    if not (math.isfinite(gap) and math.isfinite(sem)):
        return undecided(theorem, claim, f"the gap is {gap} ± {sem}")
    reach = _critical(false_alarm / 2.0) * sem
    outcome: Outcome = "inconclusive"
    reason = f"the error {reach:.2g} exceeds the resolution {resolution:.2g}"
    if abs(gap) > reach + (resolution if sem == 0.0 else 0.0):
        outcome, reason = "violated", f"apart by more than {reach:.2g}"
    elif abs(gap) + reach <= resolution:
        outcome, reason = "holds", f"equal to within {resolution:.2g}"
    return Verdict(theorem, claim, outcome, -abs(gap), sem, resolution, reason)


def undecided(theorem: str, claim: str, reason: str) -> Verdict:
    """The verdict on a claim that cannot be checked, and why."""
    return Verdict(theorem, claim, "inconclusive", math.nan, math.nan, math.nan, reason)


def holm(verdicts: Sequence[Verdict], false_alarm: float = 1e-3) -> list[Verdict]:
    """The same checks, judged together: the family-wise error is at most ``false_alarm``.

    A claim is violated if Holm's step-down procedure rejects it. It holds if its margin is above
    -resolution with confidence 1 - false_alarm / m, m being the number of claims. What is neither
    is inconclusive, and so is what was without a margin.

    Args:
        verdicts: of checks that share no draws, or any: Holm's procedure needs no independence.
        false_alarm: probability in (0, 1) that some true claim is called violated.

    Raises:
        ValueError: ``false_alarm`` is outside (0, 1).

    References: S. Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    if not 0.0 < false_alarm < 1.0:
        raise ValueError(f"false_alarm must lie in (0, 1), got {false_alarm!r}")
    judged = [i for i, verdict in enumerate(verdicts) if not math.isnan(verdict.margin)]
    order = sorted(judged, key=lambda i: _p_value(verdicts[i]))
    rejected: set[int] = set()
    for rank, i in enumerate(order):
        if _p_value(verdicts[i]) > false_alarm / (len(order) - rank):
            break
        rejected.add(i)
    found = list(verdicts)
    for i in judged:
        verdict = verdicts[i]
        reach = _critical(false_alarm / len(judged)) * verdict.sem
        outcome: Outcome = "inconclusive"
        if i in rejected:
            outcome = "violated"
        elif verdict.margin - reach >= -verdict.resolution:
            outcome = "holds"
        reason = f"{verdict.reason}; among {len(judged)} claims at {false_alarm:g}"
        found[i] = dataclasses.replace(verdict, outcome=outcome, reason=reason)
    return found


def until_decided(check: Callable[[int], Verdict], start: int, budget: int) -> Verdict:
    """Repeat a check with ever more draws until it decides, or the budget is spent.

    Each round draws four times as much, afresh; the false alarm is at most that of a check times
    the number of rounds, which are few.

    Args:
        check: number of draws -> verdict.
        start, budget: first number of draws, and the largest, both >= 1.
    """
    count = min(start, budget)
    while True:
        verdict = check(count)
        if verdict.outcome != "inconclusive" or math.isnan(verdict.margin):
            return verdict
        if count >= budget:
            reason = f"{verdict.reason}; budget of {budget} draws spent"
            return dataclasses.replace(verdict, reason=reason)
        count = min(4 * count, budget)


def _critical(false_alarm: float) -> float:
    return float(stats.norm.isf(false_alarm))


def _p_value(verdict: Verdict) -> float:
    """Of "the margin is not negative"; exact numbers are beyond doubt."""
    if verdict.sem == 0.0:
        return 0.0 if verdict.outcome == "violated" else 1.0
    return float(stats.norm.cdf(verdict.margin / verdict.sem))
