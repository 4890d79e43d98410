"""Learners: how a student is trained on the kept samples."""

from nfl_sim.learners._base import Learner
from nfl_sim.learners._ridge import Ridge

__all__ = ["Learner", "Ridge"]
