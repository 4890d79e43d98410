"""Draws of the kept samples that have the law of a draw of all of them."""

from nfl_sim.simulation.draws._dispatch import chunk_of, draw_chosen, fitted, law_of
from nfl_sim.simulation.draws._draw import ROWS, Draw, Method
from nfl_sim.simulation.draws._projections import complete, project
from nfl_sim.simulation.draws._signed_margin import MarginLaw
from nfl_sim.simulation.draws._table import METHODS, plan, work

__all__ = [
    "METHODS",
    "ROWS",
    "Draw",
    "MarginLaw",
    "Method",
    "chunk_of",
    "complete",
    "draw_chosen",
    "fitted",
    "law_of",
    "plan",
    "project",
    "work",
]
