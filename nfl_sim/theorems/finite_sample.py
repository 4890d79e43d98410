"""T13: No Free Lunch at finite n, what insurance against it costs, and that it goes unseen."""

import dataclasses
import math
from collections.abc import Iterator
from typing import ClassVar, final

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray
from scipy import stats

from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest, num_kept
from nfl_sim.theorems._base import RESOLUTION, Assumption, Theorem
from nfl_sim.theorems.detective import (
    audited_risks,
    mean_and_sem,
    reading,
    strong_adversary,
    top_m_risks,
)
from nfl_sim.theorems.pair import Adversary
from nfl_sim.theorems.verdict import Verdict, at_least, equal

_COARSE = 2.5 * RESOLUTION  # for risks that are mostly 0, or Delta
_SIZE = 0.05  # of a battery of tests
_EACH = 50  # samples of either process that a battery sees


def _two_processes(problem: Problem, room: float = 0.0) -> Iterator[Assumption]:
    """A sharp rule, square loss, and a pair of processes that it cannot tell apart."""
    rule, name = problem.rule, type(problem.score).__name__
    sharp = isinstance(rule, KeepHardest | KeepEasiest) and float(rule.fraction) + room < 1.0
    yield Assumption("a rule that discards", sharp, f"the rule {type(rule).__name__}")
    linear = isinstance(problem.model, Linear)
    yield Assumption("square loss", linear, f"the model {type(problem.model).__name__}")
    try:
        strong_adversary(problem, room)
    except ValueError as error:
        yield Assumption("an adversary", None, str(error))
    else:
        yield Assumption("an adversary", True, f"that of {name}")


