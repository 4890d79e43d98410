"""What `simulate` returns: streaming statistics that merge exactly."""

import math
from collections.abc import Mapping
from typing import final

import equinox as eqx
import numpy as np

from nfl_sim.problem import Problem

QUANTITIES = (
    "excess_risk",
    "controlled_risk",
    "excess_error",
    "error",
    "noisy_error",
    "calibration_slope",
    "calibration_error",
    "parallel",
    "orthogonal",
    "norm",
    "probe_overlap",
    "threshold",
    "training_loss",
    "margin",
    "support_fraction",
)
CAUSES = (
    "separable",
    "inseparable",
    "undecided",
    "diverged",
    "too_few_kept",
    "no_probe",
    "no_score",
)


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

    @property
    def drawn(self) -> int:
        """How many replicates, the failed ones included."""
        return self.count + int(self.failed.sum())

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


def _estimate_of(quantity: str, meaning: str) -> property:
    """The documented property of a `Simulation` that estimates this quantity."""

    def estimate(self: "Simulation") -> Estimate:
        trustworthy = self.trustworthy or quantity != "excess_risk"
        return self.moments.estimate(quantity, trustworthy=trustworthy)

    return property(estimate, doc=meaning)


@final
class Simulation(eqx.Module):
    """Monte Carlo estimates for one problem at one sample size.

    Attributes:
        problem, dim, num_samples, num_replicates: what was simulated.
        num_kept: m, the number of samples kept in each replicate.
        probe: which probe scored the samples, "none", "fixed" (independent of them) or, fitted to
            data, "same sample", "subsample", "fresh sample", "cross-fitted" or "iterated".
        failed: number of failed replicates by cause; the means are over the rest. "no_probe" counts
            those whose fitted probe does not exist or is undecided, "no_score" those where a score
            is nan.
        moments: sufficient statistics, mergeable.
        trustworthy: False where the variance of the excess risk is known to be infinite.
        method: how the kept samples were drawn: "rows", "conditional" or "sufficient", one in law.
        reached: whether the run reached its target; None if it had none.
        sequence: names the replicates that could follow; this run is the beginning of them.
        excess_risk, excess_error, error, noisy_error, calibration_slope, calibration_error,
            parallel, orthogonal, norm, probe_overlap, threshold, training_loss, margin,
            support_fraction: an `Estimate` each, named as in `Prediction`; nan where the quantity
            has no meaning.
        controlled_risk: the excess risk less its control variate; nan without one.
    """

    problem: Problem
    dim: int
    num_samples: int
    num_replicates: int
    num_kept: int
    probe: str
    moments: Moments
    trustworthy: bool
    method: str = "rows"
    reached: bool | None = None
    sequence: str = ""

    @property
    def failed(self) -> Mapping[str, int]:
        """Failed replicates by cause."""
        return dict(zip(CAUSES, map(int, self.moments.failed), strict=True))

    excess_risk = _estimate_of("excess_risk", "Risk above the best in the model's own loss.")
    controlled_risk = _estimate_of(
        "controlled_risk", "The excess risk, by its control variate; nan without one."
    )
    excess_error = _estimate_of("excess_error", "0-1 error above the teacher's, before flips.")
    error = _estimate_of("error", "0-1 error on labels before flips.")
    noisy_error = _estimate_of("noisy_error", "0-1 error on labels after flips.")
    calibration_slope = _estimate_of("calibration_slope", "The best factor of the logits.")
    calibration_error = _estimate_of("calibration_error", "E|P(y=1|w.x) - sigma(w.x)|.")
    parallel = _estimate_of("parallel", "Component of the student along the teacher.")
    orthogonal = _estimate_of("orthogonal", "Component along e_2, positive toward the probe.")
    norm = _estimate_of("norm", "Length of the student.")
    probe_overlap = _estimate_of("probe_overlap", "Component along the probe, if there is one.")
    threshold = _estimate_of("threshold", "Score of the last sample kept; nan if at random.")
    training_loss = _estimate_of("training_loss", "Mean loss over the kept, without the penalty.")
    margin = _estimate_of("margin", "Least margin over the kept, of a student of unit length.")
    support_fraction = _estimate_of("support_fraction", "Share of the kept that support.")
