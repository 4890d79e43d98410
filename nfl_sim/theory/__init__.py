"""Predictions: closed forms and quadrature. It never imports the simulation."""

from nfl_sim.theory.ceiling import UnbiasedCeiling, unbiased_ceiling
from nfl_sim.theory.dispatch import (
    break_even_fraction,
    crossover_sample_size,
    flip_fraction,
    linear_influence,
    optimal_mixing,
    predict,
    probe_combination,
    separability_fraction,
    separability_ratio,
    small_fraction_limit,
)
from nfl_sim.theory.linear import ProbeCombination
from nfl_sim.theory.logistic import direction_coefficient, divergence_constant
from nfl_sim.theory.mixing import OptimalMixing
from nfl_sim.theory.prediction import Prediction
from nfl_sim.theory.proportional import margin_constant

__all__ = [
    "OptimalMixing",
    "Prediction",
    "ProbeCombination",
    "UnbiasedCeiling",
    "break_even_fraction",
    "crossover_sample_size",
    "direction_coefficient",
    "divergence_constant",
    "flip_fraction",
    "linear_influence",
    "margin_constant",
    "optimal_mixing",
    "predict",
    "probe_combination",
    "separability_fraction",
    "separability_ratio",
    "small_fraction_limit",
    "unbiased_ceiling",
]