@final
@dataclasses.dataclass(frozen=True)
class TopM(Theorem):
    """T13 (a): with top-m the bound of T4 is multiplied by P(Bin(n, r') >= m).

    `check` measures the detective, who reads the samples that are kept beyond K; without room he
    attains the bound, so that T4 with its full constant is false here.

    Args:
        num_samples: n.
        room: r' - r >= 0, by how much K is larger than what is kept on average.
    """

    num_samples: int = 20
    room: float = 0.0
    name: ClassVar[str] = "T13a"
    title: ClassVar[str] = "top-m: the worst case is at least Delta P(Bin(n, r') >= m)"
    statement: ClassVar[str] = (
        "If the m samples of highest score are kept and two processes agree on {g >= q_r'}, then "
        "max_i E[E_i] >= Delta P(Bin(n, r') >= m) >= Delta (1 - exp(-2 n (r' - m/n)^2)) for n r' "
        ">= m; at r' = r a learner attains it, and the factor tends to 1/2."
    )
    reference: ClassVar[str] = "eq-top-m, eq-detective in theory_notes/09"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from _two_processes(problem, self.room)

    def factor(self, problem: Problem) -> float:
        """P(Bin(n, r') >= m)."""
        kept = num_kept(float(problem.rule.fraction), self.num_samples)
        chance = float(problem.rule.fraction) + self.room
        return float(stats.binom.sf(kept - 1, self.num_samples, chance))

    def bound(self, problem: Problem, dim: int) -> float:
        """Delta P(Bin(n, r') >= m)."""
        return self.scale * strong_adversary(problem, self.room).bound * self.factor(problem)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        least = self.bound(problem, dim)
        found = top_m_risks(
            strong_adversary(problem, self.room),
            key,
            num_samples=self.num_samples,
            num_kept=num_kept(float(problem.rule.fraction), self.num_samples),
            replicates=max(16, draws // self.num_samples),
        )
        risk, sem = mean_and_sem(found)
        claim = f"the detective has {risk:.4g} on average, not below {least:.4g}"
        return at_least(self.name, claim, risk - least, sem, resolution=_COARSE * least)


@final
@dataclasses.dataclass(frozen=True)
class Insurance(Theorem):
    """T13 (b): a risk far below Delta costs audit samples of what the rule discards.

    `check` keeps all of K, tosses a coin for the rest, and measures the detective, who attains the
    bound.

    Args:
        num_samples: n.
        audits: N, the mean number of samples kept off K.
    """

    num_samples: int = 20
    audits: float = 0.5
    name: ClassVar[str] = "T13b"
    title: ClassVar[str] = "N audit samples leave a worst case of at least about Delta e^-N"
    statement: ClassVar[str] = (
        "Independent coins, two processes that agree on K, and an inclusion probability of at most "
        "rho off K: max_i E[E_i] >= Delta (1 - rho (1 - mu(K)))^n, about Delta e^-N, N being the "
        "mean number kept off K."
    )
    reference: ClassVar[str] = "eq-insurance in theory_notes/09"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from _two_processes(problem)
        most = self.num_samples * (1.0 - float(problem.rule.fraction))
        enough = 0.0 <= self.audits <= most
        yield Assumption("as many as are discarded", enough, f"audits={self.audits:g} of {most:g}")

    def bound(self, problem: Problem, dim: int) -> float:
        """Delta (1 - N/n)^n."""
        least = (1.0 - self.audits / self.num_samples) ** self.num_samples
        return self.scale * strong_adversary(problem).bound * least

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        least = self.bound(problem, dim)
        found = audited_risks(
            strong_adversary(problem),
            key,
            num_samples=self.num_samples,
            audit=self.audits / (self.num_samples * (1.0 - float(problem.rule.fraction))),
            replicates=max(16, draws // self.num_samples),
        )
        risk, sem = mean_and_sem(found)
        claim = f"with {self.audits:g} audits the detective has {risk:.4g}, not below {least:.4g}"
        return at_least(self.name, claim, risk - least, sem, resolution=_COARSE * least)


@final
@dataclasses.dataclass(frozen=True)
class Undetectability(Theorem):
    """T13 (c): no test of what was kept has more power than its size; audit labels have.

    `check` runs a battery of two-sample tests on kept samples of the two processes, and on kept
    samples of one: they must be rejected equally often.

    Args:
        audits: discarded samples that the battery sees of either process, beside those kept; the
            theorem is about none.
    """

    audits: int = 0
    name: ClassVar[str] = "T13c"
    title: ClassVar[str] = "failure cannot be seen in what was kept"
    statement: ClassVar[str] = (
        "Under the assumptions of T4 every test of one process against the other that sees kept "
        "samples only has power equal to its size."
    )
    reference: ClassVar[str] = "eq-undetectable in theory_notes/09"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from _two_processes(problem)

    def bound(self, problem: Problem, dim: int) -> float:
        """0, the power above the size."""
        return 0.0

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        found, replicates = strong_adversary(problem), max(100, draws // 100)
        first, again, same, other = (
            self._seen(found, one, sign, replicates)
            for one, sign in zip(jax.random.split(key, 4), (1, 1, 1, -1), strict=True)
        )
        size, power = np.mean(battery(first, same)), np.mean(battery(again, other))
        spread = size * (1.0 - size) + power * (1.0 - power) + 1.0 / replicates
        claim = f"a battery of tests has power {power:.3f} at size {size:.3f}"
        gap, sem = float(power - size), math.sqrt(float(spread) / replicates)
        return equal(self.name, claim, gap, sem, resolution=_SIZE)

    def _seen(
        self, found: Adversary, key: PRNGKeyArray, sign: int, replicates: int
    ) -> Float[np.ndarray, "f r m"]:
        """Features of the samples that the battery sees of one process."""
        wanted = (_EACH * replicates, self.audits * replicates)
        share = float(found.fraction)
        rows = max(wanted[0] / share, wanted[1] / (1.0 - share))
        covariates, labels = found.sample(key, sign, math.ceil(1.1 * rows) + 1000, 2)
        kept = np.asarray(found.kept(covariates, labels))
        along = np.asarray(covariates @ found.direction)
        columns = (np.asarray(labels), along, np.asarray(reading(found, covariates, labels)))
        parts = [
            np.stack([column[inside][:count] for column in columns]).reshape(3, replicates, -1)
            for inside, count in zip((kept, ~kept), wanted, strict=True)
        ]
        return np.concatenate(parts, axis=2)


def battery(
    first: Float[np.ndarray, "f r m"], second: Float[np.ndarray, "f r m"]
) -> Float[np.ndarray, " r"]:
    """Whether any of 4 f + f tests rejects "one law", at a size of about 5 % together.

    Tests of the means of each feature, its size, its square and its cube, and Kolmogorov-Smirnov.
    """
    powers = [np.concatenate([x, np.abs(x), x**2, x**3]) for x in (first, second)]
    count = first.shape[2]
    gaps = np.mean(powers[0], axis=2) - np.mean(powers[1], axis=2)
    errors = sum(np.var(x, axis=2, ddof=1) for x in powers) / count
    each = _SIZE / (5 * len(first))
    moved = np.abs(gaps) > stats.norm.isf(0.5 * each) * np.sqrt(errors)
    order = np.argsort(np.concatenate([first, second], axis=2), axis=2)
    walk = np.cumsum(np.where(order < count, 1.0, -1.0), axis=2) / count
    apart = np.max(np.abs(walk), axis=2) > stats.kstwobign.isf(each) * math.sqrt(2.0 / count)
    return np.any(np.concatenate([moved, apart]), axis=0).astype(float)
