"""The experiments there are. A new one is a module here and a line in `EXPERIMENTS`.

A module holds a frozen dataclass `Config`, `PRESETS` (at least quick and paper), and the functions
`cells(config)`, what it will simulate; `compute(config, lab)`, its `Result`; and
`plot(tables)`, its figure drawn from the tables alone. A module may have `documents(tables)`
instead of a figure: files by name. Nothing in it imports JAX, nfl_sim or
matplotlib before one of these functions is called.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from experiments.tables import Table

if TYPE_CHECKING:
    from experiments.lab import Cell, Lab
    from experiments.verdicts import Verdict


@dataclass(frozen=True)
class Entry:
    """What one line of the registry says.

    Args:
        summary: what the figure shows.
        in_make_run: whether `all quick`, which is `make run`, includes it.
    """

    summary: str
    in_make_run: bool = False


EXPERIMENTS: Mapping[str, Entry] = {
    "fig1_logistic_grand": Entry(
        "logistic regression pruned by GraNd: what is kept, error against budget", in_make_run=True
    ),
    "fig2_linear_failure": Entry(
        "excess risk against the kept fraction: where score-based pruning fails", in_make_run=True
    ),
    "fig3_logistic_failure": Entry(
        "error and log-loss of logistic regression against the kept fraction", in_make_run=True
    ),
    "fig4_perceptron_pareto": Entry(
        "error of a perceptron against kept samples: the wall, and the frontier of a bad probe",
        in_make_run=True,
    ),
    "fig5_crossover": Entry(
        "a perceptron: who wins, the hardest, the easiest or random samples", in_make_run=True
    ),
    "fig6_double_descent": Entry(
        "risk of ridge regression against kept samples a dimension: the peak, and penalties",
        in_make_run=True,
    ),
    "fig7_scaling_law": Entry(
        "excess risk against the sample size: the plateau of an invalid rule", in_make_run=True
    ),
    "fig8_calibration": Entry(
        "calibration: the limit it repairs, its variance and bias, the ceiling on any gain",
        in_make_run=True,
    ),
    "fig9_no_free_lunch": Entry(
        "the worst of two processes with one kept law: the bound, and learners above it",
        in_make_run=True,
    ),
    "fig10_free_lunch": Entry(
        "joint selection: distance to the student of all data, and audits as insurance",
        in_make_run=True,
    ),
    "fig11_same_sample": Entry(
        "a score computed on the sample it prunes: its cost at 1/n, against other probes",
        in_make_run=True,
    ),
    "fig12_information": Entry(
        "what kept samples know: least squares, truncated likelihood and the Bayes bound",
        in_make_run=True,
    ),
    "tab1_verdicts": Entry(
        "every theorem on every kind of problem: holds, violated or inconclusive"
    ),
    "tab2_atlas": Entry("which score is consistent on which model, with which probe"),
}
PRESETS = ("quick", "paper")


@dataclass(frozen=True)
class Result:
    """What `compute` returns.

    Args:
        tables: name to columns; all that `plot` needs.
        verdicts: what was claimed, and how it held.
    """

    tables: Mapping[str, Table]
    verdicts: "list[Verdict]"


class Experiment(Protocol):
    """The functions of an experiment's module; `verify` and the tables have no `plot`."""

    Config: type
    PRESETS: Mapping[str, Any]

    def cells(self, config: Any) -> "list[Cell]": ...
    def compute(self, config: Any, lab: "Lab") -> Result: ...


def load(name: str) -> Experiment:
    """Import the module of an experiment."""
    return cast("Experiment", importlib.import_module(f"experiments.{name}"))


def names(preset: str) -> list[str]:
    """The experiments that `all` runs in this preset."""
    return [n for n, entry in EXPERIMENTS.items() if entry.in_make_run or preset != "quick"]
