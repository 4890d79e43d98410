"""The reference table, and the problems that its entries describe."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from nfl_sim import FixedDimension, Problem, learners, models, pruning, scores
from nfl_sim.scores import PointwiseScore, Probe

_TABLE = json.loads((Path(__file__).parents[1] / "data" / "linear.json").read_text())
_RULES = {"hard": pruning.KeepHardest, "easy": pruning.KeepEasiest}
_CALIBRATIONS = {
    "exact calibration": pruning.ExactCalibration,
    "soft calibration": pruning.SoftCalibration,
}
_DIRECTION = 0.8  # of delta; the predictions do not depend on it


class Entry(NamedTuple):
    """One row of the table: a problem, its regime and the numbers that are known of it."""

    problem: Problem
    regime: FixedDimension
    known: dict[str, float]
    offset: tuple[float, float]


def entries(kind: str) -> list[Any]:
    """The rows of one kind, to parametrize over."""
    return [_entry(row) for row in _TABLE if row["kind"] == kind]


def label(entry: Entry) -> str:
    """A readable test id."""
    rule, dim = type(entry.problem.rule).__name__, entry.regime.dim
    return f"{rule}-{float(entry.problem.rule.fraction):g}-{dim}"


def facing(offset: float, noise_std: float) -> tuple[models.Linear, Probe, tuple[float, float]]:
    """A model and a probe at the distance ``offset`` from its teacher."""
    delta = offset * math.cos(_DIRECTION), offset * math.sin(_DIRECTION)
    probe = 1.3 - delta[0], -delta[1]
    model = models.Linear(signal=1.3, noise_std=noise_std)
    return model, Probe(math.atan2(probe[1], probe[0]), math.hypot(*probe)), delta


def _entry(row: dict[str, Any]) -> Entry:
    given = row["inputs"]
    offset = given.get("delta_norm", math.sqrt(given.get("q", 0.25)))
    model, probe, delta = facing(offset, math.sqrt(given["sigma2"]))
    chosen: dict[str, PointwiseScore] = {
        "EL2N": scores.EL2N(probe),
        "GraNd": scores.GraNd(probe),
        "leverage": scores.Leverage(),
    }
    kept = row["kind"].split("/")[2]
    if kept in _CALIBRATIONS:
        rule = _CALIBRATIONS[kept](given["r"], given["alpha"], hardest=given["side"] == "hard")
    else:
        rule = _RULES[given["side"]](given["r"])
    problem = Problem(model, chosen[row["kind"].split("/")[1]], rule, learners.Ridge(0.0))
    return Entry(problem, FixedDimension(given.get("d", 5)), row["outputs"], delta)
