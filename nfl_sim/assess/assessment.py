"""What an assessment concludes, as rows of tables, and as text."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from nfl_sim.assess.criterion import NO_GRADIENT, UNDECIDED, Criterion
from nfl_sim.assess.curves import Crossover, Curve
from nfl_sim.assess.inspection import Inspection
from nfl_sim.assess.plan import Setup

Verdict = Literal["consistent", "inconsistent", "cannot be decided"]
Row = dict[str, Any]


class Assessment(NamedTuple):
    """A score on a model: is it consistent, where does it fail, and when does random win?

    ``print(assessment)`` is the table of verdicts, ``to_dict()`` all of it.

    Args:
        setup: what was assessed.
        inspection: atoms of the score.
        criterion: T2 at each fraction, and what is kept.
        curves: excess risk against the fraction and the sample size, a `Curve` each fraction.
        resolution, false_alarm: of the verdicts; see `nfl_sim.assess`.
    """

    setup: Setup
    inspection: Inspection
    criterion: Criterion
    curves: tuple[Curve, ...]
    resolution: float
    false_alarm: float

    @property
    def name(self) -> str:
        """Of the score."""
        return self.inspection.name

    @property
    def verdict(self) -> Verdict:
        """Inconsistent if invalid at some fraction; consistent if valid at all that were tried."""
        words = {push.validity for push in self.criterion.pushes}
        if "invalid" in words:
            return "inconsistent"
        return "consistent" if words == {"valid"} else "cannot be decided"

    def to_dict(self) -> dict[str, list[Row]]:
        """The tables "summary", "fractions", "points" and "atoms", each a list of rows."""
        return {
            "summary": [self._summary()],
            "fractions": self._fractions(),
            "points": self._points(),
            "atoms": [{"value": a.value, "mass": a.mass} for a in self.inspection.atoms],
        }

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return to_json(self.to_dict())

    def __str__(self) -> str:
        """The table of verdicts."""
        return render(self.to_dict())

    def _summary(self) -> Row:
        setup = self.setup
        return {
            "score": self.name,
            "model": type(setup.model).__name__,
            "learner": type(setup.learner).__name__,
            "rule": setup.rule,
            "dim": setup.dim,
            "verdict": self.verdict,
            "largest_size": setup.sizes[-1],
            "replicates": setup.replicates,
            "draws": self.criterion.draws,
            "resolution": self.resolution,
            "false_alarm": self.false_alarm,
            "atomic_mass": sum(atom.mass for atom in self.inspection.atoms),
            **{f"full.{k}": v.value for k, v in self.criterion.whole.items()},
        }

    def _fractions(self) -> list[Row]:
        rows = []
        for push, curve in zip(self.criterion.pushes, self.curves, strict=True):
            worst, crossover = push.worst, curve.crossover
            row: Row = {
                "fraction": push.fraction,
                "validity": push.validity,
                "reason": push.reason,
                "push": float(push.push[worst]),
                "push_coordinate": worst + 1,
                "push_low": float(push.push[worst] - push.reach[worst]),
                "push_high": float(push.push[worst] + push.reach[worst]),
                "push_resolution": float(push.resolution[worst]),
                "excess_risk": curve.score[-1].mean,
                "excess_risk_sem": curve.score[-1].sem,
                "random_excess_risk": curve.random[-1].mean,
                "random_excess_risk_sem": curve.random[-1].sem,
                "winner": curve.winners[-1],
                "student": curve.student,
                "plateau": curve.plateau,
                "plateau_sem": curve.plateau_sem,
                "plateau_found": curve.plateau_found,
                "crossover": describe(crossover),
                "crossover_kind": crossover.kind,
                "crossover_low": crossover.low,
                "crossover_high": crossover.high,
                "crossover_estimate": crossover.estimate,
                "crossover_sem": crossover.sem,
                "tied": push.tied,
            }
            for name, value in push.composition.items():
                row |= {name: value.value, f"{name}_sem": value.sem}
            rows.append(row)
        return rows

    def _points(self) -> list[Row]:
        rows = []
        for curve in self.curves:
            for rule, points in ((self.setup.rule, curve.score), ("random", curve.random)):
                for point, winner in zip(points, curve.winners, strict=True):
                    rows.append({"rule": rule, **point._asdict(), "winner": winner})
        return rows


def to_json(tables: Mapping[str, list[Row]]) -> str:
    """The tables as JSON; what is not a finite number is null, or the text "inf"."""
    return json.dumps(_plain(dict(tables)), indent=2, allow_nan=False) + "\n"


def describe(crossover: Crossover) -> str:
    """The crossover in a few words."""
    low, high = crossover.low, crossover.high
    about = f", about {crossover.estimate:.0f} ± {crossover.sem:.0f}"
    near = about if math.isfinite(crossover.estimate) else ""
    match crossover.kind:
        case "bracketed":
            return f"{low:.0f} to {high:.0f}{near}"
        case "below":
            return f"at or below {high:.0f}"
        case "beyond":
            return f"finite{near}" if near else "finite, beyond the sizes tried"
        case "none":
            return f"none up to n={low:.0f}"
    return "cannot be decided"


def render(tables: Mapping[str, list[Row]]) -> str:
    """The verdicts and what is kept, in plain text."""
    rows = tables["fractions"]
    blocks = [
        _aligned([columns, *(cells(row) for row in rows)])
        for columns, cells in ((VERDICTS, verdict_cells), (KEPT, kept_cells))
    ]
    return "\n\n".join([headline(tables), *blocks, "\n".join(remarks(tables))])


VERDICTS = (
    "r",
    "T2",
    "push at w*",
    "excess risk",
    "random pruning",
    "winner",
    "plateau",
    "random wins from n",
)
KEPT = ("r", "kept y>0", "mean y", "mean |x|", "tied at the threshold")


def verdict_cells(row: Row) -> tuple[str, ...]:
    """The verdicts at one fraction, as text; the columns of `VERDICTS`."""
    reach = row["push_high"] - row["push"]
    risk = _measured(row["excess_risk"], row["excess_risk_sem"])
    if row["student"] != "exists":
        risk = "no student" if row["student"] == "does not exist" else UNDECIDED
    plateau = _measured(row["plateau"], row["plateau_sem"])
    return (
        f"{row['fraction']:g}",
        row["validity"],
        "-" if row["reason"] == NO_GRADIENT else _measured(row["push"], reach),
        risk,
        _measured(row["random_excess_risk"], row["random_excess_risk_sem"]),
        row["winner"],
        plateau if math.isfinite(row["plateau"]) else UNDECIDED,
        row["crossover"],
    )


def kept_cells(row: Row) -> tuple[str, ...]:
    """What is kept at one fraction, as text; the columns of `KEPT`."""
    return (
        f"{row['fraction']:g}",
        f"{row['share_positive']:.3f}",
        f"{row['mean_label']:+.3f}",
        f"{row['mean_norm']:.3f}",
        f"{row['tied']:.1%}" if row["tied"] > 0.0 else "none",
    )


def _measured(value: float, error: float) -> str:
    """A number and its error, to the digits that the error leaves."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0.0):
        return UNDECIDED
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def headline(tables: Mapping[str, list[Row]]) -> str:
    """The verdict in a sentence."""
    head = tables["summary"][0]
    where = f"on {head['model']}, d={head['dim']}, keeping the {head['rule']}"
    return f"{head['score']} {where}: {head['verdict'].upper()}"


def remarks(tables: Mapping[str, list[Row]]) -> Sequence[str]:
    """What the table needs to be read, and what else was found."""
    head = tables["summary"][0]
    full = (head["full.share_positive"], head["full.mean_label"], head["full.mean_norm"])
    lines = [
        f"full sample: y>0 {full[0]:.3f}, mean y {full[1]:+.3f}, mean |x| {full[2]:.3f}",
        f"excess risks at n={head['largest_size']} ± standard error, {head['replicates']} "
        f"replicates; push ± half of its simultaneous interval, {head['draws']} samples; a push "
        f"below {head['resolution']:g} of the gradient's size counts as none",
        f"chance of any wrong verdict: {head['false_alarm']:g}",
    ]
    atoms = tables["atoms"]
    if atoms:
        told = ", ".join(f"{a['value']:.3g} ({a['mass']:.0%})" for a in atoms[:3])
        lines.append(f"the score has atoms: {told}; ties at the threshold are broken by lot")
    reasons = {r["reason"] for r in tables["fractions"] if r["validity"] == "cannot be decided"}
    lines += [f"cannot be decided: {reason}" for reason in sorted(reasons)]
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
