"""Predictions: closed forms and quadrature. It never imports the simulation."""

from nfl_sim.theory.dispatch import crossover_sample_size, predict, small_fraction_limit
from nfl_sim.theory.prediction import Prediction

__all__ = ["Prediction", "crossover_sample_size", "predict", "small_fraction_limit"]
