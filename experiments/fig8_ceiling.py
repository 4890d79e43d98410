"""Panel (e) of fig8: the ceiling on what unbiased pointwise rules gain, and rules under it.

A gain is the 1/n coefficient of random pruning over that of a rule, at fixed dimension and with
the teacher itself as the probe. Keeping the top alone is no unbiased rule, but in the linear model
this probe makes its limit right, and what is left is its variance.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear, logistic, problems
from experiments.registry import Result
from experiments.tables import from_rows

if TYPE_CHECKING:
    from experiments.fig8_calibration import Config
    from experiments.lab import Cell, Lab

MODELS = ("Linear", "Logistic")


def cells(config: "Config") -> "list[Cell]":
    """All that is simulated: the best unbiased rule."""
    return [
        cell
        for kind in MODELS
        for r in config.ceiling_fractions
        for cell in _rungs(config, kind, r)
    ]


def compute(config: "Config", lab: "Lab") -> Result:
    """Ceilings, rules under them, and the measured gain of the best unbiased rule."""
    import nfl_sim as nfl

    regime = nfl.FixedDimension(config.dim)
    lines, points, verdicts = [], [], []
    for fraction in np.geomspace(0.02, 0.98, config.line_points):
        lines += _ceilings(config, float(fraction))
        lines += _under(config, float(fraction))
    for kind in MODELS:
        for fraction in config.ceiling_fractions:
            claim = f"{kind} OptimalUnbiased, r={fraction:g}"
            verdict = lab.judge(claim, regime, _rungs(config, kind, fraction)).verdict
            verdicts.append(verdict)
            rate, sem = (verdict.provenance[name] for name in ("rate", "rate_sem"))
            gain = _random(config, kind, fraction) / rate
            measured = {"gain": gain, "sem": gain * sem / rate}
            points.append({"kind": kind, "kept": fraction} | measured)
    tables = {"ceiling_lines": from_rows(lines), "ceiling_points": from_rows(points)}
    return Result(tables, verdicts)


def _build(config: "Config", kind: str, score: str, rule: str, fraction: float) -> Any:
    """A problem whose probe is the teacher."""
    names = (score, rule, fraction)
    if kind == "Linear":
        rest = {"signal": 1.0, "noise_std": 1.0, "penalty": 0.0}
        return linear.build(*names, angle=0.0, norm=1.0, **rest)
    return logistic.build(
        *names, angle=0.0, norm=config.ceiling_signal, signal=config.ceiling_signal
    )


def _optimal(config: "Config", kind: str, fraction: float) -> Any:
    import nfl_sim as nfl

    random = _build(config, kind, "EL2N", "KeepRandom", fraction)
    best = nfl.OptimalUnbiased.at(random.score.probe, fraction)
    return nfl.Problem(random.model, best.score, best.rule, random.learner)


def _rungs(config: "Config", kind: str, fraction: float) -> "list[Cell]":
    from experiments.lab import Cell

    problem = _optimal(config, kind, fraction)
    count = config.replicates // (1 if kind == "Linear" else 4)
    return [Cell(problem, config.dim, config.samples // k, count) for k in (4, 2, 1)]


def _coefficient(config: "Config", problem: Any) -> float:
    import nfl_sim as nfl

    regime = nfl.FixedDimension(config.dim)
    return float(problems.curve([problem], regime)["finite_size"][0])


def _random(config: "Config", kind: str, fraction: float) -> float:
    return _coefficient(config, _build(config, kind, "Uniform", "KeepRandom", fraction))


def _ceilings(config: "Config", fraction: float) -> list[dict[str, Any]]:
    import nfl_sim as nfl
    from nfl_sim.theory import unbiased_ceiling

    one: Any = 1.0
    signals: tuple[Any, ...] = config.ceiling_signals
    linear_model = nfl.models.Linear(signal=one, noise_std=one)
    models: list[tuple[str, float, Any, Any]] = [
        *(("Linear", dim, linear_model, dim) for dim in config.ceiling_dims),
        *(("Logistic", b, nfl.models.Logistic(signal=b), config.dim) for b in signals),
    ]
    return [
        {
            "kind": kind,
            "curve": "ceiling",
            "label": label,
            "kept": fraction,
            "gain": 1.0 / float(unbiased_ceiling(model, dim, fraction).variance_ratio),
        }
        for kind, label, model, dim in models
    ]


def _under(config: "Config", fraction: float) -> list[dict[str, Any]]:
    """The best exact calibration of EL2N, in both models; the top of EL2N, in the linear one."""
    import nfl_sim as nfl

    rows: list[dict[str, Any]] = []
    for kind in MODELS:
        random = _build(config, kind, "EL2N", "KeepRandom", fraction)
        exact = problems.calibrated(random, "ExactCalibration", mixing=0.5, hardest=True)
        best = nfl.optimal_mixing(exact, nfl.FixedDimension(config.dim))
        gains = {"calibration": 1.0 / float(best.variance_ratio)}
        if kind == "Linear":
            top = _build(config, kind, "EL2N", "KeepHardest", fraction)
            gains["top"] = _random(config, kind, fraction) / _coefficient(config, top)
        name = {"kind": kind, "label": 0.0, "kept": fraction}
        rows += [name | {"curve": curve, "gain": gain} for curve, gain in gains.items()]
    return rows
