"""Every theorem on every kind of problem: holds, violated or inconclusive, and by how much.

A cell is one theorem on one problem. Cells whose assumptions fail are reported as such and decide
nothing; the others are judged together by Holm's procedure. Draws are raised until a cell decides
or its budget is spent. Finished cells are stored: an interrupted table goes on where it stopped.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear, logistic, problems
from experiments.checks import Check, run_all
from experiments.registry import Result
from experiments.tables import Table, from_rows

if TYPE_CHECKING:
    from experiments.lab import Cell, Lab
    from experiments.verdicts import Verdict

WORDS = {"holds": "agree", "violated": "disagree", "inconclusive": "inconclusive"}
COLUMNS = ("theorem", "problem", "outcome", "margin", "sem", "claim")


@dataclass(frozen=True)
class Config:
    """Configuration of tab1_verdicts.

    Args:
        seed: root of all keys.
        dim: of the covariates.
        draws: samples of a cell's first round.
        budget: samples of its last.
        false_alarm: of the whole table.
    """

    seed: int = 0
    dim: int = 4
    draws: int = 100_000
    budget: int = 1_600_000
    false_alarm: float = 1e-3


PRESETS = {"quick": Config(), "paper": Config(draws=400_000, budget=25_600_000)}


def cells(config: Config) -> "list[Cell]":
    """None that the store keeps: a theorem draws what it needs itself."""
    return []


def compute(config: Config, lab: "Lab") -> Result:
    """Check every theorem on every problem, and judge the table."""
    found = judge(config, lab)
    return Result({"table": from_rows(found)}, verdicts(found))


def judge(config: Config, lab: "Lab") -> list[dict[str, Any]]:
    """One row a theorem and problem, in the order of the catalogue; finished checks are stored."""
    from nfl_sim.theorems import Verdict, catalogue, holm

    named = cases()
    pairs = [(theorem, name) for theorem in catalogue() for name in named]
    sizes = (config.dim, config.draws, config.budget, config.seed)
    made = [Check(theorem, named[name], *sizes) for theorem, name in pairs]
    results = run_all(made, lab.store.directory / "theorems")
    together = holm([Verdict(**found["verdict"]) for found in results], config.false_alarm)
    return [
        {"problem": name} | asdict(verdict) | {"assumptions": _assumed(found["assumptions"])}
        for (_, name), found, verdict in zip(pairs, results, together, strict=True)
    ]


def _assumed(assumptions: list[dict[str, Any]]) -> str:
    words = {True: "holds", False: "fails", None: "cannot be told"}
    return "; ".join(f"{a['name']}: {words[a['holds']]} ({a['why']})" for a in assumptions)


def cases() -> dict[str, Any]:
    """The problems, by name: a theorem that does not apply to one says so."""
    import dataclasses

    import nfl_sim as nfl

    def least_squares(score: str, rule: str, fraction: float = 0.3, *, angle: float = 0.6) -> Any:
        rest = {"signal": 1.0, "noise_std": 1.0, "penalty": 0.0}
        return linear.build(score, rule, fraction, angle=angle, norm=1.0, **rest)

    def signs(score: str, rule: str, fraction: float = 0.6, **rest: float) -> Any:
        given = {"angle": 0.6, "norm": 1.0, "signal": 1.0} | rest
        return logistic.build(score, rule, fraction, **given)

    importance: Any = nfl.pruning.ImportanceSampling
    coins = dataclasses.replace(
        least_squares("EL2N", "KeepRandom", angle=0.0), rule=importance(0.3, floor=0.1)
    )
    joint: Any = nfl.pruning.BalancedVertex
    vertex = dataclasses.replace(least_squares("Uniform", "KeepRandom"), rule=joint(0.3))
    residual = nfl.scores.EL2N(nfl.scores.SameSampleProbe())
    own = dataclasses.replace(least_squares("EL2N", "KeepHardest"), score=residual)
    split = {"mixing": 0.4, "hardest": True}
    return {
        "Linear, random": least_squares("Uniform", "KeepRandom"),
        "Linear, EL2N hardest": least_squares("EL2N", "KeepHardest"),
        "Linear, EL2N easiest": least_squares("EL2N", "KeepEasiest"),
        "Linear, EL2N of the teacher": least_squares("EL2N", "KeepHardest", angle=0.0),
        "Linear, Uncertainty hardest": least_squares("Uncertainty", "KeepHardest"),
        "Linear, Uncertainty easiest": least_squares("Uncertainty", "KeepEasiest"),
        "Linear, exact calibration": problems.calibrated(
            least_squares("EL2N", "KeepRandom"), "ExactCalibration", **split
        ),
        "Linear, soft calibration": problems.calibrated(
            least_squares("EL2N", "KeepRandom"), "SoftCalibration", **split
        ),
        "Linear, reweighted coins": coins,
        "Linear, balanced vertex": vertex,
        "Linear, EL2N of its own sample": own,
        "Logistic, EL2N hardest": signs("EL2N", "KeepHardest"),
        "Logistic, EL2N hardest, little kept": signs("EL2N", "KeepHardest", 0.2),
        "Logistic, EL2N of the teacher": signs("EL2N", "KeepHardest", angle=0.0),
        "Logistic, Uncertainty": signs("Uncertainty", "KeepHardest"),
        "Logistic, flipped, Uncertainty": signs(
            "Uncertainty", "KeepHardest", signal=4.0, angle=0.0, flip_probability=0.3
        ),
        "Logistic, exact calibration": problems.calibrated(
            signs("EL2N", "KeepRandom"), "ExactCalibration", **split
        ),
    }


def verdicts(found: list[dict[str, Any]]) -> "list[Verdict]":
    """What applies, as claims of a run: violated is a disagreement."""
    from experiments.verdicts import Verdict

    return [
        Verdict(
            f"{row['theorem']}: {row['problem']}: {row['claim']}",
            0.0,
            row["margin"],
            row["sem"],
            row["margin"] / row["sem"] if row["sem"] > 0.0 else math.nan,
            WORDS[row["outcome"]],
        )
        for row in found
        if not math.isnan(row["margin"])
    ]


def documents(tables: Mapping[str, Table]) -> dict[str, bytes]:
    """The table in Markdown, LaTeX and JSON; the first two leave out what does not apply."""
    table = tables["table"]
    rows = [
        {name: column[i] for name, column in table.items()} for i in range(len(table["theorem"]))
    ]
    applies = [row for row in rows if not math.isnan(float(row["margin"]))]
    lines = [[_text(row[name]) for name in COLUMNS] for row in applies]
    head = "| " + " | ".join(COLUMNS) + " |\n" + "|" + " --- |" * len(COLUMNS) + "\n"
    markdown = head + "".join("| " + " | ".join(line) + " |\n" for line in lines)
    body = "".join(" & ".join(_escaped(cell) for cell in line) + r" \\" + "\n" for line in lines)
    latex = (
        "\\begin{tabular}{lllrrl}\n\\hline\n" + " & ".join(COLUMNS) + " \\\\\n\\hline\n" + body
    ) + "\\hline\n\\end{tabular}\n"
    checks = [{name: _plain(value) for name, value in row.items()} for row in rows]
    plain = {"theorems": _stated(), "checks": checks}
    return {
        "tab1.md": markdown.encode(),
        "tab1.tex": latex.encode(),
        "tab1.json": (json.dumps(plain, indent=1) + "\n").encode(),
    }


def _stated() -> list[dict[str, str]]:
    """What the theorems say, for readers of the json alone."""
    from nfl_sim.theorems import catalogue

    names = ("name", "title", "statement", "reference")
    return [{name: getattr(theorem, name) for name in names} for theorem in catalogue()]


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _escaped(cell: str) -> str:
    for mark in "&%_^":
        cell = cell.replace(mark, "\\" + mark)
    return cell


def _plain(value: Any) -> Any:
    """A value that JSON has: what is not finite becomes null."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else str(value)
