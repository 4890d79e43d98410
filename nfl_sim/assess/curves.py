"""The failure curve, the plateau and the crossover with random pruning, from simulations."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from nfl_sim.assess.plan import Setup
from nfl_sim.extrapolation import Fit, fit_powers
from nfl_sim.learners import Ridge
from nfl_sim.problem import Problem
from nfl_sim.shares import Shares, judge_tends_to_one
from nfl_sim.simulation import Simulation
from nfl_sim.theorems.verdict import at_least, holm

Simulate = Callable[[Problem, int], Simulation]
Winner = Literal["score", "random", "cannot be decided"]
Kind = Literal["bracketed", "below", "beyond", "none", "cannot be decided"]
MOST_FAILURES = 1e-3
_MISFIT = 1e-3
_SCORE, _RANDOM = (0, 1, 2), (1, 2)  # powers of 1/n: random pruning has no plateau


class Point(NamedTuple):
    """One rule at one size.

    Args:
        fraction, num_samples, num_kept: where.
        mean, sem: of the excess risk over the replicates that have a student.
        failed: share of the replicates without one.
        replicates: how many.
    """

    fraction: float
    num_samples: int
    num_kept: int
    mean: float
    sem: float
    failed: float
    replicates: int

    @property
    def sound(self) -> bool:
        """Whether the mean can be used: few failures, and a positive error."""
        return self.failed <= MOST_FAILURES and self.sem > 0.0 and math.isfinite(self.mean)


class Crossover(NamedTuple):
    """The n from which random pruning has the smaller excess risk.

    Args:
        kind: "bracketed": between two sizes that were tried; "below": random pruning wins from
            the first size on, or the score wins at none; "beyond": later than the largest, for
            there is a plateau; "none": no sign of one up to the largest; "cannot be decided".
        low, high: the score wins at the first, random pruning from the second on; nan or inf
            where there is none.
        estimate, sem: where the fitted curves cross; nan where they do not.
    """

    kind: Kind
    low: float
    high: float
    estimate: float
    sem: float


class Curve(NamedTuple):
    """What was simulated at one fraction.

    Args:
        fraction: kept.
        score, random: a `Point` each size, increasing.
        winners: at each size.
        plateau, plateau_sem: of the score, extrapolated along 1/n; nan where the sizes do not fit.
        plateau_found: whether it is positive, judged together with those of other fractions.
        crossover: with random pruning.
        student: "exists", "does not exist" (its share of replicates tends to 1) or "cannot be
            decided".
    """

    fraction: float
    score: tuple[Point, ...]
    random: tuple[Point, ...]
    winners: tuple[Winner, ...]
    plateau: float
    plateau_sem: float
    plateau_found: bool
    crossover: Crossover
    student: str


def trace(setup: Setup, simulate: Simulate, *, false_alarm: float) -> tuple[Curve, ...]:
    """The curves at every fraction.

    Args:
        setup: what to simulate.
        simulate: (problem, number of samples) -> simulation.
        false_alarm: probability of any wrong winner or plateau; half each.
    """
    pairs = [
        tuple(_points(setup, simulate, build(fraction)) for build in (setup.problem, setup.random))
        for fraction in setup.fractions
    ]
    winners = _winners(pairs, false_alarm / 2.0)
    fits = [_fitted(setup, score, _SCORE) for score, _ in pairs]
    found = _plateaus(fits, false_alarm / 2.0)
    curves = []
    for fraction, (score, random), won, fit, plateau in zip(
        setup.fractions, pairs, winners, fits, found, strict=True
    ):
        baseline = _fitted(setup, random, _RANDOM)
        crossing = _crossover(setup, score, won, fit, baseline, plateau=plateau)
        height, sem = (math.nan, math.nan) if fit is None else (fit.coefficients[0], fit.sems[0])
        student = _student(score)
        numbers = (float(height), float(sem), plateau, crossing, student)
        curves.append(Curve(fraction, score, random, won, *numbers))
    return tuple(curves)


def _points(setup: Setup, simulate: Simulate, problem: Problem) -> tuple[Point, ...]:
    points = []
    for size in setup.sizes:
        run = simulate(problem, size)
        risk, failed = run.excess_risk, sum(run.failed.values()) / run.num_replicates
        numbers = (float(risk.mean), float(risk.sem), failed, run.num_replicates)
        points.append(Point(float(problem.rule.fraction), size, run.num_kept, *numbers))
    return tuple(points)


def _winners(
    pairs: Sequence[Sequence[Sequence[Point]]], false_alarm: float
) -> list[tuple[Winner, ...]]:
    """Who has the smaller risk, at every size and fraction together (Holm, either sign)."""
    claims = []
    for score, random in pairs:
        for one, other in zip(score, random, strict=True):
            gap, sem = one.mean - other.mean, math.hypot(one.sem, other.sem)
            if not (one.sound and other.sound):
                gap = math.nan
            claims += [at_least("T8", "random", sign * gap, sem) for sign in (1.0, -1.0)]
    outcomes = [verdict.outcome for verdict in holm(claims, false_alarm)]
    words: list[Winner] = []
    for not_below, not_above in zip(outcomes[::2], outcomes[1::2], strict=True):
        lost, won = not_above == "violated", not_below == "violated"
        words.append("random" if lost else "score" if won else "cannot be decided")
    count = len(pairs[0][0])
    return [tuple(words[i : i + count]) for i in range(0, len(words), count)]


def _inverse(setup: Setup, points: Sequence[Point]) -> np.ndarray:
    """1/m, for least squares beyond the d + 1 that it needs; the largest is 1."""
    spent = setup.dim + 1 if isinstance(setup.learner, Ridge) else 0
    kept = np.array([point.num_kept - spent for point in points], np.float64)
    return kept[0] / kept


def _fitted(setup: Setup, points: Sequence[Point], powers: tuple[int, ...]) -> Fit | None:
    """The fit of the excess risk by powers of 1/n; None if it does not fit, or nothing can be."""
    if len(points) < len(powers) or not all(point.sound for point in points):
        return None
    means, sems = (np.array([getattr(point, name) for point in points]) for name in ("mean", "sem"))
    fit = fit_powers(_inverse(setup, points), means, sems, powers)
    return None if fit.misfits(_MISFIT) else fit


def _plateaus(fits: Sequence[Fit | None], false_alarm: float) -> list[bool]:
    """Which plateaus are positive, judged together."""
    claims = [
        at_least("T8", "no plateau", -float(f.coefficients[0]), float(f.sems[0]))
        if f is not None
        else at_least("T8", "no plateau", math.nan, math.nan)
        for f in fits
    ]
    return [verdict.outcome == "violated" for verdict in holm(claims, false_alarm)]


def _crossover(
    setup: Setup,
    score: Sequence[Point],
    winners: Sequence[Winner],
    fit: Fit | None,
    random: Fit | None,
    *,
    plateau: bool,
) -> Crossover:
    estimate, sem = _crossing(setup, score, fit, random)
    sizes = [point.num_samples for point in score]
    if not all(point.sound for point in score):
        return Crossover("cannot be decided", math.nan, math.nan, math.nan, math.nan)
    if winners[-1] != "random":
        if plateau:
            low = max((n for n, w in zip(sizes, winners, strict=True) if w == "score"), default=0)
            return Crossover("beyond", float(low), math.inf, estimate, sem)
        return Crossover("none", float(sizes[-1]), math.inf, math.nan, math.nan)
    first = len(sizes)
    while first > 0 and winners[first - 1] == "random":
        first -= 1
    before = [n for n, word in zip(sizes[:first], winners, strict=False) if word == "score"]
    if not before:
        return Crossover("below", 0.0, float(sizes[first]), estimate, sem)
    return Crossover("bracketed", float(before[-1]), float(sizes[first]), estimate, sem)


def _crossing(
    setup: Setup, points: Sequence[Point], fit: Fit | None, random: Fit | None
) -> tuple[float, float]:
    """The largest n at which the fitted curves cross, and its standard error (delta method)."""
    if fit is None or random is None:
        return math.nan, math.nan
    gap = fit.coefficients - np.concatenate([[0.0], random.coefficients])
    covariance = fit.covariance.copy()
    covariance[1:, 1:] += random.covariance
    roots = np.roots(gap[::-1])
    real = roots[np.abs(roots.imag) < 1e-12].real
    positive = real[real > 0.0]
    if len(positive) == 0 or gap[0] <= 0.0:
        return math.nan, math.nan
    u = float(np.min(positive))
    powers = u ** np.arange(3)
    slope = gap[1] + 2.0 * gap[2] * u
    error = math.sqrt(powers @ covariance @ powers) / abs(slope)
    spent = setup.dim + 1 if isinstance(setup.learner, Ridge) else 0
    first = points[0].num_kept - spent
    fraction = points[0].num_kept / points[0].num_samples
    return (first / u + spent) / fraction, first / u**2 * error / fraction


def _student(points: Sequence[Point]) -> str:
    """Whether replicates have a student, or the share of those without tends to 1."""
    if all(point.sound for point in points):
        return "exists"
    totals = np.array([point.replicates for point in points])
    counts = np.round(np.array([point.failed for point in points]) * totals)
    verdict, _ = judge_tends_to_one(Shares.of(counts, totals, _MISFIT / 2.0))
    return "does not exist" if verdict == "agree" else "cannot be decided"
