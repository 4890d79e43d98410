"""Where score-based pruning of logistic regression fails: error and log-loss against r.

A score that knows the label is wrong at every r < 1. Keeping the hardest, the student becomes
worse than a coin below r_flip, and below r_sep there is none: the kept labels all contradict the
probe, the excess log-loss is infinite, and the error that of the direction in which the student
diverges. Both fractions have a law of their own in the signal (phase diagram).

All samples have the same size n before pruning. A point is a mean over the replicates that have a
student; where none has, the share of these replicates is what was measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import errors, fig3_phases, logistic, problems
from experiments.registry import Result
from experiments.tables import Table, from_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab
    from nfl_sim.problem import Regime

HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"
SCORES = ("EL2N", "GraNd", "Uncertainty", "Leverage")
EQUIVALENT = ("EL2N", "Loss", "Margin")  # they keep the same samples, and share a curve
LABEL_FREE = ("Uncertainty", "Leverage", "Uniform")  # their errors tend to the teacher's
LEAST = 0.03  # the smallest fraction of a line


@dataclass(frozen=True)
class Config:
    """Configuration of fig3_logistic_failure.

    Args:
        seed: root of all keys.
        signal: |w0|.
        angle, norm: the probe.
        dim: dimension of the covariates.
        samples: n, before pruning; limits are judged from it, its half and its quarter.
        fractions: kept fractions r of the points.
        penalty: a small one, with which a student exists also below r_sep.
        replicates: of a point.
        judged_replicates: of a point and size from which a limit is judged; twice that, where
            it is that no student exists.
        line_points: kept fractions along a theory line.
        signals, phase_fractions: the grid of the phase diagram.
        share_ratios: r / r_sep at which separable samples are counted.
        share_replicates: of each of these points.
    """

    seed: int = 0
    signal: float = 2.0
    angle: float = 0.6
    norm: float = 2.0
    dim: int = 4
    samples: int = 4096
    fractions: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    penalty: float = 1e-4
    replicates: int = 64
    judged_replicates: int = 256
    line_points: int = 41
    signals: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 7.0)
    phase_fractions: tuple[float, ...] = (0.05, 0.1, 0.2, 0.28, 0.45, 0.62, 0.8, 0.95)
    share_ratios: tuple[float, ...] = (0.9, 0.96, 1.0, 1.04, 1.1, 1.2, 1.3)
    share_replicates: int = 128


PRESETS = {
    "quick": Config(),
    "paper": Config(
        fractions=tuple(np.linspace(0.05, 0.95, 19).round(2).tolist()),
        replicates=1024,
        judged_replicates=4096,
        line_points=121,
        share_ratios=tuple(np.linspace(0.76, 1.32, 15).round(2).tolist()),
        share_replicates=2048,
    ),
}


@dataclass(frozen=True)
class Point:
    """One point of a curve."""

    score: str
    rule: str
    fraction: float
    penalty: float = 0.0


JUDGED = (
    Point("EL2N", HARD, 0.4),
    Point("Margin", HARD, 0.6),
    Point("Loss", HARD, 0.8),
    Point("EL2N", EASY, 0.8),
    Point("GraNd", HARD, 0.4),
    Point("GraNd", HARD, 0.6),
    Point("GraNd", EASY, 0.6),
    Point("Uncertainty", HARD, 0.4),
    Point("Leverage", EASY, 0.4),
)
NOWHERE = (Point("EL2N", HARD, 0.26), Point("Loss", EASY, 0.6))  # below r_sep
ERRORS = (Point("EL2N", HARD, 0.4), Point("Loss", HARD, 0.8), Point("EL2N", EASY, 0.8))


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    judged = [cell for point in (*JUDGED, *NOWHERE) for cell in _rungs(config, point)]
    points = [_cell(config, point) for point in _points(config)]
    return judged + points + fig3_phases.cells(config, _separability(config, JUDGED[0]))


def compute(config: Config, lab: "Lab") -> Result:
    """Theory first, while the cells are simulated in the background; then judge."""
    import nfl_sim as nfl

    regime = nfl.FixedDimension(config.dim)
    lines = [row for curve in _curves(config) for row in _line(config, regime, curve)]
    marks = [_mark(config, regime, *names) for names in product(EQUIVALENT[:1], (HARD, EASY))]
    marks.append(_mark(config, regime, "GraNd", HARD))
    claims = [(_claim("limit", point), point) for point in JUDGED]
    claims += [(_claim("no student", point), point) for point in NOWHERE]
    verdicts = [lab.judge(claim, regime, _rungs(config, p)).verdict for claim, p in claims]
    verdicts += [errors.judge(lab, _claim("error", p), regime, _rungs(config, p)) for p in ERRORS]
    points = [_row(lab, _cell(config, point)) for point in _points(config)]
    found = {"points": points, "lines": lines, "marks": marks}
    phases = fig3_phases.compute(config, lab, marks[0]["r_sep"])
    tables = {name: from_rows(table) for name, table in found.items()} | dict(phases.tables)
    return Result(tables, verdicts + phases.verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """Columns: hardest, easiest, phases; rows: error, excess log-loss."""
    from experiments.fig3_panels import draw

    return draw(tables)


def build(config: Config, point: Point) -> Any:
    """The problem of a point."""
    numbers = {"angle": config.angle, "norm": config.norm, "signal": config.signal}
    names = (point.score, point.rule, point.fraction)
    return logistic.build(*names, **numbers, penalty=point.penalty)


def _curves(config: Config) -> Iterator[Point]:
    yield Point("Uniform", RANDOM, 1.0)
    for score, rule in product(SCORES, (HARD, EASY)):
        yield Point(score, rule, 1.0)
    for rule in (HARD, EASY):
        yield Point("EL2N", rule, 1.0, config.penalty)


def _points(config: Config) -> Iterator[Point]:
    """Scores whose curves coincide, here or in the error, take turns along the fractions."""
    for turn, rule in enumerate((HARD, EASY)):
        edge = _separability(config, Point("EL2N", rule, 1.0))
        for index, fraction in enumerate(config.fractions):
            yield Point(EQUIVALENT[index % 3], rule, fraction)
            yield Point("GraNd", rule, fraction)
            free = LABEL_FREE[(index + turn) % 3]
            yield Point(free, RANDOM if free == "Uniform" else rule, fraction)
            if fraction <= edge:
                yield Point("EL2N", rule, fraction, config.penalty)


def _cell(config: Config, point: Point) -> "Cell":
    from experiments.lab import Cell

    return Cell(build(config, point), config.dim, config.samples, config.replicates)


def _rungs(config: Config, point: Point) -> "list[Cell]":
    from experiments.lab import Cell

    sizes = [config.samples // k for k in (4, 2, 1)]
    problem, count = build(config, point), config.judged_replicates * (1 + (point in NOWHERE))
    return [Cell(problem, config.dim, size, count) for size in sizes]


def _row(lab: "Lab", cell: "Cell") -> dict[str, Any]:
    simulation = lab.simulate(cell)
    error = {"error": simulation.error.mean, "error_sem": simulation.error.sem}
    return lab.row(cell, simulation) | error


def _separability(config: Config, point: Point) -> float:
    import nfl_sim as nfl

    unpenalised = build(config, replace(point, penalty=0.0))
    return float(nfl.separability_fraction(unpenalised, nfl.FixedDimension(config.dim)))


def _line(config: Config, regime: "Regime", curve: Point) -> list[dict[str, Any]]:
    """Limits along r, on both sides of the jump at r_sep; with a penalty only below it."""
    edge = _separability(config, curve)
    fractions = np.linspace(LEAST, 1.0, config.line_points)
    if edge > LEAST:
        near = edge + (1.0 - edge) * np.geomspace(1e-3, 0.1, config.line_points // 4)
        fractions = np.unique(np.concatenate([fractions, [edge], near]))
    if curve.penalty > 0.0:
        fractions = fractions[fractions <= edge]
    along = [build(config, replace(curve, fraction=fraction)) for fraction in fractions]
    names = ("error", "excess_risk", "finite_size")
    found = problems.curve(along, regime, names)
    name = {"score": curve.score, "rule": curve.rule, "penalty": curve.penalty}
    rows = zip(fractions, *(found[n] for n in names), strict=True)
    columns = ("fraction", "error", "limit", "finite_size")
    return [name | dict(zip(columns, row, strict=True)) for row in rows]


def _mark(config: Config, regime: "Regime", score: str, rule: str) -> dict[str, Any]:
    """Where a curve ends and where it crosses the coin."""
    import nfl_sim as nfl

    problem = build(config, Point(score, rule, 0.5))
    return {
        "score": score,
        "rule": rule,
        "r_sep": float(nfl.separability_fraction(problem, regime)),
        "r_flip": float(nfl.flip_fraction(problem, regime)),
    }


def _claim(what: str, point: Point) -> str:
    return f"{what}: {point.score} {point.rule}, r={point.fraction:g}"
