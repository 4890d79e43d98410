"""The panels of fig3: error and excess log-loss against r; the phases and their sharpness."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import fig3_phases, style
from experiments.errors import MOST_FAILURES
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RULES = ("KeepHardest", "KeepEasiest")
RISKS = (2e-4, 60.0)
ERRORS = (0.15, 0.8)
SPOTS = (2.25, 2.08)  # signals at which the asymptotes are named
SMALL = 0.1  # where C/n is below this part of 1 + limit, limit + C/n is drawn too
PENALISED: dict[str, Any] = {"markerfacecolor": style.YELLOW, "markersize": 3}
PHASES: dict[str, dict[str, Any]] = {
    "no student": {"marker": "x", "color": style.GREY, "markersize": 3.5},
    "worse than a coin": {"marker": "v", "color": style.VERMILION, "markersize": 3.2},
    "better": {
        "marker": "^",
        "color": style.VERMILION,
        "markerfacecolor": "white",
        "markersize": 3.2,
    },
}
SHADES = {"no student": "0.9", "worse than a coin": "#F7DDCF"}


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables points, lines, marks, phases, boundaries and shares."""
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 3, figsize=(style.TEXT_WIDTH, 4.5))
    for column, rule in enumerate(RULES):
        found = {name: _of_rule(table, rule) for name, table in tables.items() if "rule" in table}
        top, bottom = grid[0, column], grid[1, column]
        for axes in (top, bottom):
            _marks(axes, found["marks"], named=axes is top)
        _errors(top, found)
        _risks(bottom, found)
        top.set_title(f"keep the {style.RULE_NAMES[rule]}")
        if column:
            top.tick_params(labelleft=False)
            bottom.tick_params(labelleft=False)
    grid[0, 0].set_ylabel("error")
    grid[1, 0].set_ylabel("excess log-loss")
    _phases(grid[0, 2], tables)
    _shares(grid[1, 2], tables["shares"])
    _legend(figure, tables)
    figure.subplots_adjust(left=0.085, right=0.985, bottom=0.095, top=0.86, wspace=0.12, hspace=0.3)
    _make_room(grid[:, 2])
    for axes, name in zip(grid.flat, "abcdef", strict=True):
        box = axes.get_position()
        style.letter(figure, box.x0 - (0.075 if name in "ad" else 0.02), box.y1 + 0.045, name)
    return figure


def _marks(axes: "Axes", marks: Table, *, named: bool) -> None:
    """Where no student exists, and r_flip of every score that has one."""
    for score, r_sep, r_flip in zip(
        marks["score"].tolist(), marks["r_sep"], marks["r_flip"], strict=True
    ):
        look = {"color": style.SCORES[score], "linewidth": 0.7, "linestyle": (0, (2, 1.5))}
        if r_sep > 0.0:
            axes.axvspan(0.0, r_sep, color=SHADES["no student"], linewidth=0, zorder=0)
        for place, text in ((r_sep, r"$r_{\rm sep}$"), (r_flip, r"$r_{\rm flip}$")):
            if not place > 0.0:
                continue
            axes.axvline(place, **look, zorder=1)
            if named and score == "EL2N":
                offset = {"xytext": (2, -1), "textcoords": "offset points"}
                axes.annotate(
                    text,
                    (place, 1.0),
                    xycoords=axes.get_xaxis_transform(),
                    **offset,
                    va="top",
                    fontsize=7,
                    color=look["color"],
                )


def _errors(axes: "Axes", tables: Mapping[str, Table]) -> None:
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(*ERRORS)
    axes.axhline(0.5, color=style.GREY, linewidth=0.6, zorder=0)
    for name, line in _curves(tables["lines"]):
        style.theory(axes, line["fraction"], line["error"], **name, **_thin(line))
    for name, points in _curves(tables["points"]):
        _measured(axes, points, "error", "error_sem", name)


