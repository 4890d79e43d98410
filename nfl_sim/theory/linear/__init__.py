"""The theory of ridge regression on pruned Gaussian data."""

from nfl_sim.theory.linear.calibrated import in_strata
from nfl_sim.theory.linear.combination import ProbeCombination, probe_combination
from nfl_sim.theory.linear.finite_sample import predict_finite_sample
from nfl_sim.theory.linear.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.linear.law import Expansion, KeptNodes, Nested, numbers_agree
from nfl_sim.theory.linear.laws import ScoreUnits, kept_law, quadrature_refinement
from nfl_sim.theory.linear.limits import crossover_sample_size, small_fraction_limit
from nfl_sim.theory.linear.mixing import optimal_mixing
from nfl_sim.theory.linear.same_sample import predict_fitted_probe
from nfl_sim.theory.linear.same_sample_exact import predict_same_sample
from nfl_sim.theory.linear.same_sample_proportional import (
    break_even_fraction,
    predict_same_sample_proportional,
)
from nfl_sim.theory.linear.student import ridge_penalty

__all__ = [
    "Expansion",
    "KeptNodes",
    "Nested",
    "ProbeCombination",
    "ScoreUnits",
    "break_even_fraction",
    "crossover_sample_size",
    "in_strata",
    "kept_law",
    "numbers_agree",
    "optimal_mixing",
    "predict_finite_sample",
    "predict_fitted_probe",
    "predict_fixed_dimension",
    "predict_same_sample",
    "predict_same_sample_proportional",
    "probe_combination",
    "quadrature_refinement",
    "ridge_penalty",
    "small_fraction_limit",
]
