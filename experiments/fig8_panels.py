"""The panels of fig8: limits; variance, error and bias of calibration; the ceiling."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import style
from experiments.fig8_calibration import EXACT, HARDEST, RANDOM, SETTINGS, SOFT
from experiments.fig8_ceiling import MODELS
from experiments.tables import Table, length, select

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAINS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
RATIO_LOOKS: dict[str, dict[str, Any]] = {
    "risk": {"linewidth": 1.2, "alpha": 1.0},
    "bias": {"linewidth": 0.8, "alpha": 0.55},
}
LEVEL: dict[str, Any] = {"color": style.GREY, "linewidth": 0.7, "zorder": 0}


def draw(tables: Mapping[str, Table]) -> "Figure":
    """The figure, from the tables that `fig8_calibration.compute` makes."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(style.TEXT_WIDTH, 6.9))
    sides: dict[str, float] = {"left": 0.085, "right": 0.985, "bottom": 0.06, "top": 0.9}
    grid = figure.add_gridspec(3, 6, hspace=0.5, wspace=1.35, **sides)
    first, second = (
        [figure.add_subplot(grid[i, 2 * j : 2 * j + 2]) for j in range(3)] for i in (0, 1)
    )
    third = [figure.add_subplot(grid[2, 3 * j : 3 * j + 3]) for j in range(2)]
    for axes, names in zip(first, SETTINGS, strict=True):
        _limits(axes, tables, *names)
    first[0].set_ylabel("limit of the excess risk")
    for axes, panel in zip(second, (_variances, _errors, _biases), strict=True):
        panel(axes, tables)
    for axes, kind in zip(third, MODELS, strict=True):
        _ceilings(axes, tables, kind)
    third[0].set_ylabel("gain over random pruning")
    _legend(figure)
    for axes, name in ((first[0], "a"), *zip(second, "bcd", strict=True), (third[0], "e")):
        corner = axes.get_position()
        style.letter(figure, corner.x0 - 0.075, corner.y1 + 0.028, name)
    return figure


def _curves(table: Table) -> list[tuple[str, str, float]]:
    names = (table[f"curve_{name}"].tolist() for name in ("score", "rule", "mixing"))
    return list(dict.fromkeys(zip(*names, strict=True)))


def _curve(table: Table, score: str, rule: str, mixing: float) -> Table:
    return select(table, curve_score=score, curve_rule=rule, curve_mixing=mixing)


def _limits(axes: "Axes", tables: Mapping[str, Table], kind: str, score: str) -> None:
    lines = select(tables["limit_lines"], kind=kind, curve_score=score)
    points = select(tables["limit_points"], kind=kind, curve_score=score)
    for _, rule, mixing in _curves(lines):
        look = {"score": score, "rule": rule}
        line = _curve(lines, score, rule, mixing)
        at = _curve(points, score, rule, mixing)
        style.theory(axes, line["kept"], line["limit"], **look)
        style.measured(axes, at["kept"], at["limit"], at["limit_sem"], **look)
        if rule == SOFT:
            end = (line["kept"][0], line["limit"][0])
            _name(axes, rf"$\alpha={mixing:g}$", end, (-2, 0), ha="right", va="center")
    soft = select(lines, curve_rule=SOFT)["limit"].max()
    axes.set_ylim(-0.06 * soft, 1.6 * soft)
    _share_axis(axes, 0.3 * lines["kept"].min())
    axes.set_title(f"{kind}, {score}")


def _name(axes: "Axes", text: str, at: Any, offset: tuple[float, float], **align: Any) -> None:
    axes.annotate(text, at, xytext=offset, textcoords="offset points", fontsize=7, **align)


