"""What `simulate` returns: streaming statistics that merge exactly."""

import math
from collections.abc import Mapping
from typing import final

import equinox as eqx
import numpy as np

from nfl_sim.problem import Problem

QUANTITIES = (
    "excess_risk",
    "parallel",
    "orthogonal",
    "norm",
    "probe_overlap",
    "threshold",
    "training_loss",
)
CAUSES = ("separable", "undecided", "diverged", "too_few_kept")


@final
class Estimate(eqx.Module):
    """A Monte Carlo mean and its standard error.

    Args:
        mean: average over the replicates that did not fail; nan if there is none.
        sem: standard error of that mean; nan with fewer than two replicates.
        num_replicates: how many replicates the mean is over.
        trustworthy: False where the variance is known to be infinite, so that ``sem`` means
            little.
    """

    mean: float
    sem: float
    num_replicates: int
    trustworthy: bool = True


@final
class Moments(eqx.Module):
    """Count, mean and sum of squared deviations of each of `QUANTITIES`; merges exactly.

    Args:
        count: replicates that did not fail.
        mean, m2: mean and sum of squared deviations, one entry a quantity.
        failed: number of failed replicates, one entry a cause of `CAUSES`.
    """

    count: int
    mean: np.ndarray
    m2: np.ndarray
    failed: np.ndarray

    @classmethod
    def empty(cls) -> "Moments":
        """No replicate at all."""
        zeros = np.zeros(len(QUANTITIES))
        return cls(0, zeros, zeros, np.zeros(len(CAUSES), dtype=np.int64))

    def merge(self, other: "Moments") -> "Moments":
        """The statistics of both sets of replicates together (Chan, Golub & LeVeque 1983)."""
        count = self.count + other.count
        if count == 0:
            return Moments(0, self.mean, self.m2, self.failed + other.failed)
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        m2 = self.m2 + other.m2 + delta**2 * (self.count * other.count / count)
        return Moments(count, mean, m2, self.failed + other.failed)

    def estimate(self, quantity: str, *, trustworthy: bool = True) -> Estimate:
        """Mean and standard error of one quantity."""
        index = QUANTITIES.index(quantity)
        if self.count == 0:
            return Estimate(math.nan, math.nan, 0, trustworthy)
        mean = float(self.mean[index])
        if self.count == 1:
            return Estimate(mean, math.nan, 1, trustworthy)
        variance = float(self.m2[index]) / (self.count - 1)
        return Estimate(mean, math.sqrt(variance / self.count), self.count, trustworthy)


@final
class Simulation(eqx.Module):
    """Monte Carlo estimates for one problem at one sample size.

    Attributes:
        problem, dim, num_samples, num_replicates: what was simulated.
        num_kept: m, the number of samples kept in each replicate.
        probe: which probe scored the samples, "fixed" (independent of them) or "none".
        failed: number of failed replicates by cause; the means are over the rest.
        moments: sufficient statistics, mergeable.
        excess_risk, parallel, orthogonal, norm, probe_overlap, threshold, training_loss: an
            `Estimate` each, named as in `Prediction`.
    """

    problem: Problem
    dim: int
    num_samples: int
    num_replicates: int
    num_kept: int
    probe: str
    moments: Moments
    trustworthy: bool

    @property
    def failed(self) -> Mapping[str, int]:
        """Failed replicates by cause."""
        return dict(zip(CAUSES, map(int, self.moments.failed), strict=True))

    @property
    def excess_risk(self) -> Estimate:
        """Risk above the teacher's; ``trustworthy`` only if its variance is finite."""
        return self.moments.estimate("excess_risk", trustworthy=self.trustworthy)

    @property
    def parallel(self) -> Estimate:
        """Component of the student along the teacher."""
        return self.moments.estimate("parallel")

    @property
    def orthogonal(self) -> Estimate:
        """Component of the student along e_2, positive toward the probe."""
        return self.moments.estimate("orthogonal")

    @property
    def norm(self) -> Estimate:
        """Length of the student."""
        return self.moments.estimate("norm")

    @property
    def probe_overlap(self) -> Estimate:
        """Component of the student along the probe's direction; nan without a probe."""
        return self.moments.estimate("probe_overlap")

    @property
    def threshold(self) -> Estimate:
        """Score of the last sample kept; nan for random pruning."""
        return self.moments.estimate("threshold")

    @property
    def training_loss(self) -> Estimate:
        """Mean training loss over the kept samples, without the penalty."""
        return self.moments.estimate("training_loss")
