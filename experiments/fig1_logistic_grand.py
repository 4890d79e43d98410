"""GraNd on logistic regression: what is kept, and the error that more data does not remove.

Left: the samples that GraNd keeps, the same number at every compression, and where training on
them puts the boundary. Right: the 0-1 error above the teacher's against the budget of kept
samples, for GraNd at several compressions and for random pruning.

A point is a mean over the replicates that have a student (on separable samples there is none).
A line is limit + C/n; residuals are of the limit extrapolated from the three largest sizes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import errors, logistic, problems
from experiments.registry import Result
from experiments.tables import Table, from_rows
from experiments.verdicts import Verdict, of_sign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

GRAND, RANDOM = ("GraNd", "KeepHardest"), ("Uniform", "KeepRandom")


@dataclass(frozen=True)
class Config:
    """Configuration of fig1_logistic_grand.

    Args:
        seed: root of all keys.
        signal: |w0|.
        angle, norm: the probe.
        dim: dimension of the covariates; the samples are shown in two dimensions.
        shown: kept fractions of which samples are shown.
        shown_kept: how many samples are shown.
        fractions: kept fractions r of the curves.
        random: kept fraction of random pruning, whose error depends on the budget alone.
        kept: budgets m, the points of every curve.
        replicates: at most this many a point.
        max_rows: and no more than this many rows a point.
    """

    seed: int = 0
    signal: float = 1.0
    angle: float = 0.3
    norm: float = 1.0
    dim: int = 2
    shown: tuple[float, ...] = (1.0, 0.5, 0.2, 0.05)
    shown_kept: int = 160
    fractions: tuple[float, ...] = (0.8, 0.65, 0.5, 0.05)
    random: float = 0.5
    kept: tuple[int, ...] = (64, 512, 1024, 2048)
    replicates: int = 1024
    max_rows: int = 3_000_000


PRESETS = {
    "quick": Config(),
    "paper": Config(
        fractions=(0.8, 0.65, 0.5, 0.2, 0.05),
        kept=(16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
        replicates=16384,
        max_rows=100_000_000,
    ),
}


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    return [cell for curve in _curves(config) for cell in _cells(config, *curve)]


def compute(config: Config, lab: "Lab") -> Result:
    """Simulate the curves, judge their limits, and who wins with the largest budget."""
    import nfl_sim as nfl

    regime = nfl.FixedDimension(config.dim)
    shown = [_show(config, index) for index in range(len(config.shown))]
    lines = [row for curve in _curves(config) for row in _line(config, *curve)]
    points: list[dict[str, Any]] = []
    verdicts: list[Verdict] = []
    last: list[dict[str, Any]] = []
    for score, rule, fraction in _curves(config):
        cells = _cells(config, score, rule, fraction)
        claim = f"error: {score} {rule}, r={fraction:g}"
        verdicts.append(errors.judge(lab, claim, regime, cells[-3:]))
        rows = [lab.row(cell, lab.simulate(cell), "excess_error") for cell in cells]
        points += rows
        last.append(rows[-1])
    verdicts += [_random_wins(row, last[0]) for row in last[1:]]
    samples = [row for rows, _ in shown for row in rows]
    boundaries = [row for _, rows in shown for row in rows]
    found = {"samples": samples, "boundaries": boundaries, "points": points, "lines": lines}
    return Result({name: from_rows(table) for name, table in found.items()}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """Left: samples, a panel a fraction; right: error against budget."""
    from experiments.fig1_panels import draw

    return draw(tables)


def _curves(config: Config) -> Iterator[tuple[str, str, float]]:
    yield (*RANDOM, config.random)
    yield from ((*GRAND, fraction) for fraction in config.fractions)


def _problem(config: Config, score: str, rule: str, fraction: float) -> Any:
    probe = {"angle": config.angle, "norm": config.norm}
    return logistic.build(score, rule, fraction, **probe, signal=config.signal)


def _cells(config: Config, score: str, rule: str, fraction: float) -> "list[Cell]":
    from experiments.lab import Cell, affordable

    problem = _problem(config, score, rule, fraction)
    sizes = [problems.samples_for(kept, fraction) for kept in config.kept]
    counts = [affordable(config.replicates, config.max_rows, size) for size in sizes]
    return [
        Cell(problem, config.dim, size, count) for size, count in zip(sizes, counts, strict=True)
    ]


def _random_wins(row: dict[str, Any], random: dict[str, Any]) -> Verdict:
    """The error of GraNd with the largest budget is above that of random pruning."""
    gap, sem = row["mean"] - random["mean"], float(np.hypot(row["sem"], random["sem"]))
    claim = f"random wins: GraNd, r={row['rule.fraction']:g}, m={row['num_kept']}"
    return of_sign(claim, gap, sem, {"seed": row["seed"]})


def _line(config: Config, score: str, rule: str, fraction: float) -> list[dict[str, Any]]:
    """Limit and limit + C/n along the budgets."""
    import nfl_sim as nfl

    problem, regime = _problem(config, score, rule, fraction), nfl.FixedDimension(config.dim)
    limit = float(nfl.predict(problem, regime).excess_error)
    coefficient = errors.coefficient(problem, regime)
    name = {"score": score, "rule": rule, "fraction": fraction, "limit": limit}
    kept = np.geomspace(config.kept[0] / 1.3, 1.3 * config.kept[-1], 61)
    return [name | {"num_kept": m, "value": limit + coefficient * fraction / m} for m in kept]


def _show(config: Config, index: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A pruned sample in two dimensions; the teacher, the student, and its limits n, 1/r -> inf."""
    import jax
    import jax.numpy as jnp

    import nfl_sim as nfl

    fraction, kept = config.shown[index], config.shown_kept
    problem, regime = _problem(config, *GRAND, fraction), nfl.FixedDimension(2)
    keys = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), index), 3)
    size = problems.samples_for(kept, fraction)
    x, y = nfl.sample(keys[0], problem.model, num_samples=size, dim=2)
    best = nfl.select(keys[2], problem.rule, nfl.score(keys[1], problem, x, y), kept)
    x, y = x[best], y[best]
    student = nfl.fit(problem.learner, x, y, jnp.ones(kept)).weights
    population, limit = nfl.predict(problem, regime), nfl.small_fraction_limit(problem, regime)
    vectors = {
        "teacher": jnp.array([config.signal, 0.0]),
        "student": student,
        "population": jnp.stack([population.parallel, population.orthogonal]),
        "limit": jnp.stack([limit.parallel, limit.orthogonal]),
    }
    weights = np.array(list(vectors.values()))
    values = zip(vectors, weights.tolist(), errors.exact(problem.model, weights), strict=True)
    columns = np.asarray(jnp.column_stack([x, y])).tolist()
    return (
        [{"fraction": fraction, "x1": a, "x2": b, "label": label} for a, b, label in columns],
        [
            {"fraction": fraction, "which": which, "w1": w[0], "w2": w[1], "error": float(error)}
            for which, w, error in values
        ],
    )
