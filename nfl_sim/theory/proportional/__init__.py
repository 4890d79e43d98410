"""Predictions for n and d growing together."""

from nfl_sim.theory.proportional.linear import predict_linear
from nfl_sim.theory.proportional.signed import predict_signed, separability_ratio

__all__ = ["predict_linear", "predict_signed", "separability_ratio"]
