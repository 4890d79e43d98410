"""No Free Lunch: the worst of two processes that a rule cannot tell apart, against its fraction.

Three rules, each with its own pair of processes (T5), whose kept laws are one. The line is the
bound of T4, which no learner goes below in the worst case; the points are learners trained on what
is kept. The midpoint, which ignores the data, attains it; random pruning at the same fraction goes
far below.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.registry import Result
from experiments.tables import Table, from_rows, select
from experiments.verdicts import SIGNIFICANT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

CASES = (("Uncertainty", "KeepHardest"), ("Uncertainty", "KeepEasiest"), ("EL2N", "KeepEasiest"))
MIDPOINT, RANDOM = "midpoint", "random pruning, least squares"
LEARNERS = ("least squares", "ridge 1", "random features", "network")


@dataclass(frozen=True)
class Config:
    """Configuration of fig9_no_free_lunch.

    Args:
        seed: root of all keys.
        magnitude: B of the label-free pairs; that of EL2N is B beyond its threshold.
        dim: of the covariates.
        kept: samples that a learner sees.
        fractions: of the points.
        replicates: of a point.
        line_points: along the bound.
    """

    seed: int = 0
    magnitude: float = 1.5
    dim: int = 5
    kept: int = 200
    fractions: tuple[float, ...] = (0.1, 0.5, 0.8)
    replicates: int = 16
    line_points: int = 61


PRESETS = {
    "quick": Config(),
    "paper": Config(fractions=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), replicates=200),
}


def cells(config: Config) -> "list[Cell]":
    """None that the store keeps: the processes are not those of `nfl_sim.simulate`."""
    return []


def compute(config: Config, lab: "Lab") -> Result:
    """The bound along the fraction, and every learner at the points."""
    lines = [
        {
            "curve_score": score,
            "curve_rule": rule,
            "kept": r,
            "bound": _pair(config, score, rule, r).bound,
        }
        for score, rule in CASES
        for r in np.linspace(0.02, 0.98, config.line_points)
    ]
    points, verdicts = [], []
    for row, verdict in _points(config):
        points.append(row)
        verdicts.append(verdict)
    return Result({"lines": from_rows(lines), "points": from_rows(points)}, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """A panel a rule."""
    import matplotlib.pyplot as plt

    from experiments import style

    looks = {
        "least squares": (style.BLUE, "s"),
        "ridge 1": (style.SKY, "D"),
        "random features": (style.PURPLE, "v"),
        "network": (style.ORANGE, "^"),
        MIDPOINT: (style.BLACK, "x"),
        RANDOM: (style.GREY, "o"),
    }
    figure, panels = plt.subplots(1, 3, figsize=(style.TEXT_WIDTH, 2.75), sharey=True)
    figure.subplots_adjust(left=0.085, right=0.99, bottom=0.15, top=0.73, wspace=0.16)
    for axes, (score, rule), name in zip(panels, CASES, "abc", strict=True):
        style.letter(figure, axes.get_position().x0 - 0.035, 0.8, name)
        line = select(tables["lines"], curve_score=score, curve_rule=rule)
        axes.plot(line["kept"], line["bound"], color=style.SCORES[score], label="bound of T4")
        for index, (learner, (colour, marker)) in enumerate(looks.items()):
            found = select(tables["points"], curve_score=score, curve_rule=rule, learner=learner)
            aside = 0.008 * (index - 2.5)  # so that points at one fraction do not cover each other
            axes.errorbar(
                found["kept"] + aside, found["worst"], yerr=style.SIGMAS * found["sem"],
                color=colour, marker=marker, linestyle="none", markerfacecolor="white",
                markeredgewidth=0.9, elinewidth=0.8, label=learner, zorder=3,
            )  # fmt: skip
        axes.set_yscale("log")
        axes.set_ylim(5e-3, 10.0)
        axes.set_title(f"{style.RULE_NAMES[rule]} {score}")
        axes.set_xlabel("kept fraction r")
    panels[0].set_ylabel("worst excess risk of the two processes")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncol=4, columnspacing=1.5)
    return figure


def _pair(config: Config, score: str, rule: str, fraction: float) -> Any:
    """The adversary of a rule; that of EL2N has the size of its threshold and B beyond it."""
    import nfl_sim as nfl

    kept: Any = getattr(nfl.pruning, rule)
    if score == "Uncertainty":
        seen: Any = nfl.scores.Uncertainty(_probe(0.6))
        return nfl.theorems.adversary(seen, kept(fraction), config.magnitude)
    from scipy import stats

    edge = float(stats.norm.isf(0.5 * (1.0 - fraction)))
    return nfl.theorems.adversary(
        nfl.scores.EL2N(_probe(0.0)), kept(fraction), edge + config.magnitude
    )


def _probe(angle: Any) -> Any:
    import nfl_sim as nfl

    one: Any = 1.0
    return nfl.Probe(angle=angle, norm=one)


def _points(config: Config) -> Iterator[tuple[dict[str, Any], Any]]:
    import jax

    from nfl_sim.theorems import midpoint, risks
    from nfl_sim.theorems.students import STUDENTS

    root = jax.random.key(config.seed)
    for index, (score, rule) in enumerate(CASES):
        for fraction in config.fractions:
            pair = _pair(config, score, rule, fraction)
            chosen = {name: STUDENTS[name] for name in LEARNERS}
            chosen |= {MIDPOINT: midpoint(pair), RANDOM: STUDENTS["least squares"]}
            key = jax.random.fold_in(jax.random.fold_in(root, index), round(1e6 * fraction))
            for name, student in chosen.items():
                found = risks(
                    pair,
                    student,
                    key,
                    dim=config.dim,
                    num_kept=config.kept,
                    replicates=config.replicates,
                    random=name == RANDOM,
                )
                sem = float(found.sems[int(np.argmax(found.values))])
                names = {"curve_score": score, "curve_rule": rule, "kept": fraction}
                row = names | {"learner": name, "worst": found.worst, "sem": sem}
                yield row, _verdict(pair.bound, found, f"{rule} {score} r={fraction:g}", name)


def _verdict(bound: float, found: Any, where: str, learner: str) -> Any:
    """The average of the two risks is not below the bound; under random pruning it may be."""
    from experiments.verdicts import Verdict

    gap = found.average - bound
    z = gap / found.sem
    if learner == RANDOM:
        word = "agree" if z < -SIGNIFICANT else "inconclusive"
        claim = f"random pruning goes below the bound: {where}"
    else:
        word = "agree" if z > -SIGNIFICANT else "disagree"
        claim = f"{learner} does not: {where}"
    return Verdict(claim, bound, found.average, found.sem, z, word)
