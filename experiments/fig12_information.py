"""What kept samples know (T14), and what least squares makes of it.

(a, b) n times the excess risk, in units of that of all data, against the kept fraction, when the
residual of the teacher decides: least squares has kappa / r, truncated maximum likelihood
1 / (r kappa), random pruning 1 / r. The hardest samples know more than random ones, and least
squares loses just that; the easiest know less, and least squares goes below all data, for it
imports a teacher that is known already. (c) Averaged over teachers about the probe no rule goes
below the Bayes bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear, problems
from experiments.registry import Result
from experiments.tables import Table, from_rows, select
from experiments.verdicts import SIGNIFICANT, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

HARDEST, EASIEST, RANDOM, VERTEX = "KeepHardest", "KeepEasiest", "KeepRandom", "BalancedVertex"
SQUARES, LIKELY = "least squares", "truncated likelihood"
AVERAGED = (("EL2N", HARDEST), ("EL2N", EASIEST), ("Uniform", RANDOM), ("Uniform", VERTEX))
_NODES = 12  # over the squared error of the probe


@dataclass(frozen=True)
class Config:
    """Configuration of fig12_information.

    Args:
        seed: root of all keys.
        dim: of the covariates.
        hardest, easiest: kept fractions of the points of (a) and (b).
        kept: samples kept, in units of 1/kappa if that is more.
        replicates: of their points.
        errors: Q, mean squared errors of the probe of the points of (c).
        fraction, samples: r and n of (c).
        teachers: of a point of (c).
        line_points: along a line of (a) and (b).
    """

    seed: int = 0
    dim: int = 3
    hardest: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.7)
    easiest: tuple[float, ...] = (0.3, 0.5, 0.7, 0.9)
    kept: int = 200
    replicates: int = 400
    errors: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0)
    fraction: float = 0.3
    samples: int = 200
    teachers: int = 80
    line_points: int = 81


PRESETS = {
    "quick": Config(),
    "paper": Config(
        hardest=(0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8),
        easiest=(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        replicates=4000,
        errors=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
        teachers=1000,
    ),
}


def cells(config: Config) -> "list[Cell]":
    """None that the store keeps: every teacher is another problem."""
    return []


def compute(config: Config, lab: "Lab") -> Result:
    """Variances at the teacher, and risks averaged over teachers."""
    points = [
        row
        for rule, fractions in ((HARDEST, config.hardest), (EASIEST, config.easiest))
        for fraction in fractions
        for row in _variances(config, rule, fraction)
    ]
    averages = [row for error in config.errors for row in _averages(config, error)]
    tables = {
        "lines": from_rows(_lines(config)),
        "points": from_rows(points),
        "averages": from_rows(averages),
        "average_lines": from_rows(_average_lines(config)),
    }
    verdicts = [_variance_verdict(row) for row in points]
    verdicts += [_bayes_verdict(row) for row in averages]
    return Result(tables, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """Three panels."""
    import matplotlib.pyplot as plt

    from experiments import style

    figure, panels = plt.subplots(1, 3, figsize=(style.TEXT_WIDTH, 2.85))
    figure.subplots_adjust(left=0.08, right=0.985, bottom=0.15, top=0.76, wspace=0.36)
    for axes, rule in zip(panels, (HARDEST, EASIEST), strict=False):
        _draw_variances(axes, tables, rule)
    _draw_averages(panels[2], tables)
    panels[0].set_ylabel(r"$n\,E|w-w_0|^2/(\sigma^2d)$")
    for axes, name in zip(panels, "abc", strict=True):
        style.letter(figure, axes.get_position().x0 - 0.055, 0.835, name)
    _legend(figure)
    return figure


def _kappa(rule: str, fraction: float) -> float:
    from nfl_sim.theorems.truncated import kept_information

    return kept_information(fraction, hardest=rule == HARDEST)


def _limits(rule: str, fraction: float) -> dict[str, float]:
    """In units of all data: what least squares and the likelihood tend to."""
    kappa = _kappa(rule, fraction)
    return {SQUARES: kappa / fraction, LIKELY: 1.0 / (fraction * kappa)}


def _lines(config: Config) -> list[dict[str, Any]]:
    return [
        {"curve_rule": rule, "kept": r, "learner": learner, "value": value}
        for rule in (HARDEST, EASIEST)
        for r in np.geomspace(0.02, 1.0, config.line_points)
        for learner, value in _limits(rule, float(r)).items()
    ]


def _variances(config: Config, rule: str, fraction: float) -> list[dict[str, Any]]:
    """n |w - w0|^2 / (sigma^2 d) at n and 4 n, extrapolated to n -> infinity."""
    import jax

    from nfl_sim.theorems.detective import mean_and_sem
    from nfl_sim.theorems.information import offsets

    hardest = rule == HARDEST
    least = config.kept / min(1.0, _kappa(rule, fraction))
    found: dict[str, list[tuple[float, float]]] = {"least squares": [], "controlled": []}
    for factor in (1, 4):
        size = round(factor * least / fraction)
        key = jax.random.fold_in(jax.random.key(config.seed), 2 * round(1e6 * fraction) + hardest)
        drawn = offsets(
            jax.random.fold_in(key, factor), config.dim, size, fraction, config.replicates,
            hardest=hardest,
        )  # fmt: skip
        for name, each in found.items():
            each.append(mean_and_sem(size / config.dim * drawn[name]))
    rows = []
    for learner, ((one, one_sem), (four, four_sem)) in zip(
        (SQUARES, LIKELY), found.values(), strict=True
    ):
        sem = float(np.hypot(4.0 * four_sem, one_sem)) / 3.0
        measured = {"value": (4.0 * four - one) / 3.0, "sem": sem}
        limit = {"limit": _limits(rule, fraction)[learner]}
        rows.append({"curve_rule": rule, "kept": fraction, "learner": learner} | measured | limit)
    return rows


def _problem(config: Config, score: str, rule: str, error: float) -> Any:
    """A linear problem whose probe errs by this squared distance."""
    ratio = {"probe_ratio": error, "signal": 1.0, "noise_std": 1.0}
    return linear.problem(score, rule, config.fraction, **ratio)


def _averages(config: Config, error: float) -> list[dict[str, Any]]:
    """Risks averaged over teachers, and the bound."""
    import jax

    from nfl_sim.theorems import BayesBound
    from nfl_sim.theorems.detective import mean_and_sem

    theorem, rows = BayesBound(num_samples=config.samples, error=error), []
    key = jax.random.fold_in(jax.random.key(config.seed), round(1e6 * error))
    for score, rule in AVERAGED:
        given = _problem(config, score, rule, error)
        mean, sem = mean_and_sem(theorem.risks(given, config.dim, key, config.teachers))
        names = {"curve_score": score, "curve_rule": rule, "error": error}
        bound = theorem.bound(given, config.dim)
        rows.append(names | {"risk": mean, "sem": sem, "bound": bound})
    return rows


def _average_lines(config: Config) -> list[dict[str, Any]]:
    """E + C/n averaged over q = |w0 - w_p|^2, which is Q/d times a chi-square."""
    import nfl_sim as nfl
    from nfl_sim.theorems import bayes_risk

    regime = nfl.FixedDimension(config.dim)
    errors = np.geomspace(min(config.errors), max(config.errors), 9)
    nodes, weights = _chi_square_rule(config.dim)
    rows = []
    for error in errors:
        size = config.samples
        bound = bayes_risk(config.dim, size, noise_std=1.0, error=float(error)).mean
        rows.append({"curve_score": "bound", "curve_rule": "bound", "error": error, "risk": bound})
        for score, rule in AVERAGED[:3]:
            given = [_problem(config, score, rule, float(error * q)) for q in nodes]
            found = problems.curve(given, regime)
            kept = nfl.num_kept(config.fraction, size)
            risks = linear.approach(
                found["excess_risk"], found["finite_size"], kept, config.fraction, config.dim
            )
            names = {"curve_score": score, "curve_rule": rule, "error": error}
            rows.append(names | {"risk": float(weights @ risks)})
    return rows


def _chi_square_rule(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss nodes and weights of the mean over chi^2_d / d."""
    from scipy.special import roots_genlaguerre

    nodes, weights = roots_genlaguerre(_NODES, 0.5 * dim - 1.0)
    return 2.0 * nodes / dim, weights / np.sum(weights)


