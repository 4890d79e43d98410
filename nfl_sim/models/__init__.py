"""Teacher-student models: the law of the data and its risk."""

from nfl_sim.models._base import Model
from nfl_sim.models._linear import Linear
from nfl_sim.models._logistic import Logistic
from nfl_sim.models._perceptron import Perceptron

__all__ = ["Linear", "Logistic", "Model", "Perceptron"]
