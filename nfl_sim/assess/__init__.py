"""The assessment of a score by simulation, where no closed form is known."""

from nfl_sim.assess.assess import assess
from nfl_sim.assess.assessment import Assessment

__all__ = ["Assessment", "assess"]
