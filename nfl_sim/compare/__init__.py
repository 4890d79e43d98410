"""The honest comparison of a prediction with simulations at several sizes."""

from nfl_sim.compare.agreement import Agreement
from nfl_sim.compare.judge import compare

__all__ = ["Agreement", "compare"]
