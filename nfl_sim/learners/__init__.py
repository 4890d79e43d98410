"""Learners: how a student is trained on the kept samples."""

from nfl_sim.learners._base import Fit, Learner
from nfl_sim.learners._hinge import Hinge
from nfl_sim.learners._logistic_regression import LogisticRegression
from nfl_sim.learners._max_margin import MaxMargin
from nfl_sim.learners._ridge import Ridge

__all__ = ["Fit", "Hinge", "Learner", "LogisticRegression", "MaxMargin", "Ridge"]
