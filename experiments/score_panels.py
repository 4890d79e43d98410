"""The panels of a score of the user's own: where it fails, and from which n random pruning wins."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import style
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_RULES = {"hardest": "KeepHardest", "easiest": "KeepEasiest", "random": "KeepRandom"}
_UNITS = {"Linear": "excess risk", "Logistic": "excess log-loss", "Perceptron": "excess error"}


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables summary, fractions and points."""
    import matplotlib.pyplot as plt

    head = {name: column[0] for name, column in tables["summary"].items()}
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.TEXT_WIDTH, 2.7))
    _failures(left, tables, head)
    _ratios(right, tables, head)
    figure.suptitle(f"{head['score']} on {head['model']}, d = {head['dim']}: {head['verdict']}")
    figure.subplots_adjust(left=0.125, right=0.93, bottom=0.16, top=0.86, wspace=0.3)
    return figure


def _failures(axes: "Axes", tables: Mapping[str, Table], head: Mapping[str, Any]) -> None:
    """Excess risk against the fraction, at the largest size."""
    points = select(tables["points"], num_samples=head["largest_size"])
    for rule, label in ((head["rule"], f"{head['rule']} {head['score']}"), ("random", "random")):
        curve = select(points, rule=rule)
        look = {"score": "RowScore" if rule != "random" else "Uniform", "rule": _RULES[rule]}
        _joined(axes, curve["fraction"], curve["mean"], curve["sem"], look, label=label)
    found = tables["fractions"]
    there = found["plateau_found"] == 1
    if np.any(there):
        look = {"linestyle": "none", "marker": "_", "markersize": 11, "color": style.GREY}
        axes.plot(found["fraction"][there], found["plateau"][there], label="plateau", **look)
    axes.set_yscale("log")
    axes.set_xlabel("kept fraction r")
    axes.set_ylabel(f"{_UNITS[head['model']]} at n = {head['largest_size']}")
    axes.legend(loc="best")


def _ratios(axes: "Axes", tables: Mapping[str, Table], head: Mapping[str, Any]) -> None:
    """The score over random pruning, against n: random pruning wins above 1."""
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter

    fractions = np.unique(tables["points"]["fraction"])
    ends: list[tuple[float, str]] = []
    shades = np.linspace(1.0, 0.35, len(fractions))
    for fraction, shade in zip(fractions, shades, strict=True):
        score, random = (
            select(tables["points"], rule=rule, fraction=fraction)
            for rule in (head["rule"], "random")
        )
        ratio = score["mean"] / random["mean"]
        error = ratio * np.hypot(score["sem"] / score["mean"], random["sem"] / random["mean"])
        look = {"score": "RowScore", "rule": _RULES[head["rule"]]}
        _joined(axes, score["num_samples"], ratio, error, look, alpha=float(shade))
        ends.append((float(np.log(ratio[-1])), f"r = {fraction:g}"))
    axes.axhline(1.0, color=style.BLACK, linestyle=style.RULES["KeepRandom"]["linestyle"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(np.unique(tables["points"]["num_samples"]).tolist()))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("number of samples n, before pruning")
    axes.set_ylabel("excess over that of random pruning")
    _name_ends(axes, float(tables["points"]["num_samples"].max()), ends)


def _name_ends(axes: "Axes", x: float, ends: list[tuple[float, str]]) -> None:
    """Names of curves beside their ends, moved up where they would meet."""
    low, high = np.log(axes.get_ylim())
    place = -np.inf
    for height, name in sorted(ends):
        place = max(height, place + 0.065 * (high - low))
        at = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 7}
        axes.annotate(name, (x, float(np.exp(place))), annotation_clip=False, **at)


def _joined(
    axes: "Axes", x: Any, y: Any, sem: Any, look: Mapping[str, str], **options: Any
) -> None:
    """Measured points, and a thin line that leads the eye: no theory is known."""
    line = {"linewidth": 0.6, "alpha": options.get("alpha", 1.0)}
    style.theory(axes, x, y, score=look["score"], rule=look["rule"], **line)
    style.measured(axes, x, y, sem, score=look["score"], rule=look["rule"], **options)
