"""The reference table of the logistic model, and the problems that its rows describe."""

import json
from pathlib import Path
from typing import Any

import nfl_sim as nfl
from nfl_sim import pruning, scores

TABLE = json.loads((Path(__file__).parents[2] / "data" / "logistic.json").read_text())
_SCORES = {
    "el2n": scores.EL2N,
    "loss": scores.Loss,
    "grand": scores.GraNd,
    "entropy": scores.Uncertainty,
    "random": scores.EL2N,
}
_RULES = {"hard": pruning.KeepHardest, "easy": pruning.KeepEasiest}


def problem_of(row: dict[str, Any]) -> nfl.Problem:
    """The problem of a row."""
    rule = pruning.KeepRandom if row["score"] == "random" else _RULES[row["side"]]
    return nfl.Problem(
        model=nfl.models.Logistic(signal=row["beta"]),
        score=_SCORES[row["score"]](nfl.Probe(angle=row["theta"], norm=row["b"])),
        rule=rule(row["r"]),
        learner=nfl.learners.LogisticRegression(penalty=row["lam"]),
    )


def rows(*names: str) -> list[dict[str, Any]]:
    """The rows of these scores."""
    return [row for row in TABLE["rows"] if row["score"] in names]


def label(row: dict[str, Any]) -> str:
    """A readable test id."""
    return f"{row['id']}-{row['score']}-{row['side']}-{row['r']:g}-{row['d']}"
