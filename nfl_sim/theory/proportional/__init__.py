"""Predictions for n and d growing together."""

from nfl_sim.theory.proportional.constants import margin_constant
from nfl_sim.theory.proportional.linear import predict_linear
from nfl_sim.theory.proportional.signed import predict_signed, separability_ratio

__all__ = ["margin_constant", "predict_linear", "predict_signed", "separability_ratio"]
