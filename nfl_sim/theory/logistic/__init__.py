"""Predictions for the logistic model."""

from nfl_sim.theory.logistic.fixed_dimension import predict_fixed_dimension

__all__ = ["predict_fixed_dimension"]
