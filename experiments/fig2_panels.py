"""The panels of fig2: a row of panels a score, a column a probe, residuals below."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import style
from experiments.tables import Table, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RANDOM = ("Uniform", "KeepRandom")
LIMITS = {  # the closed forms of the limits r -> 0
    "EL2N": r"$r\to 0$: $\sigma^4/|\delta|^2$ and $|\delta|^2$",
    "GraNd": r"$r\to 0$: $(\sqrt{|\delta|^2+\sigma^2}-|\delta|)^2$ and $|\delta|^2$",
    "Uncertainty": r"limit $n\to\infty$: 0 at every $r$",
    "Leverage": r"limit $n\to\infty$: 0 at every $r$",
}
CORNER: dict[str, Any] = {"ha": "right", "va": "top"}
HEIGHTS = {"EL2N": (8e-4, 40.0), "GraNd": (8e-4, 40.0)}
EDGE = 5.0  # of a residual panel, about where a claim disagrees
GAP = 0.012  # between the rows of panels


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables points, lines and limits."""
    import matplotlib.pyplot as plt

    ratios = np.unique(tables["lines"]["probe_ratio"])
    ratios = ratios[np.isfinite(ratios)]
    drawn = set(tables["lines"]["score"]) - {RANDOM[0]}
    scores = [score for score in style.SCORES if score in drawn]
    figure = plt.figure(figsize=(style.TEXT_WIDTH, 8.4))
    grid = figure.add_gridspec(
        2 * len(scores),
        len(ratios),
        height_ratios=[3.2, 1] * len(scores),
        left=0.1,
        right=0.985,
        top=0.915,
        bottom=0.065,
        hspace=0.0,
        wspace=0.08,
    )
    for row, score in enumerate(scores):
        _draw_row(figure, grid, row, score, ratios, tables)
    _spread(figure, len(scores), len(ratios))
    kept, dim = (int(tables["points"][name].max()) for name in ("num_kept", "dim"))
    figure.axes[-1 - 2 * (len(ratios) // 2)].set_xlabel(
        f"kept fraction r  ({kept} samples kept of {kept}/r, dimension {dim})"
    )
    _legend(figure)
    return figure


def _draw_row(
    figure: "Figure",
    grid: Any,
    row: int,
    score: str,
    ratios: np.ndarray,
    tables: Mapping[str, Table],
) -> None:
    main = below = None
    for column, ratio in enumerate(ratios):
        main = figure.add_subplot(grid[2 * row, column], sharey=main)
        below = figure.add_subplot(grid[2 * row + 1, column], sharey=below, sharex=main)
        for names in ((score, "KeepHardest"), (score, "KeepEasiest"), RANDOM):
            _draw_curve(main, below, *names, ratio, tables)
        _axes(main, below, first=column == 0, score=score)
        if row == 0:
            main.set_title(rf"$|\delta|^2/\sigma^2 = {ratio:g}$")
        colour = style.SCORES[score]
        main.text(0.97, 0.95, score, transform=main.transAxes, color=colour, **CORNER, fontsize=8)
        if column == 0:
            main.text(0.97, 0.83, LIMITS[score], transform=main.transAxes, **CORNER, fontsize=7)


def _draw_curve(
    main: "Axes",
    below: "Axes",
    score: str,
    rule: str,
    ratio: float,
    tables: Mapping[str, Table],
) -> None:
    look = {"score": score, "rule": rule}
    line = _of(tables["lines"], score, rule, ratio)
    style.theory(main, line["fraction"], _positive(line["at_kept"]), **look)
    style.theory(main, line["fraction"], _positive(line["limit"]), **look, linewidth=0.6)
    points = select(_of(tables["points"], score, rule, ratio), largest=1)
    x = points["rule.fraction"]
    style.measured(main, x, points["mean"], points["sem"], **look)
    inside = np.clip(points["z"], -EDGE, EDGE)  # beyond the panel: on its edge
    style.measured(below, x, inside, np.zeros(len(x)), **look, markersize=3, clip_on=False)
    limit = float(_of(tables["limits"], score, rule, ratio)["limit"][0])
    if limit > 0.0:
        _mark_limit(main, limit, score, rule)


def _mark_limit(main: "Axes", limit: float, score: str, rule: str) -> None:
    """A marker on the left edge, filled for the hardest, open for the easiest."""
    colour = style.SCORES[score]
    main.plot(
        [0.0],
        [limit],
        marker=">",
        color=colour,
        markerfacecolor=colour if rule == "KeepHardest" else "white",
        markersize=4.5,
        clip_on=False,
        transform=main.get_yaxis_transform(),
        zorder=4,
    )


def _axes(main: "Axes", below: "Axes", *, first: bool, score: str) -> None:
    main.set_xscale("log")
    main.set_yscale("log")
    main.set_xlim(7e-4, 1.3)
    if score in HEIGHTS:
        main.set_ylim(*HEIGHTS[score])
    main.tick_params(labelbottom=False, which="both")
    below.set_ylim(-EDGE, EDGE)
    below.set_yticks([-3, 0, 3])
    below.minorticks_off()
    below.axhspan(-2, 2, color="0.93", linewidth=0)
    below.axhline(0, color="0.5", linewidth=0.5, zorder=1)
    if first:
        main.set_ylabel("excess risk")
        below.set_ylabel("residual\n(sem)", fontsize=7)
    else:
        main.tick_params(labelleft=False)
        below.tick_params(labelleft=False)


def _spread(figure: "Figure", rows: int, columns: int) -> None:
    """Open gaps between the rows of panels; only the lowest carries values of r."""
    for index, axes in enumerate(figure.axes):
        row = index // (2 * columns)
        place = axes.get_position()
        shift = GAP * ((rows - 1) / 2 - row)
        axes.set_position((place.x0, place.y0 + shift, place.width, place.height * 0.97))
        if row < rows - 1:
            axes.tick_params(labelbottom=False)


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    error_bar: dict[str, Any] = {"marker": "|", "linestyle": "none", "markersize": 9}
    error_bar |= {"color": style.GREY, "markeredgewidth": 0.8}
    handles = [
        Line2D(
            [],
            [],
            color=style.BLACK if rule == "KeepRandom" else style.GREY,
            label=name,
            markerfacecolor="white",
            **style.RULES[rule],
        )
        for rule, name in style.RULE_NAMES.items()
    ]
    handles += [
        Line2D([], [], color=style.GREY, linewidth=0.6, label=r"limit $n\to\infty$"),
        Line2D([], [], color=style.GREY, marker=">", linestyle="none", label=r"limit $r\to 0$"),
        Line2D([], [], **error_bar, label=r"$\pm$ 2 sem"),
    ]
    figure.legend(
        handles=handles, loc="upper center", ncols=6, columnspacing=1.2, bbox_to_anchor=(0.53, 1.0)
    )


def _of(table: Table, score: str, rule: str, ratio: float) -> Table:
    """The rows of a curve; a curve that asks no probe has no ratio and fits every column."""
    found = select(table, score=score, rule=rule)
    fits = np.isnan(found["probe_ratio"]) | (found["probe_ratio"] == ratio)
    return {name: column[fits] for name, column in found.items()}


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 1e-12, values, np.nan)
