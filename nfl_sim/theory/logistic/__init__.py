"""Predictions for the logistic model."""

from nfl_sim.theory.logistic.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.logistic.fractions import (
    divergence_constant,
    flip_fraction,
    separability_fraction,
)
from nfl_sim.theory.logistic.influence import linear_influence
from nfl_sim.theory.logistic.limits import crossover_sample_size, small_fraction_limit
from nfl_sim.theory.logistic.mixing import optimal_mixing
from nfl_sim.theory.logistic.same_sample import direction_coefficient, predict_fitted_probe

__all__ = [
    "crossover_sample_size",
    "direction_coefficient",
    "divergence_constant",
    "flip_fraction",
    "linear_influence",
    "optimal_mixing",
    "predict_fitted_probe",
    "predict_fixed_dimension",
    "separability_fraction",
    "small_fraction_limit",
]
