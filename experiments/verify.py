"""Verify: hold a table of predictions against simulation, at a stated false-alarm rate.

Two tests of the z-scores of all cells: their sum of squares must lie in the central 99.9 % of its
chi-square law, which also sees standard errors that are too large, and no cell may be rejected by
Holm's procedure at 1e-3. A red run is repeated once with a fresh key and four times the
replicates; the repetition decides, and both are reported.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import tab1_verdicts, verify_draws
from experiments.registry import Result
from experiments.tables import Table
from experiments.verdicts import Verdict, to_table

if TYPE_CHECKING:
    from experiments.lab import Cell, Lab

ABOUT = "Hold a table of predictions against simulation."
FAMILIES = {
    "linear": "experiments.verify_linear",
    "logistic": "experiments.verify_logistic",
    "proportional": "experiments.verify_proportional",
    "calibration": "experiments.verify_calibration",
    "coins": "experiments.verify_coins",
    "draws": "experiments.verify_draws",
    "same_sample": "experiments.verify_same_sample",
}
CENTRAL = 0.999
HOLM = 1e-3


@dataclass(frozen=True)
class Config:
    """Configuration of verify.

    Args:
        seed: root of all keys.
        replicates: of every cell and size.
        families: tables of cells to verify.
        theorems: whether to check the theorems too, which are judged apart.
    """

    seed: int = 0
    replicates: int = 1024
    families: tuple[str, ...] = tuple(FAMILIES)
    theorems: bool = True


PRESETS: Mapping[str, Config] = {"quick": Config()}


def cells(config: Config) -> "list[Cell]":
    """All that a green run simulates."""
    cases = [case for family in config.families for case in _cases(config, family)]
    return [cell for _, _, cells in cases for cell in cells]


def compute(config: Config, lab: "Lab") -> Result:
    """Judge all cells, once more if they are red; and the theorems."""
    stated, first = statements(config, lab), judge(config, lab)  # cells are simulated meanwhile
    tables: dict[str, Table] = {"first": to_table(first)}
    if not is_red(first):
        return Result(tables, [*stated, *first])
    again = replace(config, seed=config.seed + 1_000_003, replicates=4 * config.replicates)
    with lab.reseeded(again.seed) as other:
        other.start(cells(again))
        second = judge(again, other)
    tables["second"] = to_table(second)
    noted = [replace(v, claim=f"first run, {v.claim}", verdict=_noted(v)) for v in first[-2:]]
    return Result(tables, [*noted, *stated, *second])


def statements(config: Config, lab: "Lab") -> list[Verdict]:
    """The table of tab1: no theorem is violated, at a family-wise false alarm of 1e-3."""
    if not config.theorems:
        return []
    return tab1_verdicts.verdicts(tab1_verdicts.judge(tab1_verdicts.Config(seed=config.seed), lab))


def judge(config: Config, lab: "Lab") -> list[Verdict]:
    """A verdict a cell, and the two tests of them all."""
    cases = [case for family in config.families for case in _cases(config, family)]
    predicted = [case for case in cases if case[1] is not None]
    found = lab.judge_all(predicted)
    for claim, regime, cells in cases:
        if regime is None:  # draws, held against each other
            found += verify_draws.verdicts(claim, cells, lab)
    return [*found, *tests([verdict.z for verdict in found])]


def tests(scores: Sequence[float]) -> list[Verdict]:
    """The sum of squares against its chi-square law, and Holm's procedure on the cells."""
    from scipy import stats

    z = np.asarray(scores)
    total, freedom = float(np.sum(z**2)), len(z)
    law = stats.chi2(freedom)
    tail = min(law.cdf(total), law.sf(total))
    smallest = float(np.min(2 * stats.norm.sf(np.abs(z))))
    normal = float((total - freedom) / np.sqrt(2 * freedom))
    chi_square = f"sum of z^2 over {freedom} cells, central {CENTRAL:.1%}"
    width = float(np.sqrt(2 * freedom))
    worst = float(z[np.argmax(np.abs(z))])
    holm = f"Holm at {HOLM:g}: smallest p = {smallest:.2g} of {freedom}"
    return [
        Verdict(chi_square, freedom, total, width, normal, _word(tail > (1 - CENTRAL) / 2)),
        Verdict(holm, 0.0, worst, 1.0, worst, _word(smallest > HOLM / freedom)),
    ]


def is_red(verdicts: Sequence[Verdict]) -> bool:
    """Whether a cell or one of the two tests disagrees."""
    return any(verdict.verdict == "disagree" for verdict in verdicts)


def _cases(config: Config, family: str) -> list[tuple[str, Any, Any]]:
    return list(importlib.import_module(_module(family)).cases(config.replicates))


def _module(family: str) -> str:
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r} (choose from {', '.join(FAMILIES)})")
    return FAMILIES[family]


def _word(good: bool) -> str:
    return "agree" if good else "disagree"


def _noted(verdict: Verdict) -> str:
    """A disagreement that was put to a second run is reported, but decides nothing."""
    return "inconclusive" if verdict.verdict == "disagree" else verdict.verdict