def _risks(axes: "Axes", tables: Mapping[str, Table]) -> None:
    axes.set_yscale("log")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(*RISKS)
    axes.set_xlabel("kept fraction r")
    size = float(tables["points"]["num_samples"].max())
    for name, line in _curves(tables["lines"]):
        if line["penalty"][0] > 0.0:
            continue
        limit, shift = _finite(line["limit"]), line["finite_size"] / size
        seen = np.where(limit > RISKS[0] / 10, limit, np.nan)
        if np.isfinite(seen).any():
            style.theory(axes, line["fraction"], seen, **name, linewidth=0.6)
        there = np.abs(shift) < SMALL * (1.0 + limit)
        style.theory(axes, line["fraction"], np.where(there, limit + shift, np.nan), **name)
    for name, points in _curves(tables["points"]):
        if points["learner.penalty"][0] > 0.0:
            continue
        x, share = points["rule.fraction"], points["failed"] / points["num_replicates"]
        _measured(axes, points, "mean", "sem", name)
        gone = share > 0.5
        look = {"color": style.SCORES[name["score"]], "linestyle": "none", "markersize": 5}
        axes.plot(
            x[gone],
            np.full(gone.sum(), 0.96),
            marker=r"$\uparrow$",
            transform=axes.get_xaxis_transform(),
            **look,
        )


def _measured(axes: "Axes", points: Table, mean: str, sem: str, name: dict[str, str]) -> None:
    """Points; pale if the mean is over the replicates that have a student, and some have none."""
    options = PENALISED if points["learner.penalty"][0] > 0.0 else {}
    pale = points["failed"] > MOST_FAILURES * points["num_replicates"]
    for some, alpha in ((~pale, 1.0), (pale, 0.35)):
        x, y, error = (points[column][some] for column in ("rule.fraction", mean, sem))
        if some.any():
            style.measured(axes, x, y, error, **name, **options, alpha=alpha)


def _phases(axes: "Axes", tables: Mapping[str, Table]) -> None:
    """Boundaries, their asymptotes, and the phase in which most replicates are."""
    line, points = tables["boundaries"], tables["phases"]
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    signal, r_sep, r_flip = (line[name] for name in ("signal", "r_sep", "r_flip"))
    axes.fill_between(signal, 1e-3, r_sep, color=SHADES["no student"], linewidth=0)
    axes.fill_between(signal, r_sep, r_flip, color=SHADES["worse than a coin"], linewidth=0)
    edges = zip((r_sep, r_flip), fig3_phases.asymptotes(), SPOTS, strict=True)
    for edge, constant, spot in edges:
        style.theory(axes, signal, edge, score="EL2N", rule="KeepHardest")
        above = constant / signal
        axes.plot(signal, above, color=style.BLACK, linewidth=0.7, linestyle=(0, (1, 1.2)))
        axes.annotate(
            f"{constant:.2f}$/\\beta$",
            (spot, constant / spot),
            xytext=(1.5, 1.0),
            textcoords="offset points",
            fontsize=7,
            rotation=-47,
            rotation_mode="anchor",
        )
    gone = points["separable"] > 0.5
    kinds = (gone, ~gone & (points["mean"] < 0.0), ~gone & (points["mean"] > 0.0))
    for look, kind in zip(PHASES.values(), kinds, strict=True):
        x, y = points["model.signal"][kind], points["rule.fraction"][kind]
        axes.plot(x, y, linestyle="none", markeredgewidth=0.8, **look)
    axes.set_xlim(signal.min(), signal.max())
    axes.set_ylim(0.04, 1.0)
    axes.set_yticks([0.05, 0.1, 0.2, 0.5, 1.0], ["0.05", "0.1", "0.2", "0.5", "1"])
    axes.set_xticks([0.25, 0.5, 1, 2, 4, 8], ["0.25", "0.5", "1", "2", "4", "8"])
    axes.minorticks_off()
    axes.set_xlabel(r"signal $\beta$", labelpad=1)
    axes.set_ylabel("kept fraction r", labelpad=1)
    axes.set_title("phases, keep the hardest")


