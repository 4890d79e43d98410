"""What a check of a theorem concludes, and how many of them are judged together."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Literal, final

from scipy import special

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
        freedom: degrees of freedom of the sem; infinite where it is known.
        looks: how many such margins there were, of which this is the worst; the false alarm is
            shared among them.
    """

    theorem: str
    claim: str
    outcome: Outcome
    margin: float
    sem: float
    resolution: float
    reason: str
    freedom: float = math.inf
    looks: int = 1

    @property
    def reach(self) -> float:
        """Half-width of the interval of the margin at the false alarm of a single check."""
        return self._reach(FALSE_ALARM)

    def _reach(self, false_alarm: float) -> float:
        return _critical(false_alarm / self.looks, self.freedom) * self.sem

    @property
    def p_value(self) -> float:
        """Of "the claim is true", at most 1; exact numbers are beyond doubt."""
        if self.sem == 0.0:
            return 0.0 if self.margin < -self.resolution else 1.0
        tail = _tail(self.margin / self.sem, self.freedom)
        return min(1.0, self.looks * tail)

    def judged(self, false_alarm: float) -> "Verdict":
        """The same margin, judged at another false alarm."""
        reach = self._reach(false_alarm)
        outcome: Outcome = "inconclusive"
        reason = f"the interval of half-width {reach:.2g} straddles the bound"
        if self.margin + reach < (-self.resolution if self.sem == 0.0 else 0.0):
            outcome, reason = "violated", f"missed by more than {reach:.2g}"
        elif self.margin - reach >= -self.resolution:
            outcome, reason = "holds", f"met with {reach:.2g} to spare for sampling"
        return dataclasses.replace(self, outcome=outcome, reason=reason)

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
    freedom: float = math.inf,
    looks: int = 1,
) -> Verdict:
    """The verdict on "the margin is not negative".

    Violated if the whole interval is below 0, holds if it is above -resolution. A true claim is
    called violated with probability at most ``false_alarm``, a false one by more than the
    resolution called true as rarely. An exact margin, of sem 0, is violated below -resolution.

    Args:
        theorem, claim: see `Verdict`.
        margin, sem: the measured margin, and its standard error.
        resolution, freedom, looks: see `Verdict`, >= 0, > 0 and >= 1.
        false_alarm: probability in (0, 1), of all looks together.
    """
    if not (math.isfinite(margin) and math.isfinite(sem)):
        return undecided(theorem, claim, f"the margin is {margin} ± {sem}")
    found = Verdict(theorem, claim, "holds", margin, sem, resolution, "", freedom, looks)
    return found.judged(false_alarm)


def equal(
    theorem: str,
    claim: str,
    gap: float,
    sem: float,
    *,
    resolution: float,
    false_alarm: float = FALSE_ALARM,
    freedom: float = math.inf,
    looks: int = 1,
) -> Verdict:
    """The verdict on "the gap is zero": at least as close as the resolution, and not apart.

    The margin is minus the distance. Either sign of the gap is a look of its own.

    Args:
        theorem, claim, sem, false_alarm, freedom, looks: see `at_least`.
        gap: the measured difference of the two sides.
        resolution: the distance that still counts as equal, > 0.
    """
    return at_least(
        theorem,
        claim,
        -abs(gap),
        sem,
        resolution=resolution,
        false_alarm=false_alarm,
        freedom=freedom,
        looks=2 * looks,
    )


def undecided(theorem: str, claim: str, reason: str) -> Verdict:
    """The verdict on a claim that cannot be checked, and why."""
    return Verdict(theorem, claim, "inconclusive", math.nan, math.nan, math.nan, reason)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The one of several margins that speaks most against the claim, with all their looks.

    One without a margin is worse than any that is not violated.
    """
    ranks = {"violated": 0.0, "inconclusive": 2.0, "holds": 3.0}

    def order(verdict: Verdict) -> tuple[float, float]:
        rank = 1.0 if math.isnan(verdict.margin) else ranks[verdict.outcome]
        return rank, verdict.margin / verdict.sem if verdict.sem else verdict.margin

    found = min(verdicts, key=order)
    if math.isnan(found.margin):
        return found
    every = dataclasses.replace(found, looks=sum(verdict.looks for verdict in verdicts))
    return every.judged(FALSE_ALARM)


def holm(verdicts: Sequence[Verdict], false_alarm: float = 1e-3) -> list[Verdict]:
    """The same checks, judged together: the family-wise error is at most ``false_alarm``.

    A claim is violated if Holm's step-down procedure rejects it. It holds if its margin is above
    -resolution with confidence 1 - false_alarm / m, m being the number of claims. What is neither
    is inconclusive, and so is what was without a margin. The looks of a claim share its part.

    Args:
        verdicts: of checks that share no draws, or any: Holm's procedure needs no independence.
        false_alarm: probability in (0, 1) that some true claim is called violated.

    Raises:
        ValueError: ``false_alarm`` is outside (0, 1).

    References: S. Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    if not 0.0 < false_alarm < 1.0:
        raise ValueError(f"false_alarm must lie in (0, 1), got {false_alarm!r}")
    claims = [i for i, verdict in enumerate(verdicts) if not math.isnan(verdict.margin)]
    order = sorted(claims, key=lambda i: verdicts[i].p_value)
    rejected: set[int] = set()
    for rank, i in enumerate(order):
        if verdicts[i].p_value > false_alarm / (len(order) - rank):
            break
        rejected.add(i)
    found = list(verdicts)
    for i in claims:
        alone = verdicts[i].judged(false_alarm / len(claims))
        outcome: Outcome = "violated" if i in rejected else alone.outcome
        reason = f"{alone.reason}; among {len(claims)} claims at {false_alarm:g}"
        found[i] = dataclasses.replace(alone, outcome=outcome, reason=reason)
    return found


def until_decided(check: Callable[[int], Verdict], start: int, budget: int) -> Verdict:
    """Repeat a check with ever more draws until it decides, or the budget is spent.

    Each round draws four times as much, afresh. A round is a look: however soon the checking
    stops, the rounds that there may be share the false alarm (Bonferroni).

    Args:
        check: number of draws -> verdict.
        start, budget: first number of draws, and the largest, both >= 1.
    """
    counts = [min(start, budget)]
    while counts[-1] < budget:
        counts.append(min(4 * counts[-1], budget))
    found = undecided("", "", "nothing was checked")
    for count in counts:
        found = check(count)
        if math.isnan(found.margin):
            return found
        found = dataclasses.replace(found, looks=found.looks * len(counts)).judged(FALSE_ALARM)
        if found.outcome != "inconclusive":
            return found
    return dataclasses.replace(found, reason=f"{found.reason}; budget of {budget} draws spent")


def _tail(score: float, freedom: float) -> float:
    """Probability that a centred mean over its standard error is smaller."""
    return float(special.ndtr(score) if math.isinf(freedom) else special.stdtr(freedom, score))


def _critical(false_alarm: float, freedom: float) -> float:
    if math.isinf(freedom):
        return -float(special.ndtri(false_alarm))
    return -float(special.stdtrit(freedom, false_alarm))
