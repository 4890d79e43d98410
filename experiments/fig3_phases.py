"""The phases of fig3: no student, worse than a coin, better; and how sharply the first ends."""

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import logistic
from experiments.registry import Result
from experiments.tables import from_rows
from experiments.verdicts import Verdict, of_sign

if TYPE_CHECKING:
    from experiments.fig3_logistic_failure import Config
    from experiments.lab import Cell, Lab

NAMES = ("EL2N", "KeepHardest")
SIGNALS = (*np.geomspace(0.25, 4.0, 17).tolist(), 8.0)
NEARLY_ALL, HALF = 0.95, 0.5  # shares of separable samples: where a phase is, where it cannot be
FEWER = (16, 4, 1)  # the share of separable samples is counted at these parts of n


def cells(config: "Config", r_sep: float) -> "list[Cell]":
    """A grid of the phase diagram, and shares of separable samples about r_sep."""
    return [*_grid(config), *_shares(config, r_sep)]


def compute(config: "Config", lab: "Lab", r_sep: float) -> Result:
    """Tables boundaries, phases and shares; a verdict on the phase of every cell of the grid."""
    edges = {signal: _edges(config, signal) for signal in sorted({*SIGNALS, *config.signals})}
    lines = [{"signal": s, "r_sep": a, "r_flip": b} for s, (a, b) in edges.items()]
    rows = [_row(lab, cell) for cell in _grid(config)]
    verdicts = [_verdict(row, *edges[row["model.signal"]]) for row in rows]
    shares = [_row(lab, cell) | {"r_sep": r_sep} for cell in _shares(config, r_sep)]
    found = {"phases": rows, "boundaries": lines, "shares": shares}
    return Result({name: from_rows(table) for name, table in found.items()}, verdicts)


def asymptotes() -> tuple[float, float]:
    """r_sep * signal and r_flip * signal as the signal grows, at a perfect probe.

    2 phi(0) log 2 and 2 phi(0) log(1 + e^k), k the constant of the divergence at r_sep.
    """
    from nfl_sim.theory import divergence_constant

    twice = float(np.sqrt(2.0 / np.pi))
    return twice * float(np.log(2.0)), twice * float(np.log1p(np.exp(divergence_constant())))


def _problem(fraction: Any, signal: Any) -> Any:
    return logistic.build(*NAMES, fraction, angle=0.0, norm=1.0, signal=signal)


def _edges(config: "Config", signal: float) -> tuple[float, float]:
    """r_sep and r_flip of a perfect probe."""
    import nfl_sim as nfl

    problem, regime = _problem(0.5, signal), nfl.FixedDimension(config.dim)
    functions = (nfl.separability_fraction, nfl.flip_fraction)
    r_sep, r_flip = (float(function(problem, regime)) for function in functions)
    return r_sep, r_flip


def _grid(config: "Config") -> "Iterator[Cell]":
    from experiments.lab import Cell

    for signal, fraction in product(config.signals, config.phase_fractions):
        yield Cell(_problem(fraction, signal), config.dim, config.samples, config.replicates)


def _shares(config: "Config", r_sep: float) -> "Iterator[Cell]":
    from experiments.lab import Cell

    probe = {"angle": config.angle, "norm": config.norm}
    for part, ratio in product(FEWER, config.share_ratios):
        problem = logistic.build(*NAMES, ratio * r_sep, **probe, signal=config.signal)
        yield Cell(problem, config.dim, config.samples // part, config.share_replicates)


def _row(lab: "Lab", cell: "Cell") -> dict[str, Any]:
    """The component along the teacher, and the share of replicates without a student."""
    simulation = lab.simulate(cell)
    share = simulation.failed["separable"] / cell.num_replicates
    return lab.row(cell, simulation, "parallel") | {"separable": share}


def _verdict(row: dict[str, Any], r_sep: float, r_flip: float) -> Verdict:
    """No student below r_sep, a flipped one below r_flip, an upright one above."""
    fraction = row["rule.fraction"]
    where = f"beta={row['model.signal']:g}, r={fraction:g}"
    known = {name: row[name] for name in ("seed", "dim", "num_samples", "num_replicates")}
    if fraction > r_sep:
        phase = "flipped" if fraction < r_flip else "upright"
        claim = f"{phase} (r_flip={r_flip:.3f}): {where}"
        return of_sign(claim, row["mean"], row["sem"], known, positive=phase == "upright")
    share = row["separable"]
    sem = float(np.sqrt(share * (1.0 - share) / row["num_replicates"]))
    verdict = "agree" if share > NEARLY_ALL else "disagree" if share < HALF else "inconclusive"
    claim = f"all separable (r_sep={r_sep:.3f}): {where}"
    return Verdict(claim, 1.0, share, sem, np.nan, verdict, known)
