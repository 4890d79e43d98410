"""What several simulations measured, and why it may not decide."""

import dataclasses
import math
from typing import final

import numpy as np

from nfl_sim.extrapolation import Fit
from nfl_sim.problem import Proportional, Regime
from nfl_sim.simulation import Estimate, Simulation

MOST_FAILURES = 1e-3
_COARSEST_SEM = 0.5


@final
@dataclasses.dataclass(frozen=True)
class Ladder:
    """The measured excess risks of several simulations.

    Args:
        simulations: at several sizes.
        sizes: of each, what grows in the regime (`axis`).
        means, sems: of each, the excess risk.
    """

    simulations: list[Simulation]
    sizes: np.ndarray
    means: np.ndarray
    sems: np.ndarray

    @classmethod
    def of(cls, regime: Regime, simulations: list[Simulation]) -> "Ladder":
        """The ladder that a regime climbs."""
        risks = [_measured_risk(simulation) for simulation in simulations]
        return cls(
            simulations,
            np.array([float(getattr(simulation, axis(regime))) for simulation in simulations]),
            np.array([risk.mean for risk in risks]),
            np.array([risk.sem for risk in risks]),
        )

    def doubt(self, fit: Fit, predicted: float, false_alarm: float) -> str | None:
        """Why these simulations cannot decide about a predicted value, if so."""
        scale = max(abs(predicted), float(self.means.min()))
        failed = sum(sum(s.failed.values()) for s in self.simulations)
        total = sum(s.num_replicates for s in self.simulations)
        if failed > MOST_FAILURES * total:
            return f"{failed} of {total} replicates failed"
        if not all(s.trustworthy for s in self.simulations):
            return "the excess risk has infinite variance at these sizes"
        if not fit.sems[0] <= _COARSEST_SEM * scale:
            return f"the standard error {fit.sems[0]:.2g} is not small against {scale:.2g}"
        if fit.misfits(false_alarm):
            return f"the sizes do not fit the rate (chi2 = {fit.chi2:.3g} on {fit.freedom})"
        return None


def axis(regime: Regime) -> str:
    """What grows in a regime, as `Simulation` calls it."""
    return "dim" if isinstance(regime, Proportional) else "num_samples"


def _measured_risk(simulation: Simulation) -> Estimate:
    """The excess risk, by its control variate where there is one."""
    controlled = simulation.controlled_risk
    return controlled if math.isfinite(controlled.mean) else simulation.excess_risk
