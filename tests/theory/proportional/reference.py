"""The rows of the reference tables in high dimension, and the problems that they describe."""

import json
import math
from pathlib import Path
from typing import Any

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores

_DATA = Path(__file__).parents[2] / "data"
RULES = {
    "hard": pruning.KeepHardest,
    "easy": pruning.KeepEasiest,
    "random": pruning.KeepRandom,
}
PERCEPTRON: list[dict[str, Any]] = json.loads((_DATA / "perceptron.json").read_text())
LOGISTIC: list[dict[str, Any]] = json.loads((_DATA / "logistic.json").read_text())["proportional"]
_LINEAR: list[dict[str, Any]] = [
    row
    for row in json.loads((_DATA / "linear.json").read_text())
    if row["kind"].startswith("proportional/")
]
CALIBRATED = [row for row in _LINEAR if "calibration" in row["kind"]]
LINEAR = [row for row in _LINEAR if row not in CALIBRATED]
_SCORES = {"el2n": scores.EL2N, "random": scores.EL2N}


def label(row: dict[str, Any]) -> str:
    """A readable test id of a row of a perceptron."""
    return f"{row['keep']}-{row['f']:g}-{row['theta_deg']}-{row['alpha_tot']:g}"


def perceptron(row: dict[str, Any]) -> nfl.Problem:
    """The problem of a row of perceptron.json."""
    return nfl.Problem(
        models.Perceptron(),
        scores.Uncertainty(nfl.Probe(row["theta"], 1.0)),
        RULES[row["keep"]](row["f"]),
        learners.MaxMargin(),
    )


def logistic(row: dict[str, Any]) -> nfl.Problem:
    """The problem of a proportional row of logistic.json."""
    rule = RULES["random" if row["score"] == "random" else row["side"]]
    return nfl.Problem(
        models.Logistic(row["beta"]),
        _SCORES[row["score"]](nfl.Probe(row["theta"], 1.0)),
        rule(row["r"]),
        learners.LogisticRegression(row["lam"]),
    )


def linear(row: dict[str, Any]) -> tuple[nfl.Problem, nfl.Proportional]:
    """The problem of a proportional row of linear.json, and its regime."""
    given = row["inputs"]
    signal, (first, second) = given["w0"][0], given.get("delta", (0.5, 0.0))
    probe = nfl.Probe(math.atan2(-second, signal - first), math.hypot(signal - first, second))
    rule = RULES[given.get("side", "random")](given.get("r", 0.5))
    if "alpha" in given:
        hardest = given["side"] == "hard"
        rule = pruning.ExactCalibration(given["r"], given["alpha"], hardest=hardest)
    problem = nfl.Problem(
        models.Linear(signal, math.sqrt(given["sigma2"])),
        scores.EL2N(probe),
        rule,
        learners.Ridge(given["lam"]),
    )
    return problem, nfl.Proportional(given.get("gamma", 2.0 * given.get("rho", 1.0)))
