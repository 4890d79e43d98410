"""The limit of many samples at fixed dimension, held against its ladder in n."""

import numpy as np

from nfl_sim.compare.agreement import Agreement, Rate, conclude
from nfl_sim.compare.ladder import Ladder
from nfl_sim.compare.moved import moved
from nfl_sim.extrapolation import fit_powers
from nfl_sim.theory import Prediction


def compare_limit(prediction: Prediction, ladder: Ladder, false_alarm: float) -> Agreement:
    """Test the limit beyond the predicted 1/n term, and the term about the predicted limit.

    The limit: means less prediction along {1, 1/n^2}, or {1, 1/n, 1/n^2} where no term is
    derived. The term: along {1/n, 1/n^2}.
    """
    limits, coefficients = moved(prediction, ladder.simulations)
    largest = float(ladder.sizes.max())
    inverse = largest / ladder.sizes
    if not np.isfinite(coefficients).all():
        shift = fit_powers(inverse, ladder.means - limits, ladder.sems, (0, 1, 2))
        return conclude(prediction, ladder, shift, Rate(), false_alarm)
    known, predicted = limits + coefficients / ladder.sizes, float(prediction.finite_size)
    shift = fit_powers(inverse, ladder.means - known, ladder.sems, (0, 2))
    drift = (coefficients - predicted) / ladder.sizes
    fit = fit_powers(inverse, ladder.means - limits - drift, ladder.sems, (1, 2))
    rate = Rate.of(fit, largest, predicted)
    return conclude(prediction, ladder, shift, rate, false_alarm)
