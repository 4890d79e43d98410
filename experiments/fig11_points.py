"""Coefficients of 1/n of fig11: as predicted, and as extrapolated from three sizes."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import logistic
from experiments.verdicts import SIGNIFICANT, Verdict

if TYPE_CHECKING:
    from experiments.fig11_same_sample import Config
    from experiments.lab import Cell, Lab


def coefficient(problem: Any, dim: int) -> float:
    """Of 1/n in the mean excess risk of least squares, in the mean excess error of the logistic."""
    import nfl_sim as nfl

    found = nfl.predict(problem, nfl.FixedDimension(dim))
    if isinstance(problem.model, nfl.models.Linear):
        return float(found.finite_size)
    return float(nfl.direction_coefficient(found))


def unit(config: "Config", model: str) -> float:
    """sigma^2 d with unit noise; for the direction, the coefficient of the full sample."""
    if model == "linear":
        return float(config.dim)
    rest = {"angle": 0.0, "norm": config.signal, "signal": config.signal}
    return coefficient(logistic.build("EL2N", "KeepRandom", 1.0, **rest), config.dim)


def risk(lab: "Lab", claim: str, cells: "Sequence[Cell]", unit: float) -> Verdict:
    """The verdict of `nfl_sim.compare` on limit and rate, with the numbers of the rate."""
    import nfl_sim as nfl

    judged = lab.judge(claim, nfl.FixedDimension(cells[0].dim), cells)
    found = judged.verdict.provenance
    return dataclasses.replace(
        judged.verdict,
        predicted=float(judged.prediction.finite_size) / unit,
        measured=found["rate"] / unit,
        sem=found["rate_sem"] / unit,
        z=found["rate_z"],
    )


def direction(lab: "Lab", claim: str, cells: "Sequence[Cell]", unit: float) -> Verdict:
    """The coefficient of the excess error, whose limit is 0: n times its mean, extrapolated."""
    import nfl_sim as nfl

    predicted = coefficient(cells[0].problem, cells[0].dim) / unit
    estimates = [lab.simulate(cell).excess_error for cell in cells]
    sizes = np.array([cell.num_samples for cell in cells], dtype=float)
    means, sems = (np.array([getattr(e, name) for e in estimates]) for name in ("mean", "sem"))
    measured, sem = extrapolate(sizes, sizes * means / unit, sizes * sems / unit)
    z = (measured - predicted) / sem
    word = "agree" if abs(z) <= SIGNIFICANT else "disagree"
    regime = nfl.FixedDimension(cells[0].dim)
    return Verdict(claim, predicted, measured, sem, z, word, lab.provenance(regime, cells))


def extrapolate(sizes: np.ndarray, values: np.ndarray, sems: np.ndarray) -> tuple[float, float]:
    """The limit of values whose remainder is in 1/n, by weighted least squares, and its sem."""
    columns = np.stack([np.ones_like(sizes), 1.0 / sizes], axis=1) / sems[:, None]
    spread = np.linalg.inv(columns.T @ columns)
    return float((spread @ columns.T @ (values / sems))[0]), float(np.sqrt(spread[0, 0]))
