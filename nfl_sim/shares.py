"""Shares of replicates without a student, held against the claim that they tend to 1."""

from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

Verdict = Literal["agree", "disagree", "inconclusive"]

_NEARLY_ALL = 0.95


class Shares(NamedTuple):
    """Shares of a count at several sizes, with exact (Clopper-Pearson) one-sided bounds.

    Args:
        values: one entry a size, in increasing order of the sizes.
        lower, upper: each is passed by the true share with at most the probability asked for.
    """

    values: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, totals: np.ndarray, probability: float) -> "Shares":
        """The shares counts / totals."""
        with np.errstate(invalid="ignore"):
            lower = stats.beta.ppf(probability, counts, totals - counts + 1)
            upper = stats.beta.isf(probability, counts + 1, totals - counts)
        lower, upper = np.where(counts == 0, 0.0, lower), np.where(counts == totals, 1.0, upper)
        return cls(counts / totals, lower, upper)


def judge_tends_to_one(shares: Shares) -> tuple[Verdict, str]:
    """Whether shares tend to 1 with the size, and one clause why.

    "disagree" if less than half remain at the largest size; its false alarm is the probability of
    the bounds wherever the true share is at least 1/2 there. (So it is at every size if samples
    are pruned by their margin: at least as many as are kept then lie beyond the boundary with
    probability 1/2 or more, the median of a binomial law being that close to its mean.) "agree"
    if the share is nearly 1, or the rest has halved since the smallest size, and it has not fallen.

    References: {eq}`eq-separability-fraction` in theory_notes/04_logistic.md.
    """
    last, rest = shares.values[-1], 1.0 - shares.lower[-1]
    if shares.upper[-1] < 0.5:
        return "disagree", f"a share of {last:.3g} at the largest size is less than half"
    if shares.upper[-1] < shares.lower.max():
        return "inconclusive", f"the share falls with the size, to {last:.3g}"
    if shares.lower[-1] >= _NEARLY_ALL or rest <= 0.5 * (1.0 - shares.upper[0]):
        return "agree", f"the share rises from {shares.values[0]:.3g} to {last:.3g}"
    return "inconclusive", f"a share of {last:.3g} is neither near 1 nor clearly on its way"
