"""Who wins: the hardest, the easiest or random samples, at every n/d and kept fraction.

A perceptron of maximum margin, pruned by a probe at four angles to the teacher. Below f* the
hardest samples are worse than random ones: f* is 2 d/n for a perfect probe and falls as the cube
root of d/n for any other. Easy samples win where data are scarce.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import fig5_curves as curves
from experiments import perceptron
from experiments.fig5_curves import EASY, HARD, RANDOM
from experiments.registry import Result
from experiments.tables import Table, from_rows
from experiments.verdicts import Verdict, of_sign, of_value

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab


@dataclass(frozen=True)
class Config:
    """Configuration of fig5_crossover.

    Args:
        seed: root of all keys.
        angles: of the probe to the teacher in degrees, a panel each.
        ratios, fractions: the grid of n/d, and of kept fractions.
        dim: of the simulated duels.
        duels: angle, n/d and kept fraction at which the hardest and random samples are compared.
        replicates: of each side of a duel.
    """

    seed: int = 0
    angles: tuple[float, ...] = (0.0, 10.0, 30.0, 60.0)
    ratios: tuple[float, ...] = tuple(np.geomspace(1.0, 100.0, 13).round(3).tolist())
    fractions: tuple[float, ...] = tuple(np.geomspace(0.02, 0.98, 16).round(4).tolist())
    dim: int = 32
    duels: tuple[tuple[float, int, float], ...] = (
        (0.0, 16, 0.5),
        (0.0, 16, 0.0625),
        (10.0, 16, 0.5),
        (10.0, 16, 0.0625),
        (30.0, 16, 0.5),
        (60.0, 16, 0.0625),
    )
    replicates: int = 256


PRESETS = {
    "quick": Config(),
    "paper": Config(
        ratios=tuple(np.geomspace(1.0, 1000.0, 61).round(4).tolist()),
        fractions=tuple(np.geomspace(0.01, 0.98, 60).round(5).tolist()),
        dim=128,
        replicates=512,
    ),
}
# (rules, angle, n/d, a bracket, f*, half of its last digit), from theory_notes/06_perceptron.md
KNOWN = (
    (HARD, RANDOM, 0.0, 10.0, (0.1, 0.3), 0.17837, 5e-6),
    (HARD, RANDOM, 0.0, 100.0, (0.01, 0.04), 0.01974, 5e-6),
    (HARD, RANDOM, 10.0, 10.0, (0.1, 0.4), 0.2307, 5e-5),
    (HARD, RANDOM, 30.0, 10.0, (0.2, 0.6), 0.360, 5e-4),
    (HARD, EASY, 10.0, 10.0, (0.1, 0.5), 0.261, 5e-4),
    (EASY, RANDOM, 10.0, 10.0, (0.4, 0.9), 0.622, 5e-4),
    (EASY, RANDOM, 30.0, 10.0, (0.1, 0.4), 0.193, 5e-4),
)


def cells(config: Config) -> "list[Cell]":
    """Both sides of every duel."""
    return [cell for duel in config.duels for cell in _sides(config, duel)]


def compute(config: Config, lab: "Lab") -> Result:
    """The plane and its ties, while the duels are fought in the background."""
    found: dict[str, list[dict[str, Any]]] = {"plane": [], "ties": [], "laws": []}
    for angle in config.angles:
        grid = curves.plane(config.ratios, config.fractions, angle)
        found["plane"] += list(_plane_rows(config, grid, angle))
        found["ties"] += list(curves.ties(grid, config.ratios, config.fractions, angle))
        found["laws"] += [
            {"angle": angle, "ratio": ratio, "fraction": float(curves.asymptote(angle, ratio))}
            for ratio in config.ratios
        ]
    duels = [_duel(config, lab, duel) for duel in config.duels]
    found["duels"] = [row for row, _ in duels]
    verdicts = [*_known(), *(verdict for _, verdict in duels)]
    return Result({name: from_rows(rows) for name, rows in found.items()}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """A panel an angle of the probe."""
    from experiments.fig5_panels import draw

    return draw(tables)


def _plane_rows(
    config: Config, grid: dict[str, np.ndarray], angle: float
) -> Iterator[dict[str, Any]]:
    best = curves.winners(grid)
    for i, ratio in enumerate(config.ratios):
        for k, fraction in enumerate(config.fractions):
            name = {"angle": angle, "ratio": ratio, "fraction": fraction}
            yield name | {"winner": int(best[i, k])} | {r: float(e[i, k]) for r, e in grid.items()}


def _known() -> list[Verdict]:
    """Ties that the notes give, to their last digit."""
    found: list[Verdict] = []
    for one, other, angle, ratio, bracket, expected, half_digit in KNOWN:
        fraction = curves.tie(one, other, ratio, angle, *bracket)
        claim = f"f* of {one} = {other}, theta={angle:g}, n/d={ratio:g}"
        found.append(of_value(claim, expected, fraction, half_digit))
    return found


def _duel(
    config: Config, lab: "Lab", duel: tuple[float, int, float]
) -> tuple[dict[str, Any], Verdict]:
    """The simulated error of the hardest samples minus that of random ones, and theory's sign."""
    angle, ratio, fraction = duel
    sides = _sides(config, duel)
    hard, random = (lab.simulate(cell).error for cell in sides)
    gap, sem = hard.mean - random.mean, float(np.hypot(hard.sem, random.sem))
    point = [(ratio, fraction, angle)]
    loses = bool(curves.errors(HARD, point)[0] > curves.errors(RANDOM, point)[0])
    word = "worse" if loses else "better"
    claim = f"hardest {word} than random, theta={angle:g}, n/d={ratio:g}, f={fraction:g}"
    known = {"seed": config.seed, "dim": config.dim, "num_replicates": config.replicates}
    row = {"angle": angle, "ratio": float(ratio), "fraction": fraction, "gap": gap, "sem": sem}
    return row, of_sign(claim, gap, sem, known, positive=loses)


def _sides(config: Config, duel: tuple[float, int, float]) -> "list[Cell]":
    from experiments.lab import Cell

    angle, ratio, fraction = duel
    names = (("Uncertainty", HARD), ("Uniform", RANDOM))
    problems = [perceptron.build(*name, fraction, angle=np.deg2rad(angle)) for name in names]
    size = ratio * config.dim
    return [Cell(problem, config.dim, size, config.replicates) for problem in problems]
