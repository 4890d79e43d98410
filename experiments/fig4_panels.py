"""The panels of fig4: error against kept samples a dimension, one angle of the probe each."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import style
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WALL = 2.0  # kept samples a dimension: Cover's capacity
ERRORS = (2e-4, 0.6)
HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"
COLUMNS = 2
TABLES = ("points", "lines", "frontier", "laws")


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables points, lines, frontier and laws."""
    import matplotlib.pyplot as plt

    angles = np.unique(tables["lines"]["angle"])
    rows = -(-len(angles) // COLUMNS)
    size = (style.TEXT_WIDTH, 0.9 + 2.2 * rows)
    figure, grid = plt.subplots(
        rows, COLUMNS, figsize=size, sharex=True, sharey=True, squeeze=False
    )
    shades = _shades(tables["lines"])
    for axes, angle in zip(grid.flat, angles, strict=False):
        _panel(axes, {name: select(tables[name], angle=angle) for name in TABLES}, shades)
        axes.set_title(rf"probe at $\theta$ = {angle:g}°")
    for axes in grid.flat[len(angles) :]:
        axes.set_axis_off()
    for axes in grid[-1]:
        axes.set_xlabel(r"kept samples a dimension, $\alpha = f\,n/d$")
    for axes in grid[:, 0]:
        axes.set_ylabel("error")
    _legend(figure, tables, shades)
    height = figure.get_figheight()
    sides = {"left": 0.085, "right": 0.98, "wspace": 0.06, "hspace": 0.2}
    figure.subplots_adjust(bottom=0.42 / height, top=1.0 - 0.78 / height, **sides)
    return figure


def _panel(axes: "Axes", tables: Mapping[str, Table], shades: dict[float, float]) -> None:
    lines, points, best = tables["lines"], tables["points"], tables["frontier"]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(lines["ratio"].min(), lines["ratio"].max())
    axes.set_ylim(*ERRORS)
    if float(lines["angle"][0]) == 0.0:
        axes.axvline(WALL, color=style.GREY, linewidth=0.8)
        axes.annotate(
            r"wall, $\alpha = 2$",
            (WALL, ERRORS[0]),
            xytext=(-3, 3),
            textcoords="offset points",
            rotation=90,
            ha="right",
            fontsize=7,
            color=style.GREY,
        )
    law = tables["laws"]
    axes.plot(law["ratio"], law["error"], color=style.GREY, linewidth=0.8)
    axes.plot(best["ratio"], best["error"], **_frontier())
    for rule, fraction, curve in _curves(lines):
        look = {"score": _score(rule), "rule": rule}
        pale: dict[str, Any] = (
            {} if rule == RANDOM else {"alpha": shades[fraction], "linewidth": 0.9}
        )
        style.theory(axes, curve["ratio"], curve["error"], **look, **pale)
    for rule in (HARD, EASY, RANDOM):
        some = select(points, rule=rule)
        look = {"score": _score(rule), "rule": rule}
        style.measured(axes, some["ratio"], some["mean"], some["sem"], **look)


def _curves(lines: Table) -> list[tuple[str, float, Table]]:
    names = dict.fromkeys(zip(lines["rule"].tolist(), lines["fraction"].tolist(), strict=True))
    return [(rule, f, select(lines, rule=rule, fraction=f)) for rule, f in names]


def _score(rule: str) -> str:
    return "Uniform" if rule == RANDOM else "Uncertainty"


def _shades(lines: Table) -> dict[float, float]:
    """The smaller the fraction, the fuller the colour."""
    fractions = np.unique(lines["fraction"])[::-1].tolist()
    return dict(zip(fractions, np.linspace(0.25, 1.0, len(fractions)), strict=True))


def _frontier() -> dict[str, Any]:
    return {"color": style.YELLOW, "linewidth": 4.0, "zorder": 1, "solid_capstyle": "round"}


def _legend(figure: "Figure", tables: Mapping[str, Table], shades: dict[float, float]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for rule in (HARD, EASY):
        for fraction in np.unique(select(tables["lines"], rule=rule)["fraction"])[::-1].tolist():
            look = {"color": style.SCORES["Uncertainty"], "alpha": shades[fraction]}
            marker = {"markerfacecolor": "white", **style.RULES[rule]}
            name = f"{style.RULE_NAMES[rule]} f = {fraction:g}"
            handles.append(Line2D([], [], **look, **marker, label=name))
    random = {"color": style.SCORES["Uniform"], "markerfacecolor": "white", **style.RULES[RANDOM]}
    handles.append(Line2D([], [], **random, label="random"))
    handles.append(Line2D([], [], **_frontier(), label="least over f"))
    law = r"$c_0\,\sin\theta\,/\,\alpha$"
    handles.append(Line2D([], [], color=style.GREY, linewidth=0.8, label=law))
    figure.legend(handles=handles, loc="upper center", ncols=4, columnspacing=1.2)
