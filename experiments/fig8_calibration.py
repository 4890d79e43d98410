"""Calibration by randomisation: what it repairs, what it costs, and how much any rule can gain.

(a) The limit against the kept fraction: pruning by the score alone and soft calibration tend to a
wrong student, exact calibration to the teacher. (b) The variance of exact calibration against its
mixing: a good probe beats random pruning, but never max(2/pi, r) of it. (c) Excess risk against n:
calibration removes the plateau. (d) Where n/d is fixed, exact calibration is biased too. (e) The
ceiling on what unbiased rules gain over random pruning, and the rules under it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import fig8_ceiling, fig8_rules, linear, logistic, problems
from experiments.registry import Result
from experiments.tables import Table, from_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab
    from experiments.verdicts import Verdict

HARDEST, RANDOM = "KeepHardest", "KeepRandom"
EXACT, SOFT = "ExactCalibration", "SoftCalibration"
SETTINGS = (("Linear", "EL2N"), ("Logistic", "EL2N"), ("Logistic", "GraNd"))


@dataclass(frozen=True)
class Config:
    """Configuration of fig8_calibration.

    Args:
        seed: root of all keys.
        probe_ratio: |delta|^2 / sigma^2 of the probe of the linear model.
        dim: dimension of the covariates, of the linear model and of (e).
        signal, angle, norm, logistic_dim: the logistic model and its probe.
        mixings: of the soft rules of (a); the middle one is also that of (c) and (d).
        fractions, logistic_fractions: kept fractions of the points of (a).
        samples, logistic_samples: n, before pruning; limits are judged from it, its half and its
            quarter.
        replicates: of a point and size; a quarter of it in the logistic model.
        line_points: along a theory line.
        fraction: kept fraction of (b), (c) and (d).
        probe_ratios: of the curves of (b).
        point_mixings: mixings of the points of (b).
        kept: numbers of samples kept, the points of (c).
        sample_ratios: n/d of the points of (d).
        high_dim: dimension of the points of (d).
        ceiling_dims: of the ceilings of the linear model.
        ceiling_signals: of the ceilings of the logistic model.
        ceiling_signal: of the rules under the logistic ceiling.
        ceiling_fractions: of the points of (e).
    """

    seed: int = 0
    probe_ratio: float = 1.0
    dim: int = 5
    signal: float = 2.0
    angle: float = 0.6
    norm: float = 2.0
    logistic_dim: int = 4
    mixings: tuple[float, float, float] = (0.2, 0.4, 0.7)
    fractions: tuple[float, ...] = (0.1, 0.4)
    logistic_fractions: tuple[float, ...] = (0.5,)
    samples: int = 4096
    logistic_samples: int = 4096
    replicates: int = 2048
    line_points: int = 25
    fraction: float = 0.3
    probe_ratios: tuple[float, ...] = (0.0, 0.1, 1.0)
    point_mixings: tuple[float, ...] = (0.2, 0.7)
    kept: tuple[int, ...] = (32, 128, 512, 2048)
    sample_ratios: tuple[int, ...] = (8, 32)
    high_dim: int = 64
    ceiling_dims: tuple[float, ...] = (1, 2, 5, 10, np.inf)
    ceiling_signals: tuple[float, ...] = (0.0, 1.0, 4.0, 16.0)
    ceiling_signal: float = 4.0
    ceiling_fractions: tuple[float, ...] = (0.2, 0.5)


PRESETS = {
    "quick": Config(),
    "paper": Config(
        fractions=(0.05, 0.1, 0.2, 0.4, 0.6, 0.8),
        logistic_fractions=(0.4, 0.5, 0.6, 0.8),
        replicates=16384,
        line_points=61,
        point_mixings=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        kept=(16, 32, 64, 128, 256, 512, 1024, 2048),
        sample_ratios=(6, 8, 12, 16, 24, 32, 64),
        ceiling_fractions=(0.1, 0.2, 0.3, 0.5, 0.7, 0.9),
    ),
}


@dataclass(frozen=True)
class Curve:
    """One curve: what is pruned, and how.

    Args:
        model, score, rule: by name.
        mixing: of a calibration.
        probe_ratio: of the linear model.
    """

    model: str
    score: str
    rule: str
    mixing: float
    probe_ratio: float


def cells(config: Config) -> "list[Cell]":
    """All that is simulated."""
    judged = [rungs for _, rungs in (*_limits(config), *_variances(config))]
    found = [cell for rungs in judged for cell in rungs]
    found += [cell for curve in _curves_of_n(config) for cell in _along_n(config, curve)]
    found += [cell for curve in _calibrations(config) for cell in _along_ratio(config, curve)]
    return found + fig8_ceiling.cells(config)


def compute(config: Config, lab: "Lab") -> Result:
    """Theory first, while the cells are simulated in the background; then judge."""
    found = {
        "limit_lines": [
            row for curve in _curves_of_limits(config) for row in _limit(config, curve)
        ],
        "variance_lines": [row for q in config.probe_ratios for row in _variance(config, q)],
        "optima": [_optimum(config, q) for q in config.probe_ratios],
        "error_lines": [row for curve in _curves_of_n(config) for row in _error(config, curve)],
        "ratio_lines": [row for curve in _calibrations(config) for row in _ratio(config, curve)],
        "rules": fig8_rules.rows(config),
    }
    verdicts, judged = [], {"limit_points": _limits(config), "variance_points": _variances(config)}
    for name, claims in judged.items():
        found[name] = []
        for curve, rungs in claims:
            verdict = _judge(config, lab, curve, rungs)
            verdicts.append(verdict)
            found[name].append(_columns(curve) | _measured(config, verdict, rungs[0]))
    found["error_points"] = [
        _columns(curve) | lab.row(cell, lab.simulate(cell))
        for curve in _curves_of_n(config)
        for cell in _along_n(config, curve)
    ]
    found["ratio_points"] = [
        _columns(curve) | {"ratio": cell.num_samples / cell.dim} | _bias(lab, cell)
        for curve in _calibrations(config)
        for cell in _along_ratio(config, curve)
    ]
    tables = {name: from_rows(rows) for name, rows in found.items()}
    ceiling = fig8_ceiling.compute(config, lab)
    return Result(tables | dict(ceiling.tables), [*verdicts, *ceiling.verdicts])


def plot(tables: Mapping[str, Table]) -> "Figure":
    """First row: (a); second: (b), (c), (d); third: (e)."""
    from experiments.fig8_panels import draw

    return draw(tables)


def build(config: Config, curve: Curve, fraction: float) -> Any:
    """The problem of a curve at a kept fraction."""
    plain = curve.rule if curve.rule in (HARDEST, RANDOM) else RANDOM
    names = (curve.score, plain, fraction)
    if curve.model == "Linear":
        rest = {"signal": 1.0, "noise_std": 1.0}
        problem = linear.problem(*names, probe_ratio=curve.probe_ratio, **rest)
    else:
        problem = logistic.build(*names, angle=config.angle, norm=config.norm, signal=config.signal)
    if plain == curve.rule:
        return problem
    return problems.calibrated(problem, curve.rule, mixing=curve.mixing, hardest=True)


def _middle(config: Config) -> float:
    return config.mixings[1]


def _rules(config: Config, *, every: bool) -> Iterator[tuple[str, float]]:
    """Rule and mixing; `every` soft one, or that of the middle."""
    yield HARDEST, 0.0
    for mixing in config.mixings if every else (_middle(config),):
        yield SOFT, mixing
    yield EXACT, _middle(config)


def _curves_of_limits(config: Config) -> Iterator[Curve]:
    for names, rule in product(SETTINGS, _rules(config, every=True)):
        yield Curve(*names, *rule, config.probe_ratio)


def _curves_of_n(config: Config) -> Iterator[Curve]:
    yield Curve("Linear", "Uniform", RANDOM, 0.0, 0.0)
    for rule in _rules(config, every=False):
        yield Curve("Linear", "EL2N", *rule, config.probe_ratio)


def _calibrations(config: Config) -> list[Curve]:
    rules = (EXACT, SOFT)
    return [Curve("Linear", "EL2N", rule, _middle(config), config.probe_ratio) for rule in rules]


def _limits(config: Config) -> "Iterator[tuple[Curve, list[Cell]]]":
    """What is judged of (a)."""
    for names, rule in product(SETTINGS, _rules(config, every=False)):
        fractions = config.fractions if names[0] == "Linear" else config.logistic_fractions
        for fraction in fractions:
            curve = Curve(*names, *rule, config.probe_ratio)
            yield curve, _rungs(config, curve, fraction)


def _variances(config: Config) -> "Iterator[tuple[Curve, list[Cell]]]":
    """What is judged of (b)."""
    for probe_ratio, mixing in product(config.probe_ratios[1:], config.point_mixings):
        curve = Curve("Linear", "EL2N", EXACT, mixing, probe_ratio)
        yield curve, _rungs(config, curve, config.fraction)


def _rungs(config: Config, curve: Curve, fraction: float) -> "list[Cell]":
    from experiments.lab import Cell

    problem = build(config, curve, fraction)
    if curve.model == "Linear":
        dim, samples, count = config.dim, config.samples, config.replicates
    else:
        dim, samples, count = config.logistic_dim, config.logistic_samples, config.replicates // 4
    return [Cell(problem, dim, samples // k, count) for k in (4, 2, 1)]


def _along_n(config: Config, curve: Curve) -> "list[Cell]":
    from experiments.lab import Cell

    problem = build(config, curve, config.fraction)
    sizes = [problems.samples_for(kept, config.fraction) for kept in config.kept]
    return [Cell(problem, config.dim, size, config.replicates // 4) for size in sizes]


def _along_ratio(config: Config, curve: Curve) -> "list[Cell]":
    from experiments.lab import Cell

    problem, dim = build(config, curve, config.fraction), config.high_dim
    return [Cell(problem, dim, q * dim, config.replicates // 4) for q in config.sample_ratios]


def _judge(config: Config, lab: "Lab", curve: Curve, rungs: "list[Cell]") -> "Verdict":
    import nfl_sim as nfl

    mixing = "" if curve.rule == HARDEST else f" a={curve.mixing:g}"
    quality = f" q={curve.probe_ratio:g}" if curve.model == "Linear" else ""
    fraction = float(rungs[0].problem.rule.fraction)
    claim = f"{curve.model} {curve.score}{quality} {curve.rule}{mixing}, r={fraction:g}"
    return lab.judge(claim, nfl.FixedDimension(rungs[0].dim), rungs).verdict


def _columns(curve: Curve) -> dict[str, Any]:
    return {
        "kind": curve.model,
        "curve_score": curve.score,
        "curve_rule": curve.rule,
        "curve_mixing": curve.mixing,
        "quality": curve.probe_ratio,
    }


def _measured(config: Config, verdict: "Verdict", cell: "Cell") -> dict[str, Any]:
    """The extrapolated limit, and the variance r C / (sigma^2 d) that the approach shows."""
    fraction = float(cell.problem.rule.fraction)
    rate, sem = (verdict.provenance[name] for name in ("rate", "rate_sem"))
    return {
        "kept": fraction,
        "limit": verdict.measured,
        "limit_sem": verdict.sem,
        "variance": fraction * rate / config.dim,
        "variance_sem": fraction * sem / config.dim,
    }


def _limit(config: Config, curve: Curve) -> list[dict[str, Any]]:
    """Along r; in the logistic model from where a student exists."""
    import nfl_sim as nfl

    regime, least = nfl.FixedDimension(config.dim), 0.02
    if curve.model == "Logistic":
        regime, least = nfl.FixedDimension(config.logistic_dim), 0.1
        if curve.rule == HARDEST:
            edge = float(nfl.separability_fraction(build(config, curve, 0.5), regime))
            least = max(least, edge + 0.01)
    fractions = np.geomspace(least, 1.0 - 1e-9, config.line_points)
    along = [build(config, curve, fraction) for fraction in fractions]
    found = problems.curve(along, regime, ("excess_risk",))["excess_risk"]
    pairs = zip(fractions, found, strict=True)
    return [_columns(curve) | {"kept": r, "limit": value} for r, value in pairs]


def _variance(config: Config, probe_ratio: float) -> list[dict[str, Any]]:
    """Along the mixing, in units of random pruning's."""
    import nfl_sim as nfl

    mixings = np.linspace(0.0, 0.98, config.line_points)
    curve = Curve("Linear", "EL2N", EXACT, 0.0, probe_ratio)
    along = [build(config, replace(curve, mixing=mixing), config.fraction) for mixing in mixings]
    found = problems.curve(along, nfl.FixedDimension(config.dim), ("finite_size",))["finite_size"]
    values = config.fraction * found / config.dim
    name = {"quality": probe_ratio}
    return [name | {"mixing": a, "value": v} for a, v in zip(mixings, values, strict=True)]