def _variance_verdict(row: dict[str, Any]) -> Verdict:
    z = (row["value"] - row["limit"]) / row["sem"]
    word = "agree" if abs(z) < SIGNIFICANT else "disagree"
    claim = f"{row['curve_rule']} r={row['kept']:g}, {row['learner']}: n |w - w0|^2 / d"
    return Verdict(claim, row["limit"], row["value"], row["sem"], z, word)


def _bayes_verdict(row: dict[str, Any]) -> Verdict:
    z = (row["risk"] - row["bound"]) / row["sem"]
    word = "agree" if z > -SIGNIFICANT else "disagree"
    claim = f"{row['curve_rule']} {row['curve_score']} is not below the bound, Q={row['error']:g}"
    return Verdict(claim, row["bound"], row["risk"], row["sem"], z, word)


def _draw_variance(axes: "Axes", line: Table, at: Table, learner: str, rule: str) -> None:
    """One colour, that of the score: least squares is hollow, the likelihood filled and broad."""
    from experiments import style

    look: dict[str, Any] = {"score": "EL2N", "rule": rule}
    colour = style.SCORES["EL2N"]
    broad: dict[str, Any] = {"linewidth": 2.4, "alpha": 0.45} if learner == LIKELY else {}
    filled: dict[str, Any] = {"markerfacecolor": colour} if learner == LIKELY else {}
    style.theory(axes, line["kept"], line["value"], **look, **broad)
    style.measured(axes, at["kept"], at["value"], at["sem"], **look, **filled)


