"""Double descent under pruning: risk against the kept samples a dimension.

Pruning moves the student along its own double descent. What counts is the kept ratio r n/d: least
squares without a penalty peaks where as many samples are kept as there are dimensions, whatever
rule chose them; a penalty removes the peak and leaves what the rule did to the law.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear, logistic, perceptron, problems
from experiments.registry import Result
from experiments.tables import Table, from_rows
from experiments.verdicts import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

SCORES = {"Linear": "EL2N", "Logistic": "EL2N", "Perceptron": "Uncertainty"}
RANDOM = "KeepRandom"
RULES = ("KeepHardest", "KeepEasiest", RANDOM)
QUANTITIES = {"Linear": "excess_risk", "Logistic": "excess_error", "Perceptron": "excess_error"}
PEAK = 1.0  # kept samples a dimension


@dataclass(frozen=True)
class Config:
    """Configuration of fig6_double_descent.

    Args:
        seed: root of all keys.
        fraction: kept fraction r; random pruning keeps it too.
        angle: of the probe, which has the teacher's length.
        signal: |w0| of the logistic model; 1 in the others.
        noise_std: of the linear model.
        penalties: of the students, a row each.
        line_points: ratios along a theory line, besides those next to the peak.
        dim: of the points.
        sample_ratios: n/d of the points, before pruning.
        judged_ratio: n/d at which limits are judged.
        judged_dims: from which they are extrapolated.
        replicates: of a point.
    """

    seed: int = 0
    fraction: float = 0.5
    angle: float = 0.4
    signal: float = 2.0
    noise_std: float = 0.5
    penalties: tuple[float, ...] = (0.0, 0.01, 0.1, 1.0)
    line_points: int = 12
    dim: int = 64
    sample_ratios: tuple[float, ...] = (0.5, 4.0, 8.0)
    judged_ratio: int = 4
    judged_dims: tuple[int, ...] = (16, 32, 64)
    replicates: int = 64


PRESETS = {
    "quick": Config(),
    "paper": Config(
        line_points=81,
        dim=128,
        sample_ratios=(0.25, 0.5, 1.0, 1.5, 3.0, 4.0, 6.0, 8.0, 16.0),
        judged_dims=(32, 64, 128),
        replicates=1024,
    ),
}


@dataclass(frozen=True)
class Curve:
    """One curve of a panel."""

    model: str
    rule: str
    penalty: float


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    found = [cell for curve in _judged(config) for cell in _rungs(config, curve)]
    return found + [cell for curve in _curves(config) for cell in _cells(config, curve)]


def compute(config: Config, lab: "Lab") -> Result:
    """Theory first, while the cells are simulated in the background; then judge."""
    import nfl_sim as nfl

    lines = [row for curve in _curves(config) for row in _line(config, curve)]
    ratio: Any = config.judged_ratio
    regime = nfl.Proportional(sample_ratio=ratio)
    judged = [(_name(curve), _rungs(config, curve)) for curve in _judged(config)]
    verdicts: list[Verdict] = [lab.judge(name, regime, some).verdict for name, some in judged]
    points = [_row(lab, curve, cell) for curve in _curves(config) for cell in _cells(config, curve)]
    return Result({"points": from_rows(points), "lines": from_rows(lines)}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """Columns: models; rows: penalties."""
    from experiments.fig6_panels import draw

    return draw(tables)


def build(config: Config, curve: Curve) -> Any:
    """The problem of a curve."""
    score = "Uniform" if curve.rule == RANDOM else SCORES[curve.model]
    names = (score, curve.rule, config.fraction)
    rest: dict[str, Any] = {"angle": config.angle, "penalty": curve.penalty}
    if curve.model == "Linear":
        return linear.build(*names, **rest, norm=1.0, signal=1.0, noise_std=config.noise_std)
    if curve.model == "Perceptron":
        return perceptron.build(*names, **rest, learner="Ridge")
    signal = config.signal
    return logistic.build(*names, **rest, norm=signal, signal=signal, learner="Ridge")


def ratios(config: Config) -> np.ndarray:
    """n/d along a line: beside the peak, where the risk may have none, ever closer to it."""
    peak = PEAK / config.fraction
    near = peak * np.geomspace(1.02, 1.3, max(3, config.line_points // 8))
    far = np.geomspace(0.5 * config.sample_ratios[0], 2 * config.sample_ratios[-1], 2048)
    far = far[:: 2048 // config.line_points]
    every = np.concatenate([far, near, peak**2 / near])
    return np.unique(every[np.abs(np.log(every / peak)) > 0.01])


def _curves(config: Config) -> Iterator[Curve]:
    for names in product(SCORES, RULES, config.penalties):
        yield Curve(*names)


def _judged(config: Config) -> list[Curve]:
    """Every model and rule once, with penalties in turn; the last, so that all is resolved."""
    penalties = config.penalties[1:]
    names = product(SCORES, RULES)
    return [Curve(*name, penalties[i % len(penalties)]) for i, name in enumerate(names)]


def _cells(config: Config, curve: Curve) -> "list[Cell]":
    from experiments.lab import Cell

    problem = build(config, curve)
    sizes = [round(ratio * config.dim) for ratio in config.sample_ratios]
    return [Cell(problem, config.dim, size, config.replicates) for size in sizes]


def _rungs(config: Config, curve: Curve) -> "list[Cell]":
    from experiments.lab import Cell

    problem, ratio = build(config, curve), config.judged_ratio
    return [Cell(problem, d, ratio * d, 4 * config.replicates) for d in config.judged_dims]


def _line(config: Config, curve: Curve) -> list[dict[str, Any]]:
    import nfl_sim as nfl

    problem, quantity = build(config, curve), QUANTITIES[curve.model]
    rows: list[dict[str, Any]] = []
    for ratio in ratios(config):
        regime = nfl.Proportional(sample_ratio=ratio)
        value = problems.curve([problem], regime, (quantity,))[quantity][0]
        rows.append(_columns(curve) | {"kept_ratio": config.fraction * ratio, "value": value})
    return rows


def _row(lab: "Lab", curve: Curve, cell: "Cell") -> dict[str, Any]:
    simulation = lab.simulate(cell)
    row = lab.row(cell, simulation, QUANTITIES[curve.model])
    return row | _columns(curve) | {"kept_ratio": simulation.num_kept / cell.dim}


def _columns(curve: Curve) -> dict[str, Any]:
    return {"kind": curve.model, "curve_rule": curve.rule, "penalty": curve.penalty}


def _name(curve: Curve) -> str:
    return f"{curve.model} {SCORES[curve.model]} {curve.rule}, penalty={curve.penalty:g}"
