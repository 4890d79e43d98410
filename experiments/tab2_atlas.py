"""Who is consistent where: model, score and side, with a perfect and an imperfect probe.

A rule is consistent if its limit is the best student at every fraction (T2). The limits are
predicted at a few; `tab1_verdicts` holds some of these cells against samples.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments import linear, logistic
from experiments.registry import Result
from experiments.tables import Table, from_rows

if TYPE_CHECKING:
    from experiments.lab import Cell, Lab

MODELS = ("Linear", "Logistic", "Logistic, flipped")
SCORES = ("EL2N", "GraNd", "Margin", "Uncertainty", "Leverage")
SIDES = ("KeepHardest", "KeepEasiest")
PROBES = {"perfect": (0.0, 1.0), "imperfect": (0.6, 1.3)}


@dataclass(frozen=True)
class Config:
    """Configuration of tab2_atlas.

    Args:
        seed: not used: nothing is drawn.
        dim: of the covariates.
        fractions: at which the limits are predicted.
        flip_probability: of the misspecified logistic model.
    """

    seed: int = 0
    dim: int = 4
    fractions: tuple[float, ...] = (0.5, 0.8)
    flip_probability: float = 0.2


PRESETS = {"quick": Config(), "paper": Config(fractions=(0.1, 0.3, 0.5, 0.7, 0.9))}


def cells(config: Config) -> "list[Cell]":
    """None: all of it is theory."""
    return []


def compute(config: Config, lab: "Lab") -> Result:
    """One row a model, score, side and probe: the excess risk at each fraction, and a word."""
    rows = []
    for model in MODELS:
        for score in SCORES:
            for side in SIDES:
                for probe in PROBES:
                    names = {"model": model, "score": score, "rule": side, "probe": probe}
                    found = [_excess(config, r, **names) for r in config.fractions]
                    columns = dict(zip(map(_column, config.fractions), found, strict=True))
                    rows.append(names | {"word": _word(found)} | columns)
    return Result({"table": from_rows(rows)}, [])


def documents(tables: Mapping[str, Table]) -> dict[str, bytes]:
    """The atlas in Markdown: a row a model and score, a column a side and probe."""
    table = tables["table"]
    keys = zip(*(table[name].tolist() for name in ("model", "score", "rule", "probe")), strict=True)
    words = dict(zip(keys, table["word"].tolist(), strict=True))
    columns = [(side, probe) for side in SIDES for probe in PROBES]
    head = ["model", "score", *(f"{side}, {probe} probe" for side, probe in columns)]
    lines = [head, ["---"] * len(head)]
    lines += [
        [model, score, *(words[(model, score, *column)] for column in columns)]
        for model in MODELS
        for score in SCORES
    ]
    return {"tab2.md": "".join(f"| {' | '.join(line)} |\n" for line in lines).encode()}


def _column(fraction: float) -> str:
    return f"excess at r={fraction:g}"


def _word(found: list[float]) -> str:
    if any(math.isnan(value) for value in found):
        return "undecided"
    if any(math.isinf(value) for value in found):
        return "no student"
    return "consistent" if max(found) == 0.0 else "inconsistent"


def _excess(
    config: Config, fraction: float, *, model: str, score: str, rule: str, probe: str
) -> float:
    """The excess risk of the limit, 0 if it is below its numerical error; nan if unknown."""
    import nfl_sim as nfl

    angle, norm = PROBES[probe]
    rest: dict[str, Any] = {"angle": angle, "norm": norm, "signal": 1.0, "penalty": 0.0}
    if model == "Linear":
        problem = linear.build(score, rule, fraction, noise_std=1.0, **rest)
    else:
        flips = config.flip_probability if "flipped" in model else 0.0
        problem = logistic.build(score, rule, fraction, flip_probability=flips, **rest)
    found = nfl.predict(problem, nfl.FixedDimension(config.dim))
    if not bool(found.exists):
        return math.inf
    if not bool(found.converged):
        return math.nan
    excess, error = float(found.excess_risk), float(found.numerical_error)
    return 0.0 if excess <= 10.0 * error + 1e-13 else excess