def _draw_variances(axes: "Axes", tables: Mapping[str, Table], rule: str) -> None:
    from experiments import style

    for learner in (SQUARES, LIKELY):
        line = select(tables["lines"], curve_rule=rule, learner=learner)
        at = select(tables["points"], curve_rule=rule, learner=learner)
        _draw_variance(axes, line, at, learner, rule)
    kept = line["kept"]
    axes.plot(kept, 1.0 / kept, color=style.BLACK, linestyle=style.RULES[RANDOM]["linestyle"])
    axes.axhline(1.0, color=style.GREY, linewidth=0.9)
    axes.annotate("all data", (0.022, 1.0), xytext=(0, 3), textcoords="offset points",
                  fontsize=7, color=style.GREY)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim((0.5, 400.0) if rule == HARDEST else (0.01, 3e3))
    axes.set_xlabel("kept fraction, $r$")
    axes.set_title(f"{style.RULE_NAMES[rule]} EL2N of the teacher")


def _draw_averages(axes: "Axes", tables: Mapping[str, Table]) -> None:
    from experiments import style

    bound = select(tables["average_lines"], curve_rule="bound")
    axes.plot(bound["error"], bound["risk"], color=style.GREY, linewidth=2.0)
    for score, rule in AVERAGED:
        line = select(tables["average_lines"], curve_score=score, curve_rule=rule)
        at = select(tables["averages"], curve_score=score, curve_rule=rule)
        look: dict[str, Any] = {"score": score, "rule": rule}
        style.theory(axes, line["error"], line["risk"], **look)
        size: dict[str, Any] = {"markersize": 7} if rule == VERTEX else {}
        style.measured(axes, at["error"], at["risk"], at["sem"], **look, **size)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("mean error of the probe, $Q$")
    axes.set_ylabel("excess risk, averaged")
    axes.set_title("averaged over teachers")


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    from experiments import style

    def handle(name: str, score: str, rule: str, **options: Any) -> Line2D:
        look: dict[str, Any] = {"color": style.SCORES[score], "markerfacecolor": "white"}
        return Line2D([], [], label=name, **(look | style.RULES[rule] | options))

    filled: dict[str, Any] = {"markerfacecolor": style.SCORES["EL2N"]}
    handles = [
        handle("hardest EL2N, least squares", "EL2N", HARDEST),
        handle("easiest EL2N, least squares", "EL2N", EASIEST),
        handle("hardest, truncated likelihood", "EL2N", HARDEST, **filled),
        handle("easiest, truncated likelihood", "EL2N", EASIEST, **filled),
        handle("random", "Uniform", RANDOM),
        handle("balanced vertex", "Uniform", VERTEX, linestyle="none", markersize=7),
        Line2D([], [], color=style.GREY, linewidth=2.0, label="Bayes bound"),
    ]
    figure.legend(handles=handles, loc="upper center", ncols=4, columnspacing=1.0)
