"""Pruning rules: which samples of a scored set are kept."""

from nfl_sim.pruning._balanced import BalancedVertex, balanced_subset
from nfl_sim.pruning._base import PointwiseRule, Quota, num_kept, num_kept_traced
from nfl_sim.pruning._calibration import Calibration, ExactCalibration, SoftCalibration
from nfl_sim.pruning._easiest import KeepEasiest
from nfl_sim.pruning._hardest import KeepHardest
from nfl_sim.pruning._importance import ImportanceSampling
from nfl_sim.pruning._joint import JointRule
from nfl_sim.pruning._poisson import PoissonRule
from nfl_sim.pruning._random import KeepRandom

__all__ = [
    "BalancedVertex",
    "Calibration",
    "ExactCalibration",
    "ImportanceSampling",
    "JointRule",
    "KeepEasiest",
    "KeepHardest",
    "KeepRandom",
    "PointwiseRule",
    "PoissonRule",
    "Quota",
    "SoftCalibration",
    "balanced_subset",
    "num_kept",
    "num_kept_traced",
]
