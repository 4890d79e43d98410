"""The panels of fig6: risk against kept samples a dimension; a column a model, a row a penalty."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments import style
from experiments.fig6_double_descent import PEAK, RANDOM, RULES, SCORES
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TICKS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
QUANTITIES = {"Linear": "excess risk", "Logistic": "excess error", "Perceptron": "error"}


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables points and lines."""
    import matplotlib.pyplot as plt

    penalties = np.unique(tables["lines"]["penalty"])
    size = (style.TEXT_WIDTH, 0.9 + 1.45 * len(penalties))
    figure, grid = plt.subplots(
        len(penalties), len(SCORES), figsize=size, sharex=True, sharey="col", squeeze=False
    )
    for row, penalty in zip(grid, penalties, strict=True):
        for axes, model in zip(row, SCORES, strict=True):
            where = {"kind": model, "penalty": penalty}
            _panel(axes, {n: select(tables[n], **where) for n in ("lines", "points")}, model)
        name = "no penalty" if penalty == 0.0 else rf"penalty $\lambda$ = {penalty:g}"
        row[-1].annotate(
            name, (1.02, 0.5), xycoords="axes fraction", rotation=-90, va="center", fontsize=8
        )
    for axes, model in zip(grid[0], SCORES, strict=True):
        axes.set_title(f"{model}: {QUANTITIES[model]}")
    for axes in grid[-1]:
        axes.set_xlabel(r"kept samples a dimension, $r\,n/d$")
    _legend(figure)
    height = figure.get_figheight()
    sides = {"left": 0.075, "right": 0.955, "wspace": 0.22, "hspace": 0.12}
    figure.subplots_adjust(bottom=0.42 / height, top=1.0 - 0.48 / height, **sides)
    return figure


def _panel(axes: "Axes", tables: Mapping[str, Table], model: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(PEAK, color=style.GREY, linewidth=0.7, zorder=0)
    if model == "Linear":
        axes.set_yscale("log")
    else:
        axes.set_ylim(0.0, 0.55)
    for rule in RULES:
        look = {"score": "Uniform" if rule == RANDOM else SCORES[model], "rule": rule}
        line, points = (select(tables[n], curve_rule=rule) for n in ("lines", "points"))
        style.theory(axes, line["kept_ratio"], line["value"], **look)
        style.measured(axes, points["kept_ratio"], points["mean"], points["sem"], **look)


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    handles = []
    for score in dict.fromkeys(SCORES.values()):
        for rule in RULES[:-1]:
            look = {"color": style.SCORES[score], **style.RULES[rule]}
            name = style.curve_name(score, rule)
            handles.append(Line2D([], [], **look, markerfacecolor="white", label=name))
    look = {"color": style.SCORES["Uniform"], **style.RULES[RANDOM]}
    handles.append(Line2D([], [], **look, markerfacecolor="white", label="random"))
    figure.legend(handles=handles, loc="upper center", ncols=5, columnspacing=1.0)
