"""A reference laboratory for the theory of data pruning.

Predict the asymptotic error of a pruning rule, simulate it, and say whether the two agree.
Importing the package never changes JAX's configuration; predictions need
``jax.config.update("jax_enable_x64", True)``.
"""

from nfl_sim import learners, models, pruning, scores, theorems
from nfl_sim.assess import Assessment, assess
from nfl_sim.compare import Agreement, compare
from nfl_sim.influence import Influence
from nfl_sim.optimal_unbiased import OptimalUnbiased
from nfl_sim.problem import FiniteSample, FixedDimension, Problem, Proportional
from nfl_sim.pruning import num_kept
from nfl_sim.scores import Probe, SameSampleProbe
from nfl_sim.simulation import (
    Estimate,
    Simulation,
    fit,
    replicate,
    risk,
    sample,
    score,
    select,
    simulate,
)
from nfl_sim.theory import (
    OptimalMixing,
    Prediction,
    ProbeCombination,
    break_even_fraction,
    crossover_sample_size,
    direction_coefficient,
    flip_fraction,
    linear_influence,
    optimal_mixing,
    predict,
    probe_combination,
    separability_fraction,
    separability_ratio,
    small_fraction_limit,
)
from nfl_sim.validation import NoTheoryError

__version__ = "0.1.0"

__all__ = [
    "Agreement",
    "Assessment",
    "Estimate",
    "FiniteSample",
    "FixedDimension",
    "Influence",
    "NoTheoryError",
    "OptimalMixing",
    "OptimalUnbiased",
    "Prediction",
    "Probe",
    "ProbeCombination",
    "Problem",
    "Proportional",
    "SameSampleProbe",
    "Simulation",
    "assess",
    "break_even_fraction",
    "compare",
    "crossover_sample_size",
    "direction_coefficient",
    "fit",
    "flip_fraction",
    "learners",
    "linear_influence",
    "models",
    "num_kept",
    "optimal_mixing",
    "predict",
    "probe_combination",
    "pruning",
    "replicate",
    "risk",
    "sample",
    "score",
    "scores",
    "select",
    "separability_fraction",
    "separability_ratio",
    "simulate",
    "small_fraction_limit",
    "theorems",
]
