"""Monte Carlo on rows. It never imports the theory."""

from nfl_sim.simulation.engine import replicate, simulate
from nfl_sim.simulation.result import Estimate, Moments, Simulation
from nfl_sim.simulation.steps import fit, risk, sample, score, select

__all__ = [
    "Estimate",
    "Moments",
    "Simulation",
    "fit",
    "replicate",
    "risk",
    "sample",
    "score",
    "select",
    "simulate",
]
