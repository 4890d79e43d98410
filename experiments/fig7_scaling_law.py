"""The scaling law that breaks: excess risk against the sample size, at fixed kept fractions.

An invalid rule flattens at E(r) while random pruning goes on as 1/n, so that random wins beyond a
crossover n*(r) however good the score looked before it (T8). A label-free score keeps the 1/n. In
the logistic model random pruning wins from the outset.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear, logistic, problems
from experiments.registry import Result
from experiments.tables import Table, from_rows
from experiments.verdicts import Verdict, of_sign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

CURVES = (
    ("Uniform", "KeepRandom"),
    ("EL2N", "KeepHardest"),
    ("EL2N", "KeepEasiest"),
    ("Uncertainty", "KeepHardest"),
)
INVALID = tuple(names for names in CURVES if names[0] == "EL2N")
EXACT = ("Uncertainty", "Uniform")  # in the linear model their mean is known at every n
MODELS = ("linear", "logistic")


@dataclass(frozen=True)
class Config:
    """Configuration of fig7_scaling_law.

    Args:
        seed: root of all keys.
        signal: |w0|.
        noise_std: sigma, linear.
        dim: dimension of the covariates.
        probe_ratio: |delta|^2 / sigma^2 of the probe, linear.
        probe_angle: of the probe, of the teacher's length, logistic.
        fractions, logistic_fractions: kept fractions r, one panel each.
        kept, logistic_kept: numbers of samples kept, the points of every curve.
        replicates: at most this many a point.
        max_rows: and no more than this many rows a point.
    """

    seed: int = 0
    signal: float = 1.0
    noise_std: float = 1.0
    dim: int = 5
    probe_ratio: float = 0.1
    probe_angle: float = 0.3
    fractions: tuple[float, ...] = (0.1, 0.5)
    kept: tuple[int, ...] = (16, 64, 256, 1024)
    logistic_fractions: tuple[float, ...] = (0.85, 0.95)
    logistic_kept: tuple[int, ...] = (128, 256, 512, 1024)
    replicates: int = 1024
    max_rows: int = 2_000_000


PRESETS = {
    "quick": Config(),
    "paper": Config(
        fractions=(0.02, 0.1, 0.5),
        kept=(12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024),
        logistic_fractions=(0.8, 0.9, 0.95),
        logistic_kept=(128, 192, 256, 384, 512, 768, 1024, 1536, 2048),
        replicates=16384,
        max_rows=10_000_000,
    ),
}


@dataclass(frozen=True)
class Curve:
    """One curve of a panel."""

    model: str
    score: str
    rule: str
    fraction: float

    @property
    def is_exact(self) -> bool:
        """Whether the mean is known at every n, and not only its limit and 1/n term."""
        return self.model == "linear" and self.score in EXACT


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    return [cell for panel in _panels(config) for curve in panel for cell in _cells(config, curve)]


def compute(config: Config, lab: "Lab") -> Result:
    """Simulate the curves, judge limits, exact means and crossovers."""
    lines: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    crossovers: list[dict[str, Any]] = []
    verdicts: list[Verdict] = []
    for random, *others in _panels(config):
        baseline = _points(config, lab, random)
        verdicts += _judge(config, lab, random)
        lines, points = lines + _line(config, random), points + baseline
        for curve in others:
            found, crossover = _points(config, lab, curve), _crossover(config, curve)
            verdicts += _judge(config, lab, curve)
            if (curve.score, curve.rule) in INVALID:
                verdicts += _sides(config, curve, crossover, found, baseline)
            lines, points = lines + _line(config, curve), points + found
            crossovers.append(asdict(curve) | {"crossover": crossover})
    found = {"points": points, "lines": lines, "crossovers": crossovers}
    return Result({name: from_rows(table) for name, table in found.items()}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """A row of panels a model, a panel a fraction."""
    from experiments.fig7_panels import draw

    return draw(tables)


def _panels(config: Config) -> Iterator[list[Curve]]:
    """The curves of every panel, random pruning first."""
    for model in MODELS:
        for fraction in config.fractions if model == "linear" else config.logistic_fractions:
            yield [Curve(model, *names, fraction) for names in CURVES]


def _problem(config: Config, curve: Curve) -> Any:
    names, signal = (curve.score, curve.rule, curve.fraction), config.signal
    if curve.model == "logistic":
        return logistic.build(*names, angle=config.probe_angle, norm=signal, signal=signal)
    numbers = {"probe_ratio": config.probe_ratio, "noise_std": config.noise_std}
    return linear.problem(*names, signal=signal, **numbers)


def _kept(config: Config, curve: Curve) -> tuple[int, ...]:
    return config.kept if curve.model == "linear" else config.logistic_kept


def _cells(config: Config, curve: Curve) -> "list[Cell]":
    from experiments.lab import Cell, affordable

    problem = _problem(config, curve)
    sizes = [problems.samples_for(kept, curve.fraction) for kept in _kept(config, curve)]
    replicates = [affordable(config.replicates, config.max_rows, size) for size in sizes]
    return [
        Cell(problem, config.dim, size, count)
        for size, count in zip(sizes, replicates, strict=True)
    ]


def _points(config: Config, lab: "Lab", curve: Curve) -> list[dict[str, Any]]:
    rows = [lab.row(cell, lab.simulate(cell)) for cell in _cells(config, curve)]
    return [row | asdict(curve) for row in rows]


def _judge(config: Config, lab: "Lab", curve: Curve) -> Iterator[Verdict]:
    """The exact mean at every size where it is known; else the limit, from the largest three."""
    import nfl_sim as nfl

    cells = _cells(config, curve)
    if not curve.is_exact:
        regime = nfl.FixedDimension(config.dim)
        yield lab.judge(f"plateau: {_name(curve)}", regime, cells[-3:]).verdict
        return
    for cell in cells:
        regime = nfl.FiniteSample(config.dim, cell.num_samples)
        yield lab.judge(f"E[excess]: {_name(curve)}, n={cell.num_samples}", regime, [cell]).verdict


def _sides(
    config: Config,
    curve: Curve,
    crossover: float,
    rows: list[dict[str, Any]],
    random: list[dict[str, Any]],
) -> Iterator[Verdict]:
    """Who wins well below and well above the crossover, a factor two from it.

    Where there is none, random pruning wins by its 1/n term at first, which is little: the largest
    size tells.
    """
    pairs = list(zip(rows, random, strict=True))
    for row, other in pairs if crossover > 0.0 else pairs[-1:]:
        size = row["num_samples"]
        if crossover / 2 < size < 2 * crossover:
            continue
        winner = curve.score if size < crossover else "random"
        gap, sem = row["mean"] - other["mean"], float(np.hypot(row["sem"], other["sem"]))
        claim = f"{winner} wins: {_name(curve)}, n={size} (n*={crossover:.0f})"
        yield of_sign(claim, gap, sem, {"seed": config.seed}, positive=size > crossover)


def _line(config: Config, curve: Curve) -> list[dict[str, Any]]:
    """Limit + C/n, in the linear model with the n of least squares."""
    import nfl_sim as nfl

    prediction = nfl.predict(_problem(config, curve), nfl.FixedDimension(config.dim))
    limit, coefficient = float(prediction.excess_risk), float(prediction.finite_size)
    budgets = _kept(config, curve)
    kept = np.geomspace(budgets[0], 4 * budgets[-1], 61)
    sizes = kept / curve.fraction
    values = limit + coefficient / sizes
    if curve.model == "linear":
        values = linear.approach(limit, coefficient, kept, curve.fraction, config.dim)
    name = asdict(curve) | {"limit": limit}
    return [name | {"num_samples": n, "value": v} for n, v in zip(sizes, values, strict=True)]


def _crossover(config: Config, curve: Curve) -> float:
    import nfl_sim as nfl

    regime = nfl.FixedDimension(config.dim)
    return float(nfl.crossover_sample_size(_problem(config, curve), regime, refined=True))


def _name(curve: Curve) -> str:
    return f"{curve.model} {curve.score} {curve.rule}, r={curve.fraction:g}"