def _optimum(config: Config, probe_ratio: float) -> dict[str, Any]:
    import nfl_sim as nfl

    problem = build(config, Curve("Linear", "EL2N", EXACT, 0.5, probe_ratio), config.fraction)
    best = nfl.optimal_mixing(problem, nfl.FixedDimension(config.dim))
    bound = max(2.0 / np.pi, config.fraction)
    found = {"mixing": float(best.mixing), "value": float(best.variance_ratio)}
    return {"quality": probe_ratio, "bound": bound, "kept": config.fraction} | found


def _error(config: Config, curve: Curve) -> list[dict[str, Any]]:
    """Along n."""
    import nfl_sim as nfl

    regime = nfl.FixedDimension(config.dim)
    found = problems.curve([build(config, curve, config.fraction)], regime)
    limit, coefficient = found["excess_risk"][0], found["finite_size"][0]
    kept = np.geomspace(0.7 * config.kept[0], 4.0 * config.kept[-1], config.line_points)
    values = linear.approach(limit, coefficient, kept, config.fraction, config.dim)
    pairs = zip(kept / config.fraction, values, strict=True)
    return [_columns(curve) | {"samples": n, "value": v, "limit": limit} for n, v in pairs]


def _ratio(config: Config, curve: Curve) -> list[dict[str, Any]]:
    """Along n/d: the risk, and its part that the mean student has."""
    import nfl_sim as nfl

    rows, problem = [], build(config, curve, config.fraction)
    least, most = 0.8 * config.sample_ratios[0], 4.0 * config.sample_ratios[-1]
    for ratio in np.geomspace(least, most, config.line_points):
        names = ("excess_risk", "parallel", "orthogonal")
        found = problems.curve([problem], nfl.Proportional(sample_ratio=ratio), names)
        risk, parallel, orthogonal = (found[name][0] for name in names)
        bias = (parallel - 1.0) ** 2 + orthogonal**2
        rows.append(_columns(curve) | {"ratio": ratio, "risk": risk, "bias": bias})
    return rows


def _bias(lab: "Lab", cell: "Cell") -> dict[str, Any]:
    """The measured risk, and the squared length of the mean student's error."""
    simulation = lab.simulate(cell)
    parallel, orthogonal = simulation.parallel, simulation.orthogonal
    gaps = np.array([parallel.mean - 1.0, orthogonal.mean])
    sems = np.array([parallel.sem, orthogonal.sem])
    risk = {"risk": simulation.excess_risk.mean, "risk_sem": simulation.excess_risk.sem}
    unbiased = float(np.sum(gaps**2 - sems**2))
    return risk | {"bias": unbiased, "bias_sem": float(2.0 * np.hypot(*(gaps * sems)))}
