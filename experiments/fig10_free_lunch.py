"""The free lunch of joint selection, and what insurance against No Free Lunch costs.

(a) n times the distance to the student of all data, against n, for least squares: a vertex of the
balance polytope stays where it is, every pointwise rule goes up (T12). (b) The excess risk over
that of all data. (c) The same distance for logistic regression, balanced at a pilot: an experiment
without a theorem. (d) The worst case against the number of audit samples of what a rule discards
(T13).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import fig10_distances as distances
from experiments.fig10_distances import HARDEST, LINEAR, RANDOM, SIGNS, VERTEX
from experiments.registry import Result
from experiments.tables import Table, from_rows, select
from experiments.verdicts import SIGNIFICANT, Verdict, of_sign

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab

RISKS = (("Uniform", VERTEX), ("Uniform", RANDOM), ("EL2N", HARDEST))
PAIRS = (("Uncertainty", HARDEST), ("EL2N", "KeepEasiest"))
HALFWAY = -0.75  # between the exponents of a vertex, -1, and of random rows, -1/2


@dataclass(frozen=True)
class Config:
    """Configuration of fig10_free_lunch.

    Args:
        seed: root of all keys.
        dim: of the covariates.
        fraction: kept.
        angle: of the probe.
        signal: of the logistic teacher.
        sizes: n.
        repeats: of a distance.
        replicates: of a risk.
        audits: N, mean numbers of audit samples.
        audited: n of panel (d).
        audit_replicates: of its points.
        line_points: along a line.
    """

    seed: int = 0
    dim: int = 3
    fraction: float = 0.1
    angle: float = 0.6
    signal: float = 1.5
    sizes: tuple[int, ...] = (400, 1600, 6400)
    repeats: int = 32
    replicates: int = 128
    audits: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0)
    audited: int = 100
    audit_replicates: int = 4000
    line_points: int = 40


PRESETS = {
    "quick": Config(),
    "paper": Config(
        sizes=(400, 800, 1600, 3200, 6400, 12800, 25600),
        repeats=200,
        replicates=1024,
        audit_replicates=40_000,
    ),
}


def cells(config: Config) -> "list[Cell]":
    """The risks of panel (b)."""
    return [_cell(config, curve, size) for curve in RISKS for size in config.sizes]


def compute(config: Config, lab: "Lab") -> Result:
    """Distances, risks and audits, with the lines that theory draws through them."""
    lab.start(cells(config))
    gaps = list(distances.least_squares_points(config))
    signs = list(distances.logistic_points(config))
    risks = [_risk(config, lab, curve, size) for curve in RISKS for size in config.sizes]
    audits = _audits(config)
    tables = {
        "distances": from_rows(gaps),
        "distance_lines": from_rows(_distance_lines(config)),
        "risks": from_rows(risks),
        "risk_lines": from_rows(_risk_lines(config)),
        "logistic": from_rows(signs),
        "audits": from_rows(audits),
    }
    verdicts = [
        _slope(select(tables["distances"], curve_rule=VERTEX), f"least squares, {VERTEX}"),
        _slope(select(tables["distances"], curve_rule=RANDOM), f"least squares, {RANDOM}", False),
        _slope(select(tables["logistic"], curve=distances.PILOT), "logistic, vertex at a pilot"),
    ]
    verdicts += [*_random_distances(config, tables), *_risk_verdicts(tables["risks"])]
    verdicts += [_audit_verdict(row) for row in audits]
    return Result(tables, verdicts)


def plot(tables: Mapping[str, Table]) -> "Figure":
    """Four panels."""
    import matplotlib.pyplot as plt

    from experiments import style

    figure, grid = plt.subplots(2, 2, figsize=(style.TEXT_WIDTH, 5.3))
    figure.subplots_adjust(left=0.09, right=0.985, bottom=0.08, top=0.88, wspace=0.3, hspace=0.45)
    panels = list(grid.flat)
    for axes, draw in zip(panels, (_draw_distances, _draw_risks, _draw_signs, _draw_audits),
                          strict=True):  # fmt: skip
        draw(axes, tables)
    for axes, name in zip(panels, "abcd", strict=True):
        corner = axes.get_position()
        style.letter(figure, corner.x0 - 0.075, corner.y1 + 0.035, name)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncol=5, columnspacing=1.2)
    return figure


def _cell(config: Config, curve: tuple[str, str], size: int) -> "Cell":
    from experiments.lab import Cell

    return Cell(distances.problem(config, *curve), config.dim, size, config.replicates)


def _risk(config: Config, lab: "Lab", curve: tuple[str, str], size: int) -> dict[str, Any]:
    """A measured excess risk, in units of that of all data."""
    found = lab.simulate(_cell(config, curve, size)).excess_risk
    whole = config.dim / (size - config.dim - 1.0)
    names = {"curve_score": curve[0], "curve_rule": curve[1], "num_samples": size}
    return names | {"ratio": found.mean / whole, "sem": found.sem / whole}


def _along(config: Config) -> np.ndarray:
    return np.geomspace(min(config.sizes), max(config.sizes), config.line_points)


def _distance_lines(config: Config) -> list[dict[str, Any]]:
    sizes = _along(config)
    return [
        {"curve_score": score, "curve_rule": rule, "num_samples": n, "distance": value}
        for score, rule in LINEAR
        if rule != VERTEX
        for n, value in zip(sizes, distances.stated(config, score, rule, sizes), strict=True)
    ]


def _risk_lines(config: Config) -> list[dict[str, Any]]:
    """Random pruning exactly; the plateau of an invalid rule; all data, which is 1."""
    sizes, dim = _along(config), config.dim
    whole = dim / (sizes - dim - 1.0)
    values = {
        ("Uniform", VERTEX): np.ones(len(sizes)),
        ("Uniform", RANDOM): dim / (config.fraction * sizes - dim - 1.0) / whole,
        ("EL2N", HARDEST): distances.stated(config, "EL2N", HARDEST, sizes) ** 2 / whole,
    }
    return [
        {"curve_score": score, "curve_rule": rule, "num_samples": n, "ratio": value}
        for (score, rule), line in values.items()
        for n, value in zip(sizes, line, strict=True)
    ]


def _audits(config: Config) -> list[dict[str, Any]]:
    """The detective's risk over Delta, and the bound that he attains."""
    import jax

    from nfl_sim.theorems.detective import audited_risks, mean_and_sem, strong_adversary

    rows, r = [], 0.3
    for column, (score, rule) in enumerate(PAIRS):
        angle = 0.0 if score == "EL2N" else config.angle
        rest = {"signal": 1.0, "noise_std": 1.0, "penalty": 0.0}
        pair = strong_adversary(
            distances.linear.build(score, rule, r, angle=angle, norm=1.0, **rest)
        )
        for index, audits in enumerate(config.audits):
            key = jax.random.fold_in(jax.random.key(config.seed), 100 * column + index)
            found = audited_risks(
                pair,
                key,
                num_samples=config.audited,
                audit=audits / (config.audited * (1.0 - r)),
                replicates=config.audit_replicates,
            )
            risk, sem = mean_and_sem(found / pair.bound)
            least = (1.0 - audits / config.audited) ** config.audited
            names = {"curve_score": score, "curve_rule": rule, "audits": audits}
            rows.append(names | {"risk": risk, "sem": sem, "bound": least})
    return rows


