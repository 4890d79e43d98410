"""The theory of ridge regression on pruned Gaussian data."""

from nfl_sim.theory.linear.finite_sample import predict_finite_sample
from nfl_sim.theory.linear.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.linear.limits import crossover_sample_size, small_fraction_limit

__all__ = [
    "crossover_sample_size",
    "predict_finite_sample",
    "predict_fixed_dimension",
    "small_fraction_limit",
]
