"""The score computed on the sample that is pruned: what it costs at 1/n, against the kept fraction.

Least squares: n E[excess risk] in units of sigma^2 d, for the hardest and the easiest residuals of
a perfect probe, of one fitted to a sample of its own, and of one fitted to the very sample (T15).
Logistic regression: the same of the student's direction, in units of the full sample's. No
same-sample probe goes below 1, the full sample; the ranking of the two rules is turned around.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import fig11_points, linear, logistic, style
from experiments.registry import Result
from experiments.tables import Table, from_rows, select
from experiments.verdicts import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

HARDEST, EASIEST, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"
PERFECT, FRESH, SAME = "perfect probe", "fresh sample", "same sample"
LINEAR, LOGISTIC = "linear", "logistic"
COLOURS = {PERFECT: style.SKY, FRESH: style.BLUE, SAME: style.VERMILION, RANDOM: style.BLACK}
PANELS = (
    (LINEAR, HARDEST, "least squares, hardest"),
    (LINEAR, EASIEST, "least squares, easiest"),
    (LOGISTIC, "", "logistic, direction"),
)


@dataclass(frozen=True)
class Config:
    """Configuration of fig11_same_sample.

    Args:
        seed: root of all keys.
        dim: of the covariates.
        signal: of the logistic teacher; that of least squares has length 1, and noise 1.
        fractions: kept, of the points of least squares.
        hardest, easiest: of those of logistic regression.
        sizes, logistic_sizes: from which a coefficient of 1/n is extrapolated.
        replicates, logistic_replicates: of a size.
        line_points: along a line.
    """

    seed: int = 0
    dim: int = 4
    signal: float = 2.0
    fractions: tuple[float, ...] = (0.3, 0.6, 0.9)
    hardest: tuple[float, ...] = (0.8, 0.9)
    easiest: tuple[float, ...] = (0.9,)
    sizes: tuple[int, ...] = (256, 512, 1024)
    logistic_sizes: tuple[int, ...] = (512, 1024, 2048)
    replicates: int = 1024
    logistic_replicates: int = 512
    line_points: int = 25


PRESETS = {
    "quick": Config(),
    "paper": Config(
        fractions=(0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        hardest=(0.75, 0.8, 0.85, 0.9, 0.95),
        easiest=(0.85, 0.9, 0.95),
        sizes=(1024, 2048, 4096),
        logistic_sizes=(1024, 2048, 4096),
        replicates=16384,
        logistic_replicates=8192,
        line_points=61,
    ),
}


@dataclass(frozen=True)
class Curve:
    """One curve: a model, a rule and the probe of its residuals."""

    model: str
    rule: str
    probe: str


def cells(config: Config) -> "list[Cell]":
    """Every point at every size."""
    return [cell for curve, r in _points(config) for cell in _cells(config, curve, r)]


def compute(config: Config, lab: "Lab") -> Result:
    """Extrapolate the coefficient of 1/n at every point, and hold it against the line."""
    lines = [row for curve in _curves() for row in _line(config, curve)]
    found = [_measured(config, lab, curve, fraction) for curve, fraction in _points(config)]
    points, verdicts = [row for row, _ in found], [verdict for _, verdict in found]
    return Result({"lines": from_rows(lines), "points": from_rows(points)}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """A panel a rule of least squares, and one of logistic regression."""
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(1, len(PANELS), figsize=(style.TEXT_WIDTH, 2.75))
    figure.subplots_adjust(left=0.075, right=0.985, bottom=0.15, top=0.79, wspace=0.3)
    for axes, (model, rule, title), name in zip(grid, PANELS, "abc", strict=True):
        _panel(axes, tables, model, (rule, RANDOM) if rule else (HARDEST, EASIEST, RANDOM))
        axes.set_title(title)
        axes.set_xlabel("kept fraction $r$")
        style.letter(figure, axes.get_position().x0 - 0.055, 0.86, name)
    grid[0].set_ylabel(r"$n\,E[\mathrm{excess\ risk}]\,/\,(\sigma^2 d)$")
    grid[2].set_ylabel(r"$E[\mathrm{angle}^2]$ / full sample's")
    _legend(figure)
    return figure


def problem(config: Config, curve: Curve, fraction: float) -> Any:
    """The problem of a point."""
    import nfl_sim as nfl

    names = ("EL2N", curve.rule, fraction)
    if curve.model == LINEAR:
        made = linear.build(*names, angle=0.0, norm=1.0, signal=1.0, noise_std=1.0, penalty=0.0)
    else:
        made = logistic.build(*names, angle=0.0, norm=config.signal, signal=config.signal)
    probes = {FRESH: nfl.scores.FreshProbe, SAME: nfl.scores.SameSampleProbe}
    if curve.probe not in probes:
        return made
    ratio = (1.0,) if curve.probe == FRESH else ()
    return replace(made, score=nfl.scores.EL2N(probes[curve.probe](*ratio)))


def _curves() -> Iterator[Curve]:
    for model in (LINEAR, LOGISTIC):
        yield Curve(model, RANDOM, RANDOM)
        for rule in (HARDEST, EASIEST):
            for probe in (PERFECT, FRESH, SAME):
                if model == LINEAR or probe != FRESH:
                    yield Curve(model, rule, probe)


def _points(config: Config) -> Iterator[tuple[Curve, float]]:
    several = {HARDEST: config.hardest, EASIEST: config.easiest, RANDOM: ()}
    for curve in _curves():
        for fraction in config.fractions if curve.model == LINEAR else several[curve.rule]:
            if curve.model == LINEAR or curve.probe == SAME:
                yield curve, fraction


def _cells(config: Config, curve: Curve, fraction: float) -> "list[Cell]":
    from experiments.lab import Cell

    is_linear, made = curve.model == LINEAR, problem(config, curve, fraction)
    sizes = config.sizes if is_linear else config.logistic_sizes
    count = config.replicates if is_linear else config.logistic_replicates
    return [Cell(made, config.dim, size, count) for size in sizes]


def _measured(
    config: Config, lab: "Lab", curve: Curve, fraction: float
) -> tuple[dict[str, Any], Verdict]:
    """The extrapolated coefficient and its verdict."""
    unit, cells = fig11_points.unit(config, curve.model), _cells(config, curve, fraction)
    probe = "" if curve.probe == RANDOM else f", {curve.probe}"
    claim = f"{curve.model} {curve.rule}{probe}, r={fraction:g}: coefficient of 1/n"
    judge = fig11_points.risk if curve.model == LINEAR else fig11_points.direction
    verdict = judge(lab, claim, cells, unit)
    row = vars(curve) | {"fraction": fraction, "value": verdict.measured, "sem": verdict.sem}
    return row, verdict


def _line(config: Config, curve: Curve) -> Iterator[dict[str, Any]]:
    """The coefficient along the fractions at which the model has a student."""
    lowest = 0.1 if curve.model == LINEAR else {EASIEST: 0.8}.get(curve.rule, 0.65)
    unit = fig11_points.unit(config, curve.model)
    for fraction in np.linspace(lowest, 0.99, config.line_points):
        made = problem(config, curve, float(fraction))
        value = fig11_points.coefficient(made, config.dim) / unit
        yield vars(curve) | {"fraction": float(fraction), "value": value}


def _panel(axes: "Axes", tables: Mapping[str, Table], model: str, rules: tuple[str, ...]) -> None:
    axes.axhline(1.0, color=style.GREY, linewidth=0.6, zorder=0)
    for curve in _curves():
        if curve.model != model or curve.rule not in rules:
            continue
        line, points = (select(tables[name], **vars(curve)) for name in ("lines", "points"))
        look: dict[str, Any] = {"score": "EL2N", "rule": curve.rule, "color": COLOURS[curve.probe]}
        style.theory(axes, line["fraction"], line["value"], **look)
        style.measured(axes, points["fraction"], points["value"], points["sem"], **look)
    axes.set_yscale("log")
    axes.set_ylim(*((0.1, 30.0) if model == LINEAR else (0.1, 5.0)))
    _name_values(axes, (0.1, 0.3, 1.0, 3.0, *((10.0, 30.0) if model == LINEAR else ())))


def _name_values(axes: "Axes", values: tuple[float, ...]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    axes.yaxis.set_major_locator(FixedLocator(values))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _legend(figure: "Figure") -> None:
    """Colours are probes, line styles and markers are rules."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=COLOURS[probe], label=f"EL2N, {probe}")
        for probe in (PERFECT, FRESH, SAME)
    ]
    for rule in (HARDEST, EASIEST, RANDOM):
        look: dict[str, Any] = style.RULES[rule] | {"markerfacecolor": "white"}
        name = style.RULE_NAMES[rule]
        handles.append(Line2D([], [], color=style.BLACK, label=name, **look))
    handles.append(Line2D([], [], color=style.GREY, linewidth=0.6, label="full sample"))
    figure.legend(handles=handles, loc="upper center", ncols=4, columnspacing=1.4)