def _slope(rows: Table, where: str, steeper: bool = True) -> Verdict:
    """Whether a distance falls faster (slower) than n^-3/4."""
    logs, errors = np.log(rows["distance"]), rows["sem"] / rows["distance"]
    span = float(np.log(rows["num_samples"][-1] / rows["num_samples"][0]))
    slope, sem = float(logs[-1] - logs[0]) / span, float(np.hypot(errors[-1], errors[0])) / span
    word = "faster" if steeper else "slower"
    claim = f"{where}: the distance falls as n^{slope:.2f}, {word} than n^{HALFWAY}"
    return of_sign(claim, HALFWAY - slope, sem, {}, positive=steeper)


def _random_distances(config: Config, tables: Mapping[str, Table]) -> list[Verdict]:
    """Random rows: the exact root mean square distance."""
    found = []
    rows = select(tables["distances"], curve_rule=RANDOM)
    lines = distances.stated(config, "Uniform", RANDOM, rows["num_samples"].astype(float))
    for n, mean, sem, line in zip(
        rows["num_samples"], rows["distance"], rows["sem"], lines, strict=True
    ):
        z = float((mean - line) / sem)
        word = "agree" if abs(z) < SIGNIFICANT else "disagree"
        claim = f"random rows, n={n}: distance of least squares"
        found.append(Verdict(claim, float(line), float(mean), float(sem), z, word))
    return found


def _risk_verdicts(table: Table) -> list[Verdict]:
    """A vertex has a smaller risk than random rows of the same number."""
    vertex, random = (select(table, curve_rule=rule) for rule in (VERTEX, RANDOM))
    gaps = random["ratio"] - vertex["ratio"]
    sems = np.hypot(random["sem"], vertex["sem"])
    return [
        of_sign(f"the vertex is below random pruning: n={n}", float(gap), float(sem), {})
        for n, gap, sem in zip(vertex["num_samples"], gaps, sems, strict=True)
    ]


