"""Holding simulation against theory: fixed keys, and the false-alarm rate of every check stated.

A right package fails a check of this module with probability `FALSE_ALARM`, over the choice of
its key. The keys are fixed, so that a check that passes once passes always.
"""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

import nfl_sim as nfl
from nfl_sim.problem import Regime

FALSE_ALARM = 1e-6
# One set of shapes for all modules, so that they share compilations.
DIM, FRACTION, SIZES = 3, 0.2, (100, 200, 400)
SMALL, HALF = 40, 0.5
CRITICAL = float(stats.norm.isf(FALSE_ALARM / 2))


def ladder(
    problem: nfl.Problem, *, dim: int, sizes: Sequence[int], num_replicates: int, seed: int = 0
) -> list[nfl.Simulation]:
    """Simulations at several sizes, each with its own key."""
    root = jax.random.key(seed)
    return [
        nfl.simulate(
            jax.random.fold_in(root, size),
            problem,
            dim=dim,
            num_samples=size,
            num_replicates=num_replicates,
        )
        for size in sizes
    ]


def judge(
    problem: nfl.Problem,
    regime: Regime,
    *,
    sizes: Sequence[int],
    num_replicates: int,
    seed: int = 0,
) -> nfl.Agreement:
    """Predict, simulate at these sizes, compare."""
    runs = ladder(problem, dim=regime.dim, sizes=sizes, num_replicates=num_replicates, seed=seed)
    return nfl.compare(nfl.predict(problem, regime), runs, false_alarm=FALSE_ALARM)


def relabel(simulation: nfl.Simulation, problem: nfl.Problem, **fields: int) -> nfl.Simulation:
    """A simulation that claims to be of another problem: what a bug in the simulator looks like."""
    return dataclasses.replace(simulation, problem=problem, **fields)


def is_mean(estimate: nfl.Estimate, expected: float) -> bool:
    """Whether an estimate is within its error of what it should be."""
    return abs(estimate.mean - expected) <= CRITICAL * estimate.sem


def honest(means: ArrayLike, sems: ArrayLike) -> bool:
    """Whether independent means of one quantity scatter as their standard errors say.

    Sum (mean - average)^2 / average sem^2 is chi-square for means that are nearly normal; too
    large and too small a scatter are both dishonest.
    """
    scatter = np.sum((np.asarray(means) - np.mean(means)) ** 2) / np.mean(np.square(sems))
    return _central(scatter, np.size(means) - 1)


def fair(counts: ArrayLike, draws: int, size: int) -> bool:
    """Whether each of n indices is equally often among ``size`` of them drawn without replacement.

    ``counts`` are over ``draws`` independent draws. The sum of squares is chi-square with n - 1
    degrees of freedom, once corrected for the anticorrelation of the counts.
    """
    counts = np.asarray(counts)
    n = len(counts)
    share = size / n
    squares = np.sum((counts - draws * share) ** 2) / (draws * share * (1 - share))
    return _central(squares * (n - 1) / n, n - 1)


def _central(statistic: float, freedom: int) -> bool:
    low, high = stats.chi2.interval(1 - FALSE_ALARM, freedom)
    return bool(low <= statistic <= high)
