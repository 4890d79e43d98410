"""A prediction that no student exists, held against the share of replicates without one."""

import math

import numpy as np

from nfl_sim.compare.agreement import Agreement
from nfl_sim.compare.ladder import MOST_FAILURES, axis
from nfl_sim.problem import Proportional, Regime
from nfl_sim.shares import Shares, Verdict, judge_tends_to_one
from nfl_sim.simulation import Simulation

_CAUSES = ("separable", "inseparable")  # which of them leaves no student depends on the learner
_FEWEST_PER_DIMENSION = 4  # twice the rows that separate by chance, at random labels


def compare_existence(
    regime: Regime, simulations: list[Simulation], false_alarm: float
) -> Agreement:
    """Test whether the share of samples without a student tends to 1 as the sizes grow."""
    sizes = np.array([getattr(simulation, axis(regime)) for simulation in simulations])
    same = sizes == np.unique(sizes)[:, None]
    totals = same @ np.array([simulation.num_replicates for simulation in simulations])
    without = same @ np.array([_without_student(simulation) for simulation in simulations])
    shares = Shares.of(without, totals, false_alarm)
    verdict, reason = judge_tends_to_one(shares)
    doubt = _undecided(simulations)
    if verdict == "agree" and not isinstance(regime, Proportional):
        doubt = doubt or _by_chance(simulations[int(sizes.argmax())])
    if doubt is not None:
        verdict, reason = "inconclusive", doubt
    return _agreement(float(shares.values[-1]), int(totals[-1]), verdict, reason, false_alarm)


def _without_student(simulation: Simulation) -> int:
    """How many replicates are known to have none."""
    return sum(simulation.failed.get(cause, 0) for cause in _CAUSES)


def _undecided(simulations: list[Simulation]) -> str | None:
    """Too many replicates of which nobody knows, if so."""
    total = sum(s.num_replicates for s in simulations)
    broken = sum(sum(s.failed.values()) - _without_student(s) for s in simulations)
    return (
        f"{broken} of {total} replicates are undecided" if broken > MOST_FAILURES * total else None
    )


def _by_chance(largest: Simulation) -> str | None:
    """Too few samples for their separation to mean anything at fixed dimension, if so."""
    few = largest.num_kept < _FEWEST_PER_DIMENSION * largest.dim and largest.failed["separable"] > 0
    return f"{largest.num_kept} samples are separable by chance" if few else None


def _agreement(
    share: float, total: int, verdict: Verdict, reason: str, false_alarm: float
) -> Agreement:
    return Agreement(
        predicted=1.0,
        limit=share,
        sem=math.sqrt(share * (1.0 - share) / total),
        z=math.nan,
        rate=math.nan,
        rate_sem=math.nan,
        rate_z=math.nan,
        verdict=verdict,
        reason=reason,
        false_alarm=false_alarm,
    )
