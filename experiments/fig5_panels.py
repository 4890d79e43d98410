"""The panels of fig5: the plane of n/d and kept fraction, coloured by who wins."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import style
from experiments.fig5_curves import EASY, HARD, PAIRS, RANDOM
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 2
FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
TABLES = ("plane", "ties", "laws", "duels")
WINNERS = ((HARD, "#8FD0B8"), (EASY, "#DDF1EA"), (RANDOM, "#D9D9D9"))
TIES: dict[tuple[str, str], dict[str, Any]] = dict(
    zip(PAIRS, ({"linestyle": s} for s in ("-", (0, (4, 1.5)), (0, (1, 1.2)))), strict=True)
)
NEAR = 0.7  # of log f: ties farther apart are of two branches
LAW: dict[str, Any] = {"color": style.VERMILION, "linewidth": 0.9}


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables plane, ties, laws and duels."""
    import matplotlib.pyplot as plt

    angles = np.unique(tables["plane"]["angle"])
    rows = -(-len(angles) // COLUMNS)
    size = (style.TEXT_WIDTH, 0.9 + 2.3 * rows)
    figure, grid = plt.subplots(
        rows, COLUMNS, figsize=size, sharex=True, sharey=True, squeeze=False
    )
    for axes, angle in zip(grid.flat, angles, strict=False):
        _panel(axes, {name: select(tables[name], angle=angle) for name in TABLES})
        axes.set_title(rf"probe at $\theta$ = {angle:g}°")
    for axes in grid.flat[len(angles) :]:
        axes.set_axis_off()
    for axes in grid[-1]:
        axes.set_xlabel(r"samples a dimension, $n/d$")
    for axes in grid[:, 0]:
        axes.set_ylabel("kept fraction, $f$")
    _legend(figure)
    height = figure.get_figheight()
    sides: dict[str, float] = {"left": 0.085, "right": 0.98, "wspace": 0.06, "hspace": 0.2}
    figure.subplots_adjust(bottom=0.42 / height, top=1.0 - 0.78 / height, **sides)
    return figure


def _panel(axes: "Axes", tables: Mapping[str, Table]) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    plane, ties, laws, duels = (tables[name] for name in TABLES)
    ratios, fractions = np.unique(plane["ratio"]), np.unique(plane["fraction"])
    best = plane["winner"].reshape(len(ratios), len(fractions)).T
    axes.set_xscale("log")
    axes.set_yscale("log")
    colours = ListedColormap([colour for _, colour in WINNERS])
    axes.pcolormesh(
        ratios, fractions, best, cmap=colours, vmin=0, vmax=2, shading="nearest", zorder=0
    )
    axes.plot(laws["ratio"], laws["fraction"], **LAW)
    for (one, other), look in TIES.items():
        line = select(ties, one=one, other=other)
        for branch in _branches(line):
            axes.plot(*np.transpose(branch), color=style.BLACK, linewidth=1.1, **look)
    for sign, marker in ((-1.0, "^"), (1.0, "o")):
        won = np.sign(duels["gap"]) == sign
        look: dict[str, Any] = {"marker": marker, "linestyle": "none", "color": style.BLACK}
        axes.plot(duels["ratio"][won], duels["fraction"][won], markerfacecolor="white", **look)
    for axis, places in ((axes.xaxis, (1, 3, 10, 30, 100, 300, 1000)), (axes.yaxis, FRACTIONS)):
        axis.set_major_locator(FixedLocator(places))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    axes.set_xlim(ratios.min(), ratios.max())
    axes.set_ylim(fractions.min(), fractions.max())


def _branches(line: Table) -> list[list[tuple[float, float]]]:
    """Ties joined from ratio to ratio, each to the nearest before it."""
    found: list[list[tuple[float, float]]] = []
    for ratio in np.unique(line["ratio"]):
        grown = list(found)
        for fraction in line["fraction"][line["ratio"] == ratio]:
            near = [b for b in grown if abs(np.log(b[-1][1] / fraction)) < NEAR]
            if near:
                branch = min(near, key=lambda b: abs(np.log(b[-1][1] / fraction)))
                grown = [b for b in grown if b is not branch]
            else:
                branch = []
                found.append(branch)
            branch.append((float(ratio), float(fraction)))
    return found


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(facecolor=colour, label=f"{style.RULE_NAMES[rule]} wins") for rule, colour in WINNERS
    ]
    for (one, other), look in TIES.items():
        name = f"{style.RULE_NAMES[one]} = {style.RULE_NAMES[other]}"
        handles.append(Line2D([], [], color=style.BLACK, linewidth=1.1, label=name, **look))
    handles.append(Line2D([], [], label="law of large n/d", **LAW))
    for marker, name in (("^", "hardest"), ("o", "random")):
        look: dict[str, Any] = {
            "color": style.BLACK,
            "markerfacecolor": "white",
            "linestyle": "none",
        }
        handles.append(Line2D([], [], marker=marker, label=f"simulated: {name}", **look))
    figure.legend(handles=handles, loc="upper center", ncols=4, columnspacing=1.2)
