"""The panels of fig1: pruned samples with their boundaries, and error against budget."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import style
from experiments.errors import MOST_FAILURES
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REACH = 3.4
SMALL = 0.1  # a 1/n term that takes away more than this share of the limit is not drawn
MARKERS = ("^", "s", "D", "v", "p", "h")
LABELS: dict[int, dict[str, Any]] = {  # label: look
    1: {"markerfacecolor": "0.35", "markeredgecolor": "0.35"},
    -1: {"markerfacecolor": "white", "markeredgecolor": "0.55"},
}
BOUNDARIES: dict[str, dict[str, Any]] = {
    "teacher": {"color": style.BLACK, "linestyle": (0, (4, 1.5))},
    "student": {"color": style.SCORES["GraNd"], "linestyle": "-"},
    "limit": {"color": style.SCORES["GraNd"], "linestyle": (0, (1, 1.2))},
}


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables samples, boundaries, points and lines."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(style.TEXT_WIDTH, 3.75))
    fractions = -np.unique(-tables["samples"]["fraction"])
    columns = (len(fractions) + 1) // 2
    left = figure.add_gridspec(
        2, columns, left=0.035, right=0.455, top=0.85, bottom=0.03, hspace=0.16, wspace=0.05
    )
    for index, fraction in enumerate(fractions):
        axes = figure.add_subplot(left[divmod(index, columns)])
        boundaries = select(tables["boundaries"], fraction=fraction)
        _samples(axes, select(tables["samples"], fraction=fraction))
        _boundaries(axes, boundaries)
        error = select(boundaries, which="student")["error"][0]
        axes.set_title(f"r = {fraction:g}: error {error:.2f}", fontsize=7.5, pad=2.5)
    right = figure.add_gridspec(1, 1, left=0.565, right=0.93, top=0.85, bottom=0.1)
    _curves(figure.add_subplot(right[0]), tables)
    _legends(figure)
    style.letter(figure, 0.005, 0.985, "a")
    style.letter(figure, 0.485, 0.985, "b")
    return figure


def _samples(axes: "Axes", table: Table) -> None:
    for label, look in LABELS.items():
        found = select(table, label=float(label))
        axes.plot(
            found["x1"],
            found["x2"],
            linestyle="none",
            marker="o",
            markersize=2.2,
            markeredgewidth=0.5,
            **look,
        )
    axes.set_xlim(-REACH, REACH)
    axes.set_ylim(-REACH, REACH)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)


def _boundaries(axes: "Axes", table: Table) -> None:
    """Lines w.x = 0, and an arrow from the origin to the side that is called +1."""
    for which, look in BOUNDARIES.items():
        row = select(table, which=which)
        weights = np.array([row["w1"][0], row["w2"][0]])
        if not np.isfinite(weights).all():
            continue  # the sample is separable
        unit = weights / np.linalg.norm(weights)
        along = 2 * REACH * np.array([-unit[1], unit[0]])
        axes.plot(*np.transpose([-along, along]), linewidth=1.1, **look)
        arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
        arrow |= {"color": look["color"], "linewidth": 1.1, "linestyle": look["linestyle"]}
        axes.annotate("", (1.5 * unit[0], 1.5 * unit[1]), (0, 0), arrowprops=arrow)


def _curves(axes: "Axes", tables: Mapping[str, Table]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    lines, points = tables["lines"], tables["points"]
    for index, (score, rule, fraction) in enumerate(_names(lines)):
        look = {"score": score, "rule": rule}
        line = select(lines, **look, fraction=fraction)
        valid = line["limit"] < 1e-9
        kept, value = line["num_kept"], line["value"]
        if not valid.all():
            style.theory(axes, kept, line["limit"], **look, linewidth=0.6)
        value = np.where(value > (1 - SMALL) * line["limit"], value, np.nan)
        style.theory(axes, kept, value, **look)
        marker: dict[str, Any] = {} if rule == "KeepRandom" else {"marker": MARKERS[index - 1]}
        found = select(points, **look, **{"rule.fraction": fraction})
        pale = found["failed"] > MOST_FAILURES * found["num_replicates"]
        for some, alpha in ((~pale, 1.0), (pale, 0.35)):
            if some.any():
                x, y, sem = (found[name][some] for name in ("num_kept", "mean", "sem"))
                style.measured(axes, x, y, sem, **look, **marker, alpha=alpha)
        name = "random" if rule == "KeepRandom" else f"r = {fraction:g}"
        axes.annotate(
            name,
            (kept[-1], line["value"][-1]),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=style.SCORES[score],
        )
    axes.set_xlabel("budget m = r n, samples kept")
    axes.set_ylabel("error above the teacher's")


def _names(lines: Table) -> list[tuple[str, str, float]]:
    columns = (lines[name].tolist() for name in ("score", "rule", "fraction"))
    return list(dict.fromkeys(zip(*columns, strict=True)))


def _legends(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    grey: dict[str, Any] = {"color": style.GREY, "markerfacecolor": "white"}
    names = {"teacher": "teacher", "student": "student", "limit": r"student, $r\to 0$"}
    handles = [Line2D([], [], label=names[which], **look) for which, look in BOUNDARIES.items()]
    handles += [
        Line2D([], [], linestyle="none", marker="o", markersize=3, label=name, **look)
        for name, look in zip(("y = +1", "y = \u22121"), LABELS.values(), strict=True)
    ]
    options: dict[str, Any] = {"loc": "upper left", "columnspacing": 1.0, "handlelength": 2.2}
    options |= {"handletextpad": 0.5, "labelspacing": 0.3}
    handles = [handles[0], handles[3], handles[1], handles[4], handles[2]]
    figure.legend(handles=handles, ncols=3, bbox_to_anchor=(0.025, 1.0), **options)
    looks: dict[str, dict[str, Any]] = {
        "GraNd": {"color": style.SCORES["GraNd"]},
        "random": {"color": style.SCORES["Uniform"], **style.RULES["KeepRandom"]},
        r"limit $n\to\infty$": {"color": style.GREY, "linewidth": 0.6},
        "over 0.1 % separable": {"linestyle": "none", "marker": "v", "alpha": 0.4},
    }
    handles = [Line2D([], [], **(grey | look), label=name) for name, look in looks.items()]
    figure.legend(handles=handles, ncols=2, bbox_to_anchor=(0.55, 1.0), **options)
