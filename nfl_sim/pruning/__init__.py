"""Pruning rules: which samples of a scored set are kept."""

from nfl_sim.pruning._base import PointwiseRule, num_kept, num_kept_traced
from nfl_sim.pruning._easiest import KeepEasiest
from nfl_sim.pruning._hardest import KeepHardest
from nfl_sim.pruning._random import KeepRandom

__all__ = [
    "KeepEasiest",
    "KeepHardest",
    "KeepRandom",
    "PointwiseRule",
    "num_kept",
    "num_kept_traced",
]