def _audit_verdict(row: dict[str, Any]) -> Verdict:
    """The detective attains the bound, or is above it by what he misreads."""
    claim = f"{row['curve_rule']} {row['curve_score']}, N={row['audits']:g}: risk over Delta"
    gap, sem = row["risk"] - row["bound"], max(row["sem"], 1e-12)
    word = "agree" if abs(gap) < SIGNIFICANT * sem else "disagree"
    return Verdict(claim, row["bound"], row["risk"], sem, gap / sem, word)


def _draw_distances(axes: "Axes", tables: Mapping[str, Table]) -> None:
    from experiments import style

    for score, rule in LINEAR:
        line = select(tables["distance_lines"], curve_score=score, curve_rule=rule)
        at = select(tables["distances"], curve_score=score, curve_rule=rule)
        look: dict[str, Any] = {"score": score, "rule": rule}
        n, m = line["num_samples"], at["num_samples"]
        style.theory(axes, n, n * line["distance"], **look)
        name = "balanced vertex" if rule == VERTEX else style.curve_name(score, rule)
        size: dict[str, Any] = {"markersize": 8} if rule == VERTEX else {}
        style.measured(axes, m, m * at["distance"], m * at["sem"], label=name, **look, **size)
    _size_axis(axes, "least squares", tables["distances"])
    axes.set_ylabel(r"$n\,|w_S-\hat w|$, root mean square")


def _draw_risks(axes: "Axes", tables: Mapping[str, Table]) -> None:
    from experiments import style

    for score, rule in RISKS:
        line = select(tables["risk_lines"], curve_score=score, curve_rule=rule)
        at = select(tables["risks"], curve_score=score, curve_rule=rule)
        look: dict[str, Any] = {"score": score, "rule": rule}
        thin = {"linewidth": 0.8, "color": style.GREY} if rule == VERTEX else {}
        style.theory(axes, line["num_samples"], line["ratio"], **look, **thin)
        size: dict[str, Any] = {"markersize": 8} if rule == VERTEX else {}
        style.measured(axes, at["num_samples"], at["ratio"], at["sem"], **look, **size)
    _size_axis(axes, "least squares", tables["risks"])
    axes.annotate("all data", (tables["risks"]["num_samples"][0], 1.0), xytext=(2, -10),
                  textcoords="offset points", fontsize=7, color=style.GREY)  # fmt: skip
    axes.set_ylim(0.3, None)
    axes.set_ylabel("excess risk over that of all data")


def _draw_signs(axes: "Axes", tables: Mapping[str, Table]) -> None:
    from experiments import style

    looks: dict[str, Any] = {
        distances.PILOT: {"rule": VERTEX, "markersize": 8},
        distances.NULL: {"rule": VERTEX, "color": style.GREY},
        RANDOM: {"rule": RANDOM},
    }
    for name in SIGNS:
        at = select(tables["logistic"], curve=name)
        m = at["num_samples"]
        values = (m, m * at["distance"], m * at["sem"])
        style.measured(axes, *values, score="Uniform", **looks[name])
        end = (m[-1], values[1][-1])
        label = "random" if name == RANDOM else name
        axes.annotate(label, end, xytext=(0, 7), textcoords="offset points", ha="right", fontsize=7)
    _size_axis(axes, "logistic regression (no theorem)", tables["logistic"])
    axes.set_ylabel(r"$n\,|w_S-\hat w|$, root mean square")


def _draw_audits(axes: "Axes", tables: Mapping[str, Table]) -> None:
    from experiments import style

    for index, (score, rule) in enumerate(PAIRS):
        at = select(tables["audits"], curve_score=score, curve_rule=rule)
        if index == 0:
            axes.plot(at["audits"], at["bound"], color=style.GREY)
        aside = 0.06 * (2 * index - 1)  # so that the points do not cover each other
        style.measured(
            axes, at["audits"] + aside, at["risk"], at["sem"], score=score, rule=rule,
            label=style.curve_name(score, rule),
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_xlabel("audit samples of what is discarded, $N$")
    axes.set_ylabel(r"worst case over $\Delta$")
    axes.set_title(r"insurance: $(1-N/n)^n$")
    axes.legend(loc="lower left")


def _size_axis(axes: "Axes", title: str, table: Table) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    sizes = np.unique(table["num_samples"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(sizes if len(sizes) < 5 else sizes[::2])))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("number of samples, $n$")
    axes.set_title(title)
