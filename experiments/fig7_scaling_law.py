"""The scaling law that breaks: excess risk against the sample size, at fixed kept fractions.

An invalid rule flattens at E(r) while random pruning goes on as 1/n, so that random wins beyond a
crossover n*(r) however good the score looked before it (T8). A label-free score keeps the 1/n.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear
from experiments.registry import Result
from experiments.tables import Table, from_rows
from experiments.verdicts import Verdict

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
EXACT = ("Uncertainty", "Uniform")  # their mean is known exactly at every n
SIGNIFICANT = 4.9  # two-sided false alarm 1e-6


@dataclass(frozen=True)
class Config:
    """Configuration of fig7_scaling_law.

    Args:
        seed: root of all keys.
        signal: |w0|.
        noise_std: sigma.
        dim: dimension of the covariates.
        probe_ratio: |delta|^2 / sigma^2 of the probe.
        fractions: kept fractions r, one panel each.
        kept: numbers of samples kept, the points of every curve.
        replicates: at most this many a point.
        max_rows: and no more than this many rows a point.
    """

    seed: int = 0
    signal: float = 1.0
    noise_std: float = 1.0
    dim: int = 5
    probe_ratio: float = 0.1
    fractions: tuple[float, ...] = (0.1, 0.5)
    kept: tuple[int, ...] = (16, 64, 256, 1024)
    replicates: int = 1024
    max_rows: int = 2_000_000


PRESETS = {
    "quick": Config(),
    "paper": Config(
        fractions=(0.02, 0.1, 0.5),
        kept=(12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024),
        replicates=16384,
        max_rows=10_000_000,
    ),
}


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    curves = product(CURVES, config.fractions)
    return [cell for names, fraction in curves for cell in _cells(config, *names, fraction)]


def compute(config: Config, lab: "Lab") -> Result:
    """Simulate the curves, judge limits, exact means and crossovers."""
    curves = list(product(CURVES, config.fractions))
    lines = [row for names, fraction in curves for row in _line(config, *names, fraction)]
    crossovers = [_crossover(config, *names, fraction) for names, fraction in curves]
    points: list[dict[str, Any]] = []
    verdicts: list[Verdict] = []
    for fraction in config.fractions:
        rows = {}
        for names in CURVES:
            cells = _cells(config, *names, fraction)
            verdicts += _judge(config, lab, *names, cells)
            rows[names] = [lab.row(cell, lab.simulate(cell)) for cell in cells]
            points += rows[names]
        for names in INVALID:
            verdicts += _sides(config, *names, fraction, rows[names], rows[CURVES[0]])
    found = {"points": points, "lines": lines, "crossovers": crossovers}
    return Result({name: from_rows(table) for name, table in found.items()}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """A panel a fraction."""
    from experiments.fig7_panels import draw

    return draw(tables)


def _problem(config: Config, score: str, rule: str, fraction: float) -> Any:
    return linear.problem(
        score,
        rule,
        fraction,
        probe_ratio=config.probe_ratio,
        signal=config.signal,
        noise_std=config.noise_std,
    )


def _cells(config: Config, score: str, rule: str, fraction: float) -> "list[Cell]":
    from experiments.lab import Cell, affordable

    problem = _problem(config, score, rule, fraction)
    sizes = [linear.samples_for(kept, fraction) for kept in config.kept]
    replicates = [affordable(config.replicates, config.max_rows, size) for size in sizes]
    return [
        Cell(problem, config.dim, size, count)
        for size, count in zip(sizes, replicates, strict=True)
    ]


def _judge(
    config: Config, lab: "Lab", score: str, rule: str, cells: "list[Cell]"
) -> Iterator[Verdict]:
    """The exact mean at every size where it is known; else the limit, from the largest three."""
    import nfl_sim as nfl

    name = f"{score} {rule}, r={float(cells[0].problem.rule.fraction):g}"
    if score not in EXACT:
        regime = nfl.FixedDimension(config.dim)
        yield lab.judge(f"plateau: {name}", regime, cells[-3:]).verdict
        return
    for cell in cells:
        regime = nfl.FiniteSample(config.dim, cell.num_samples)
        yield lab.judge(f"E[excess]: {name}, n={cell.num_samples}", regime, [cell]).verdict


def _sides(
    config: Config,
    score: str,
    rule: str,
    fraction: float,
    rows: list[dict[str, Any]],
    random: list[dict[str, Any]],
) -> Iterator[Verdict]:
    """Who wins well below and well above the crossover, a factor two from it."""
    crossover = _crossover(config, score, rule, fraction)["crossover"]
    for row, other in zip(rows, random, strict=True):
        size = row["num_samples"]
        if crossover / 2 < size < 2 * crossover:
            continue
        winner = score if size < crossover else "random"
        gap, sem = row["mean"] - other["mean"], float(np.hypot(row["sem"], other["sem"]))
        z = gap / sem if size > crossover else -gap / sem
        verdict = "agree" if z > SIGNIFICANT else "disagree" if z < -SIGNIFICANT else "inconclusive"
        claim = f"{winner} wins: {score} {rule}, r={fraction:g}, n={size} (n*={crossover:.0f})"
        yield Verdict(claim, 0.0, gap, sem, gap / sem, verdict, {"seed": config.seed})


def _line(config: Config, score: str, rule: str, fraction: float) -> list[dict[str, Any]]:
    import nfl_sim as nfl

    problem = _problem(config, score, rule, fraction)
    prediction = nfl.predict(problem, nfl.FixedDimension(config.dim))
    limit, coefficient = float(prediction.excess_risk), float(prediction.finite_size)
    kept = np.geomspace(config.kept[0], 4 * config.kept[-1], 61)
    values = linear.approach(limit, coefficient, kept, fraction, config.dim)
    name = {"score": score, "rule": rule, "fraction": fraction, "limit": limit}
    return [
        name | {"num_samples": size, "value": value}
        for size, value in zip(kept / fraction, values, strict=True)
    ]


def _crossover(config: Config, score: str, rule: str, fraction: float) -> dict[str, Any]:
    import nfl_sim as nfl

    problem = _problem(config, score, rule, fraction)
    regime = nfl.FixedDimension(config.dim)
    size = float(nfl.crossover_sample_size(problem, regime, refined=True))
    return {"score": score, "rule": rule, "fraction": fraction, "crossover": size}