def _shares(axes: "Axes", shares: Table) -> None:
    """The share of separable samples, and the chance that all kept labels contradict the probe."""
    from scipy.stats import binom

    r_sep = float(shares["r_sep"][0])
    ratios = np.linspace(0.85, 1.32, 241)
    sizes = np.unique(shares["num_samples"])
    for size, shade in zip(sizes, np.linspace(0.35, 1.0, len(sizes)), strict=True):
        look = {"score": "EL2N", "rule": "KeepHardest", "alpha": shade}
        chance = binom.sf(np.ceil(ratios * r_sep * size) - 1, size, r_sep)
        style.theory(axes, ratios * r_sep, chance, **look)
        points = select(shares, num_samples=size)
        share, count = points["separable"], points["num_replicates"]
        sem = np.sqrt(share * (1.0 - share) / count)
        style.measured(axes, points["rule.fraction"], share, sem, **look, label=f"n = {size}")
    axes.axvline(r_sep, color=style.SCORES["EL2N"], linewidth=0.7, linestyle=(0, (2, 1.5)))
    axes.set_xlim(ratios[0] * r_sep, ratios[-1] * r_sep)
    axes.set_ylim(-0.03, 1.06)
    axes.set_xlabel("kept fraction r")
    axes.set_ylabel("share without a student", labelpad=1)
    note = "lines: all\nkept\nlabels\nwrong"
    axes.text(0.04, 0.07, note, transform=axes.transAxes, fontsize=7, linespacing=1.1)
    axes.legend(loc="upper right", borderaxespad=0.0, handlelength=1.0, handletextpad=0.4)


def _make_room(column: Any) -> None:
    """The right column has axes of its own, whose labels need room."""
    for axes in column:
        box = axes.get_position()
        axes.set_position((box.x0 + 0.045, box.y0, box.width - 0.045, box.height))


def _legend(figure: "Figure", tables: Mapping[str, Table]) -> None:
    from matplotlib.lines import Line2D

    drawn = set(tables["points"]["score"].tolist())
    scores = [score for score in style.SCORES if score in drawn and score != "Uniform"]
    looks: list[dict[str, Any]] = [
        {"color": style.SCORES[s], "marker": "^", "label": s} for s in scores
    ]
    looks.append({"color": style.BLACK, "label": "random", **style.RULES["KeepRandom"]})
    penalty = tables["points"]["learner.penalty"].max()
    looks.append(
        {"color": style.SCORES["EL2N"], "marker": "^", "linewidth": 0.6, **PENALISED}
        | {"label": rf"penalty $10^{{{np.log10(penalty):.0f}}}$"}
    )
    white: dict[str, Any] = {"markerfacecolor": "white"}
    handles = [Line2D([], [], **(white | look)) for look in looks]
    figure.legend(
        handles=handles,
        loc="upper left",
        ncols=4,
        bbox_to_anchor=(0.06, 1.0),
        columnspacing=1.0,
        handlelength=2.0,
    )
    handles = [
        Line2D([], [], linestyle="none", label=name, markeredgewidth=0.8, **look)
        for name, look in PHASES.items()
    ]
    figure.legend(
        handles=handles,
        loc="upper right",
        ncols=2,
        bbox_to_anchor=(0.995, 1.0),
        columnspacing=0.8,
        handlelength=0.8,
        handletextpad=0.4,
    )


def _of_rule(table: Table, rule: str) -> Table:
    """The rows of a rule, and those of random pruning."""
    fits = (table["rule"] == rule) | (table["rule"] == "KeepRandom")
    return {name: column[fits] for name, column in table.items()}


def _curves(table: Table) -> list[tuple[dict[str, str], Table]]:
    """Name and rows of every curve: a score, a rule, with a penalty or without."""
    penalty = "penalty" if "penalty" in table else "learner.penalty"
    columns = (table[name].tolist() for name in ("score", "rule", penalty))
    return [
        ({"score": score, "rule": rule}, select(table, score=score, rule=rule, **{penalty: value}))
        for score, rule, value in dict.fromkeys(zip(*columns, strict=True))
    ]


def _thin(line: Table) -> dict[str, Any]:
    return {"linewidth": 0.6} if line["penalty"][0] > 0.0 else {}


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)
