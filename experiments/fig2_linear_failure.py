"""Where score-based pruning fails: excess risk against the kept fraction, at a fixed budget.

Every point is a student trained on the same number of kept samples m, chosen out of n = m/r: the
only thing that changes along a curve is how hard the data were pruned. Random pruning is then a
flat line; EL2N and GraNd climb to a limit that depends on the probe's error delta alone, and the
label-free scores tend to the teacher however hard they prune, if not always fast.

A point is the mean at the largest of three sizes. Its residual is that of the limit extrapolated
from all three (`nfl_sim.compare`), or of the exact mean where that is known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear, problems
from experiments.registry import Result
from experiments.tables import Table, from_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Judgement, Lab
    from nfl_sim.problem import Regime

SCORES = ("EL2N", "GraNd", "Uncertainty", "Leverage")
RULES = ("KeepHardest", "KeepEasiest")
EXACT = ("Uncertainty", "Uniform")  # their mean is known exactly at every n


@dataclass(frozen=True)
class Config:
    """Configuration of fig2_linear_failure.

    Args:
        seed: root of all keys.
        signal: |w0|.
        noise_std: sigma.
        dim: dimension of the covariates.
        probe_ratios: |delta|^2 / sigma^2 of the probes, one column of panels each.
        fractions: kept fractions r that are simulated.
        kept: number of samples kept at the largest size; a half and a quarter of it at the others.
        replicates: at most this many a point and size.
        max_rows: and no more than this many rows a point, over all sizes.
        line_points: kept fractions along a theory line.
    """

    seed: int = 0
    signal: float = 1.0
    noise_std: float = 1.0
    dim: int = 2
    probe_ratios: tuple[float, ...] = (0.05, 0.5, 5.0)
    fractions: tuple[float, ...] = (0.001, 0.02, 0.3)
    kept: int = 80
    replicates: int = 512
    max_rows: int = 5_200_000
    line_points: int = 24


PRESETS = {
    "quick": Config(),
    "paper": Config(
        dim=4,
        fractions=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9),
        kept=256,
        replicates=1024,
        max_rows=15_000_000,
        line_points=64,
    ),
}


@dataclass(frozen=True)
class Point:
    """One point of a curve; the probe's ratio is nan where no probe is asked."""

    score: str
    rule: str
    ratio: float
    fraction: float


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    return [cell for point in _points(config) for cell in _cells(config, point)]


def compute(config: Config, lab: "Lab") -> Result:
    """Theory first, while the cells are simulated in the background; then judge every point."""
    curves = list(_curves(config))
    lines = [row for curve in curves for row in _line(config, curve)]
    limits = [_limit(config, curve) for curve in curves]
    rows: list[dict[str, Any]] = []
    verdicts = []
    for point in _points(config):
        judgement = lab.judge(_claim(point), _regime(config, point), _cells(config, point))
        verdicts.append(judgement.verdict)
        rows += _rows(config, lab, point, judgement)
    found = {"points": rows, "lines": lines, "limits": limits}
    return Result({name: from_rows(table) for name, table in found.items()}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """Rows: scores; columns: probes; a residual panel below each."""
    from experiments.fig2_panels import draw

    return draw(tables)


def _curves(config: Config) -> Iterator[Point]:
    yield Point("Uniform", "KeepRandom", np.nan, 1.0)
    for score, rule in product(SCORES, RULES):
        ratios = (np.nan,) if score == "Leverage" else config.probe_ratios
        yield from (Point(score, rule, ratio, 1.0) for ratio in ratios)


def _points(config: Config) -> Iterator[Point]:
    for curve, fraction in product(_curves(config), config.fractions):
        yield Point(curve.score, curve.rule, curve.ratio, fraction)


def _problem(config: Config, point: Point, fraction: float) -> Any:
    ratio = 0.0 if np.isnan(point.ratio) else point.ratio
    return linear.problem(
        point.score,
        point.rule,
        fraction,
        probe_ratio=ratio,
        signal=config.signal,
        noise_std=config.noise_std,
    )


def _cells(config: Config, point: Point) -> "list[Cell]":
    from experiments.lab import Cell, affordable

    budgets = [config.kept] if point.score in EXACT else [config.kept // k for k in (4, 2, 1)]
    sizes = [problems.samples_for(kept, point.fraction) for kept in budgets]
    replicates = affordable(config.replicates, config.max_rows, sum(sizes))
    problem = _problem(config, point, point.fraction)
    return [Cell(problem, config.dim, size, replicates) for size in sizes]


def _regime(config: Config, point: Point) -> "Regime":
    import nfl_sim as nfl

    if point.score in EXACT:
        size = problems.samples_for(config.kept, point.fraction)
        return nfl.FiniteSample(config.dim, size)
    return nfl.FixedDimension(config.dim)


def _claim(point: Point) -> str:
    what = "E[excess]" if point.score in EXACT else "limit"
    probe = "" if np.isnan(point.ratio) else f", |delta|^2/sigma^2={point.ratio:g}"
    return f"{what}: {point.score} {point.rule}, r={point.fraction:g}{probe}"


def _rows(config: Config, lab: "Lab", point: Point, judgement: "Judgement") -> list[dict[str, Any]]:
    pairs = list(zip(_cells(config, point), judgement.simulations, strict=True))
    extra = {"probe_ratio": point.ratio, "z": judgement.verdict.z}
    return [
        lab.row(cell, simulation) | extra | {"largest": int(cell is pairs[-1][0])}
        for cell, simulation in pairs
    ]


def _line(config: Config, curve: Point) -> list[dict[str, Any]]:
    import nfl_sim as nfl

    fractions = _grid(min(config.fractions), config.line_points)
    along = [_problem(config, curve, fraction) for fraction in fractions]
    found = problems.curve(along, nfl.FixedDimension(config.dim))
    limit, coefficient = found["excess_risk"], found["finite_size"]
    at_kept = linear.approach(limit, coefficient, config.kept, fractions, config.dim)
    columns = {"fraction": fractions, "limit": limit, "at_kept": at_kept}
    values = zip(*columns.values(), strict=True)
    return [_name(curve) | dict(zip(columns, row, strict=True)) for row in values]


def _grid(lowest: float, points: int) -> np.ndarray:
    """Fractions from ``lowest`` to 1, dense in log r and, near 1, in log (1 - r)."""
    left = np.geomspace(lowest, 0.5, points // 2)
    right = 1.0 - np.geomspace(0.5, 0.01, points - len(left))
    return np.append(np.concatenate([left, right[1:]]), 1.0)


def _limit(config: Config, curve: Point) -> dict[str, Any]:
    import nfl_sim as nfl

    problem = _problem(config, curve, 0.5)
    limit = nfl.small_fraction_limit(problem, nfl.FixedDimension(config.dim))
    return _name(curve) | {"limit": float(limit.excess_risk)}


def _name(curve: Point) -> dict[str, Any]:
    return {"score": curve.score, "rule": curve.rule, "probe_ratio": curve.ratio}
