"""A small experiment: random pruning against its exact mean at two sizes."""

from dataclasses import dataclass

from experiments import linear, style
from experiments.registry import Result
from experiments.tables import from_rows


@dataclass(frozen=True)
class Config:
    """Configuration of toy.

    Args:
        seed: root of all keys.
        sizes: numbers of samples.
        replicates: a size.
    """

    seed: int = 0
    sizes: tuple[int, ...] = (40, 80)
    replicates: int = 64


PRESETS = {"quick": Config(), "paper": Config(replicates=128)}


def cells(config):
    from experiments.lab import Cell

    numbers = {"angle": 0.0, "norm": 1.0, "signal": 1.0, "noise_std": 1.0, "penalty": 0.0}
    problem = linear.build("Uniform", "KeepRandom", 0.5, **numbers)
    return [Cell(problem, 2, size, config.replicates) for size in config.sizes]


def compute(config, lab):
    import nfl_sim as nfl

    found = [
        (cell, lab.judge(f"n={cell.num_samples}", nfl.FiniteSample(2, cell.num_samples), [cell]))
        for cell in cells(config)
    ]
    rows = [lab.row(cell, judgement.simulations[0]) for cell, judgement in found]
    return Result({"points": from_rows(rows)}, [judgement.verdict for _, judgement in found])


def plot(tables):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 2))
    points = tables["points"]
    look = {"score": "Uniform", "rule": "KeepRandom"}
    style.measured(axes, points["num_samples"], points["mean"], points["sem"], **look)
    return figure
