"""Beating power laws, and where that ends: error against kept samples of a perceptron.

Keep the samples nearest to the probe's boundary. With a perfect probe the least error over the
kept fraction falls off a wall at 2 kept samples a dimension, Cover's capacity; with an imperfect
one the frontier bends back to a power law, c0 sin(theta)/alpha, and gains the constant factor
1/sin(theta) over random pruning, c0/alpha. Too small a fraction is then worse than random.

The student is that of maximum margin; alpha = f n/d counts kept samples, f is the kept fraction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import perceptron, problems
from experiments.fig4_frontier import frontier, judge_gains, law
from experiments.registry import Result
from experiments.tables import Table, from_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"


@dataclass(frozen=True)
class Config:
    """Configuration of fig4_perceptron_pareto.

    Args:
        seed: root of all keys.
        angles: of the probe to the teacher in degrees, a panel each.
        hardest, easiest: kept fractions f, a curve each.
        ratios: kept samples a dimension, along every curve.
        frontier_ratios: where the best f is sought.
        dim: of the points; limits are judged from its half, itself and its double.
        sample_ratio: n/d of the points, before pruning.
        measured: kept fractions of the points.
        judged: kept fraction at which limits are judged.
        replicates: of a point.
    """

    seed: int = 0
    angles: tuple[float, ...] = (0.0, 10.0, 20.0, 40.0)
    hardest: tuple[float, ...] = (0.5, 0.25, 0.125, 0.05, 0.02)
    easiest: tuple[float, ...] = (0.25,)
    ratios: tuple[float, ...] = (0.5, 1.2, 1.8, 2.2, 3.0, 5.0, 12.0, 50.0)
    frontier_ratios: tuple[float, ...] = (3.0, 10.0, 50.0)
    dim: int = 32
    sample_ratio: int = 16
    measured: tuple[float, ...] = (0.5, 0.25, 0.125)
    judged: float = 0.25
    replicates: int = 32


PRESETS = {
    "quick": Config(),
    "paper": Config(
        hardest=(0.8, 0.5, 0.25, 0.125, 0.05, 0.02),
        easiest=(0.5, 0.25, 0.05),
        ratios=tuple(np.geomspace(0.5, 100.0, 47).round(4).tolist()),
        frontier_ratios=tuple(np.geomspace(2.0, 100.0, 18).round(4).tolist()),
        dim=128,
        replicates=512,
    ),
}


@dataclass(frozen=True)
class Point:
    """A rule, its kept fraction and the angle of its probe."""

    rule: str
    fraction: float
    angle: float


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    found = [cell for point in _judged(config) for cell in _rungs(config, point)]
    return found + [_cell(config, point) for point in _points(config)]


def compute(config: Config, lab: "Lab") -> Result:
    """Theory first, while the cells are simulated in the background; then judge."""
    import nfl_sim as nfl

    lines = [row for curve in _curves(config) for row in _line(config, curve)]
    best, claims = frontier(config), judge_gains()
    ratio: Any = config.sample_ratio
    regime = nfl.Proportional(sample_ratio=ratio)
    verdicts = [
        lab.judge(_name(p), regime, _rungs(config, p)).verdict for p in _judged(config)
    ] + claims
    points = [_row(config, lab, point) for point in _points(config)]
    laws = [
        {"angle": angle, "ratio": ratio, "error": law(angle, ratio)}
        for angle, ratio in product(config.angles, (config.ratios[0], config.ratios[-1]))
    ]
    found = {"points": points, "lines": lines, "frontier": best, "laws": laws}
    return Result({name: from_rows(rows) for name, rows in found.items()}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """A panel an angle of the probe."""
    from experiments.fig4_panels import draw

    return draw(tables)


def build(point: Point) -> Any:
    """The problem of a point."""
    score = "Uniform" if point.rule == RANDOM else "Uncertainty"
    return perceptron.build(score, point.rule, point.fraction, angle=np.deg2rad(point.angle))


def _curves(config: Config) -> Iterator[Point]:
    """Random pruning depends on nothing but the kept ratio."""
    for angle in config.angles:
        yield Point(RANDOM, 1.0, angle)
        yield from (Point(HARD, f, angle) for f in config.hardest)
        yield from (Point(EASY, f, angle) for f in config.easiest)


def _points(config: Config) -> Iterator[Point]:
    for angle in config.angles:
        yield from (Point(rule, f, angle) for rule in (HARD, RANDOM) for f in config.measured)
        yield from (Point(EASY, f, angle) for f in config.measured if f in config.easiest)


def _judged(config: Config) -> list[Point]:
    first, *_, last = config.angles
    inner = config.angles[len(config.angles) // 2]
    where = ((HARD, first), (HARD, inner), (EASY, inner), (HARD, last), (RANDOM, first))
    return [Point(rule, config.judged, angle) for rule, angle in where]


def _cell(config: Config, point: Point) -> "Cell":
    from experiments.lab import Cell

    size = config.sample_ratio * config.dim
    return Cell(build(_anywhere(point)), config.dim, size, config.replicates)


def _rungs(config: Config, point: Point) -> "list[Cell]":
    from experiments.lab import Cell

    problem = build(_anywhere(point))
    dims = (config.dim // 2, config.dim, 2 * config.dim)
    return [Cell(problem, d, config.sample_ratio * d, config.replicates) for d in dims]


def _anywhere(point: Point) -> Point:
    """Random pruning has no probe: its cells are the same at every angle."""
    return Point(RANDOM, point.fraction, 0.0) if point.rule == RANDOM else point


def _line(config: Config, curve: Point) -> list[dict[str, Any]]:
    import nfl_sim as nfl

    name = {"rule": curve.rule, "fraction": curve.fraction, "angle": curve.angle}
    rows = []
    for ratio in config.ratios:
        sample_ratio: Any = ratio / curve.fraction
        regime = nfl.Proportional(sample_ratio)
        error = problems.curve([build(curve)], regime, ("error",))["error"][0]
        rows.append(name | {"ratio": ratio, "error": error})
    return rows


def _row(config: Config, lab: "Lab", point: Point) -> dict[str, Any]:
    cell = _cell(config, point)
    name = {"angle": point.angle, "ratio": point.fraction * config.sample_ratio}
    return lab.row(cell, lab.simulate(cell)) | name


def _name(point: Point) -> str:
    return f"{point.rule}, theta={point.angle:g}, f={point.fraction:g}"
