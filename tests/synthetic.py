"""Simulations made up from chosen means and errors, to test what is concluded from them."""

import dataclasses

import numpy as np

import nfl_sim as nfl
from nfl_sim.simulation.result import CAUSES, QUANTITIES, Moments
from tests.strategies import example_problem

PROBLEM = example_problem(fraction=0.25)
EXACT = example_problem(nfl.scores.Uniform, fraction=0.25)
LIMIT = nfl.FixedDimension(3)
FINITE = nfl.FiniteSample(dim=3, num_samples=80)
SIZES = (400, 800, 1600)
COUNT = 1000
RISK = np.where(np.array(QUANTITIES) == "excess_risk", 1.0, np.nan)  # the rest is not measured
DIVERGED, SEPARABLE = (
    np.eye(len(CAUSES), dtype=int)[CAUSES.index(cause)] for cause in ("diverged", "separable")
)


def synthetic(num_samples, mean, sem, problem=PROBLEM, *, failed=0, **changes):
    """A simulation with this mean and standard error of the excess risk, and no other content."""
    count = COUNT - failed
    moments = Moments(count, mean * RISK, sem**2 * count * (count - 1) * RISK, failed * DIVERGED)
    kept = nfl.num_kept(float(problem.rule.fraction), num_samples)
    return nfl.Simulation(
        problem,
        dim=changes.get("dim", 3),
        num_samples=num_samples,
        num_replicates=COUNT,
        num_kept=kept,
        probe="fixed",
        moments=moments,
        trustworthy=changes.get("trustworthy", True),
    )


def line(prediction, size):
    return float(prediction.excess_risk) + float(prediction.finite_size) / size


def runs_on(prediction, shift=0.0, curve=0.0, sem=1e-4, **changes):
    """Means E + shift + C/n + curve/n^2 at three sizes, all with one standard error."""
    means = [line(prediction, n) + shift + curve / n**2 for n in SIZES]
    return [synthetic(n, m, sem, **changes) for n, m in zip(SIZES, means, strict=True)]


def shifted(simulation, mean):
    """The simulation with another mean."""
    moments = dataclasses.replace(simulation.moments, mean=mean * RISK)
    return dataclasses.replace(simulation, moments=moments)


def separable(simulation, count):
    """The simulation with so many replicates that are separable."""
    failed = simulation.moments.failed + count * SEPARABLE
    moments = dataclasses.replace(simulation.moments, failed=failed)
    return dataclasses.replace(simulation, moments=moments)
