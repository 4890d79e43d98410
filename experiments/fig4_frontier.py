"""The frontier of fig4: the least error over the kept fraction, at fixed kept samples."""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import perceptron
from experiments.verdicts import Verdict, of_value

if TYPE_CHECKING:
    from experiments.fig4_perceptron_pareto import Config

TOLERANCE = 0.03  # of log f; the error is flat at its minimum
GAINS = {(10.0, 3.0): 0.454, (10.0, 50.0): 0.186, (20.0, 10.0): 0.430}
HALF_DIGIT = 5e-4


def law(angle: float, ratio: Any) -> Any:
    """c0 sin(theta)/alpha, to which the frontier tends; nan at a perfect probe, which has a wall.

    References: {eq}`eq-margin-frontier` in theory_notes/06_perceptron.md.
    """
    from nfl_sim.theory import margin_constant

    return margin_constant() * np.sin(np.deg2rad(angle)) / ratio if angle > 0.0 else np.nan


def frontier(config: "Config") -> list[dict[str, Any]]:
    """The best fraction and its error at every angle and ratio.

    With a perfect probe the smallest fraction is the best beyond the wall: 0 in the limit.
    """
    least = min(config.hardest)
    found: list[dict[str, Any]] = []
    for angle in config.angles:
        for ratio in config.frontier_ratios:
            fraction = least
            if angle > 0.0:
                fraction = best_fraction(angle, ratio, least)
            row = {"angle": angle, "ratio": ratio, "fraction": fraction}
            found.append(row | {"error": error(angle, ratio, fraction)})
    return found


def judge_gains() -> list[Verdict]:
    """How much less than that of random pruning the least error is, against the notes.

    They give three decimals.
    """
    found: list[Verdict] = []
    for (angle, ratio), expected in GAINS.items():
        gain = error(angle, ratio, best_fraction(angle, ratio)) / error(angle, ratio, 1.0)
        claim = f"least error / random, theta={angle:g}, alpha={ratio:g}"
        found.append(of_value(claim, expected, gain, HALF_DIGIT))
    return found


def best_fraction(angle: float, ratio: float, least: float = 0.005) -> float:
    """The f in [least, 1] that keeps ``ratio`` samples a dimension with the least error."""
    from scipy import optimize

    def height(log_fraction: float) -> float:
        return float(np.log(error(angle, ratio, float(np.exp(log_fraction)))))

    options = {"xatol": TOLERANCE}
    bounds = (float(np.log(least)), 0.0)
    found: Any = optimize.minimize_scalar(height, bounds=bounds, method="bounded", options=options)
    return float(np.exp(found.x))


def error(angle: float, ratio: float, fraction: float) -> float:
    """Error of a student of the hardest ``ratio`` samples a dimension, a fraction of all."""
    import nfl_sim as nfl

    name = ("Uncertainty", "KeepHardest") if fraction < 1.0 else ("Uniform", "KeepRandom")
    problem = perceptron.build(*name, fraction, angle=np.deg2rad(angle))
    sample_ratio: Any = ratio / fraction
    return float(nfl.predict(problem, nfl.Proportional(sample_ratio)).error)