def _share_axis(axes: "Axes", least: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(0.85 * least, 1.1)
    axes.xaxis.set_major_locator(FixedLocator([0.02, 0.05, 0.1, 0.2, 0.5, 1.0]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("kept fraction, $r$")


def _variances(axes: "Axes", tables: Mapping[str, Table]) -> None:
    lines, points, optima = (tables[n] for n in ("variance_lines", "variance_points", "optima"))
    look = {"score": "EL2N", "rule": EXACT}
    for row in range(length(optima)):
        quality = optima["quality"][row]
        line, at = select(lines, quality=quality), select(points, quality=quality)
        style.theory(axes, line["mixing"], line["value"], **look)
        style.measured(axes, at["curve_mixing"], at["variance"], at["variance_sem"], **look)
        where = (optima["mixing"][row], optima["value"][row])
        axes.plot(*where, marker="|", color=style.BLACK, markersize=8, zorder=4)
    shown = ", ".join(f"{quality:g}" for quality in optima["quality"][::-1])
    name = rf"$|\delta|^2/\sigma^2=$ {shown}" + "\nfrom left to right"
    axes.annotate(name, (0.03, 0.97), xycoords="axes fraction", va="top", fontsize=7)
    axes.axhline(1.0, color=style.BLACK, linestyle=style.RULES[RANDOM]["linestyle"])
    axes.axhline(optima["bound"][0], **LEVEL)
    where = (0.02, optima["bound"][0])
    axes.annotate(
        r"$\max(2/\pi,\,r)$",
        where,
        xytext=(0, -2),
        textcoords="offset points",
        va="top",
        fontsize=7,
    )
    axes.set_ylim(optima["bound"][0] - 0.12, 1.75)
    axes.set_xlabel(r"mixing, $\alpha$")
    axes.set_ylabel(r"variance, $rC/(\sigma^2 d)$")
    axes.set_title(f"exact, r = {optima['kept'][0]:g}")


def _errors(axes: "Axes", tables: Mapping[str, Table]) -> None:
    lines, points = tables["error_lines"], tables["error_points"]
    for curve in _curves(lines):
        look = {"score": curve[0], "rule": curve[1]}
        line, at = _curve(lines, *curve), _curve(points, *curve)
        style.theory(axes, line["samples"], line["value"], **look)
        style.measured(axes, at["num_samples"], at["mean"], at["sem"], **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("number of samples, $n$")
    axes.set_ylabel("excess risk")
    axes.set_title("Linear, EL2N, against $n$")


def _biases(axes: "Axes", tables: Mapping[str, Table]) -> None:
    lines, points = tables["ratio_lines"], tables["ratio_points"]
    for rule in (EXACT, SOFT):
        look = {"score": "EL2N", "rule": rule}
        line, at = select(lines, curve_rule=rule), select(points, curve_rule=rule)
        for name, width in RATIO_LOOKS.items():
            style.theory(axes, line["ratio"], line[name], **look, **width)
            style.measured(axes, at["ratio"], at[name], at[f"{name}_sem"], **look)
            if rule == EXACT:
                end = (line["ratio"][-1], line[name][-1])
                shown = "risk" if name == "risk" else r"bias$^2$"
                _name(axes, shown, end, (0, 10 if name == "bias" else -14), ha="right")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("samples a dimension, $n/d$")
    axes.set_title("Linear, EL2N, $n/d$ fixed")


def _ceilings(axes: "Axes", tables: Mapping[str, Table], kind: str) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    lines = select(tables["ceiling_lines"], kind=kind)
    points = select(tables["ceiling_points"], kind=kind)
    ceilings = select(lines, curve="ceiling")
    for label in np.unique(ceilings["label"]):
        line = select(ceilings, label=label)
        axes.plot(line["kept"], line["gain"], color=style.GREY, linewidth=0.9)
    shown = [r"\infty" if math.isinf(x) else f"{x:g}" for x in np.unique(ceilings["label"])]
    name, order = ("d", "above") if kind == "Linear" else (r"\beta", "below")
    name = rf"${name} = $ ${'$, $'.join(shown)}$, from {order}"
    axes.annotate(name, (0.99, 0.99), xycoords="axes fraction", ha="right", va="top", fontsize=7)
    for curve, rule in (("calibration", EXACT), ("top", HARDEST)):
        line = select(lines, curve=curve)
        style.theory(axes, line["kept"], line["gain"], score="EL2N", rule=rule)
    look = {"score": "Influence", "rule": "ImportanceSampling"}
    gain, sem = points["gain"], points["sem"]
    style.measured(axes, points["kept"], gain, sem, **look)
    axes.axhline(1.0, color=style.BLACK, linestyle=style.RULES[RANDOM]["linestyle"])
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(GAINS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda gain, _: f"{gain:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    if kind == "Linear":
        axes.set_ylim(0.45, 3.0)
    _share_axis(axes, ceilings["kept"].min())
    below = "" if kind == "Linear" else r", $d=5$"
    axes.set_title(f"{kind}: ceilings{below}")


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    names = [(score, HARDEST) for score in ("EL2N", "GraNd")]
    names += [("EL2N", SOFT), ("EL2N", EXACT), ("Uniform", RANDOM)]
    names.append(("Influence", "ImportanceSampling"))
    handles = [
        Line2D(
            [],
            [],
            color=style.SCORES[score],
            markerfacecolor="white",
            **style.RULES[rule],
            label=style.curve_name(score, rule),
        )
        for score, rule in names
    ]
    handles.append(Line2D([], [], color=style.GREY, linewidth=0.9, label="ceiling, bound"))
    figure.legend(handles=handles, loc="upper center", ncols=4, columnspacing=1.2)
