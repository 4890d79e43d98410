"""An exact mean, held against simulations at its size."""

import numpy as np

from nfl_sim.compare.agreement import Agreement, Rate, conclude
from nfl_sim.compare.ladder import Ladder
from nfl_sim.extrapolation import fit_powers
from nfl_sim.theory import Prediction


def compare_exact(prediction: Prediction, ladder: Ladder, false_alarm: float) -> Agreement:
    """Pool the means, and compare directly."""
    predicted = float(prediction.excess_risk)
    shift = fit_powers(np.ones_like(ladder.sizes), ladder.means - predicted, ladder.sems, (0,))
    return conclude(prediction, ladder, shift, Rate(), false_alarm)
