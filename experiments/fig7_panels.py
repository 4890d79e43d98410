"""The panels of fig7: excess risk against n; a row a model, a panel a kept fraction."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from experiments import style
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables points, lines and crossovers."""
    import matplotlib.pyplot as plt

    models = list(dict.fromkeys(tables["lines"]["model"].tolist()))
    fractions = [np.unique(select(tables["lines"], model=m)["fraction"]) for m in models]
    columns = max(map(len, fractions))
    figure, grid = plt.subplots(
        len(models),
        columns,
        figsize=(style.TEXT_WIDTH, 0.55 + 2.25 * len(models)),
        sharey="row",
        squeeze=False,
    )
    for row, model, several in zip(grid, models, fractions, strict=True):
        for axes, fraction in zip(row, several, strict=False):
            where = {"model": model, "fraction": fraction}
            names = ("points", "lines", "crossovers")
            _panel(axes, {name: select(tables[name], **where) for name in names})
            axes.set_title(f"{model}, kept fraction r = {fraction:g}")
        for axes in row[len(several) :]:
            axes.set_axis_off()
        row[0].set_ylabel("excess risk" if model == "linear" else "excess log-loss")
    for axes in grid[-1]:
        axes.set_xlabel("number of samples n, before pruning")
    _legend(figure, tables)
    height = figure.get_figheight()
    sides = {"left": 0.085, "right": 0.975, "wspace": 0.06, "hspace": 0.3}
    figure.subplots_adjust(bottom=0.42 / height, top=1.0 - 0.45 / height, **sides)
    return figure


def _panel(axes: "Axes", tables: Mapping[str, Table]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for score, rule in _curves(tables["lines"]):
        look = {"score": score, "rule": rule}
        line = select(tables["lines"], **look)
        points = select(tables["points"], **look)
        style.theory(axes, line["num_samples"], line["value"], **look)
        if line["limit"][0] > 1e-12:
            style.theory(axes, line["num_samples"], line["limit"], **look, linewidth=0.6)
        style.measured(axes, points["num_samples"], points["mean"], points["sem"], **look)
    _name_sizes(axes, tables["lines"]["num_samples"])
    _mark_crossovers(axes, tables)


def _name_sizes(axes: "Axes", sizes: np.ndarray) -> None:
    """Where powers of ten are few, name 2 and 5 times them too."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_minor_formatter(NullFormatter())
    if sizes.max() < 100 * sizes.min():
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))


def _mark_crossovers(axes: "Axes", tables: Mapping[str, Table]) -> None:
    """A vertical line at every finite crossover with random pruning."""
    table = tables["crossovers"]
    lines = tables["lines"]
    low, high = lines["num_samples"].min(), lines["num_samples"].max()
    for score, rule, size in zip(table["score"], table["rule"], table["crossover"], strict=True):
        if not low < size < high:
            continue
        axes.axvline(
            size,
            color=style.SCORES[score],
            linestyle=style.RULES[rule]["linestyle"],
            linewidth=0.7,
            zorder=0,
        )
        axes.annotate(
            rf"$n^*\!={size:.0f}$",
            (size, 1.0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(3, -2),
            textcoords="offset points",
            va="top",
            fontsize=7,
            color=style.SCORES[score],
        )


def _legend(figure: "Figure", tables: Mapping[str, Table]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            color=style.SCORES[score],
            markerfacecolor="white",
            **style.RULES[rule],
            label=style.curve_name(score, rule),
        )
        for score, rule in _curves(tables["lines"])
    ]
    handles.append(Line2D([], [], color=style.GREY, linewidth=0.6, label=r"plateau $E(r)$"))
    figure.legend(handles=handles, loc="upper center", ncols=len(handles), columnspacing=1.2)


def _curves(lines: Table) -> list[tuple[str, str]]:
    pairs = zip(lines["score"].tolist(), lines["rule"].tolist(), strict=True)
    return list(dict.fromkeys(pairs))
