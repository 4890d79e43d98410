"""Who is consistent where: model, well specified or not, score, and a perfect or imperfect probe.

A score is consistent if E[grad l(w*) | score] = 0 all along the score (T2). The curve is measured
on samples, in bins, at a family-wise false alarm; where theory knows the model, the limits of both
sides are predicted too, at a few fractions, and must say the same.
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

MODELS = ("Linear", "Linear, bent", "Logistic", "Logistic, flipped")
UNKNOWN = ("Linear, bent",)  # to `predict`
SCORES = ("EL2N", "GraNd", "Margin", "Uncertainty", "Leverage")
SIDES = ("KeepHardest", "KeepEasiest")
PROBES = {"perfect": (0.0, 1.0), "imperfect": (0.6, 1.3)}


@dataclass(frozen=True)
class Config:
    """Configuration of tab2_atlas.

    Args:
        seed: root of all keys.
        dim: of the covariates.
        fractions: at which the limits are predicted.
        flip_probability: of the misspecified logistic model.
        bend: of the misspecified linear model.
        draws: samples of a curve.
        false_alarm: that some consistent score is called inconsistent.
    """

    seed: int = 0
    dim: int = 4
    fractions: tuple[float, ...] = (0.5, 0.8)
    flip_probability: float = 0.2
    bend: float = 0.7
    draws: int = 1_000_000
    false_alarm: float = 1e-3


PRESETS = {"quick": Config(), "paper": Config(fractions=(0.1, 0.3, 0.5, 0.7, 0.9), draws=4_000_000)}


def cells(config: Config) -> "list[Cell]":
    """None: all of it is theory."""
    return []


def compute(config: Config, lab: "Lab") -> Result:
    """One row a model, score and probe: the curve, and the limits of both sides."""
    rows, verdicts = [], []
    for model in MODELS:
        for score in SCORES:
            for probe in PROBES:
                names = {"model": model, "score": score, "probe": probe}
                curve = _curve(config, **names)
                row = names | {"word": curve["word"]} | curve
                if model not in UNKNOWN:
                    row |= _limits(config, **names)
                    verdicts.append(_verdict(row))
                rows.append(row)
    return Result({"table": from_rows(rows)}, verdicts)


def documents(tables: Mapping[str, Table]) -> dict[str, bytes]:
    """The atlas in Markdown: a row a model and score, a column a probe."""
    table = tables["table"]
    keys = zip(*(table[name].tolist() for name in ("model", "score", "probe")), strict=True)
    words = dict(zip(keys, table["word"].tolist(), strict=True))
    head = ["model", "score", *(f"{probe} probe" for probe in PROBES)]
    lines = [head, ["---"] * len(head)]
    lines += [
        [model, score, *(words[(model, score, probe)] for probe in PROBES)]
        for model in MODELS
        for score in SCORES
    ]
    return {"tab2.md": "".join(f"| {' | '.join(line)} |\n" for line in lines).encode()}


def _curve(config: Config, *, model: str, score: str, probe: str) -> dict[str, Any]:
    """What the curve of the push says, and the largest mean of a bin with its error."""
    import zlib

    import jax
    import numpy as np

    from nfl_sim.theorems import push_curve

    cells_of_all = len(MODELS) * len(SCORES) * len(PROBES)
    key = jax.random.key(config.seed)
    key = jax.random.fold_in(key, zlib.crc32(repr((model, score, probe)).encode()))
    problem = _problem(config, 0.5, model=model, score=score, rule="KeepHardest", probe=probe)
    found = push_curve(problem, config.dim, key, draws=config.draws)
    worst = np.unravel_index(np.argmax(np.abs(found.means / found.sems)), found.means.shape)
    return {
        "word": found.verdict(config.false_alarm / cells_of_all),
        "largest push": float(found.means[worst]),
        "sem": float(found.sems[worst]),
        "gradient": found.size,
    }


def _limits(config: Config, **names: str) -> dict[str, Any]:
    """The predicted excess risk of either side at each fraction, and what they say together."""
    found = {
        _column(side, r): _excess(config, r, rule=side, **names)
        for side in SIDES
        for r in config.fractions
    }
    return {"predicted": _word(list(found.values()))} | found


def _verdict(row: dict[str, Any]) -> Any:
    """The curve and the limits say the same, or one of them says nothing."""
    from experiments.verdicts import Verdict

    told = {row["word"], row["predicted"]}
    word = "agree" if len(told) == 1 else "disagree"
    if "undecided" in told and len(told) > 1:
        word = "inconclusive"
    claim = f"{row['model']}, {row['score']}, {row['probe']} probe: {row['predicted']}"
    z = row["largest push"] / row["sem"]
    return Verdict(claim, 0.0, row["largest push"], row["sem"], z, word)


def _column(side: str, fraction: float) -> str:
    return f"{side} at r={fraction:g}"


def _word(found: list[float]) -> str:
    if any(math.isnan(value) for value in found):
        return "undecided"
    # A rule that leaves no student somewhere is not valid there.
    return "consistent" if max(found) == 0.0 else "inconsistent"


def _excess(
    config: Config, fraction: float, *, model: str, score: str, rule: str, probe: str
) -> float:
    """The excess risk of the limit, 0 if it is below its numerical error; nan if unknown."""
    import nfl_sim as nfl

    problem = _problem(config, fraction, model=model, score=score, rule=rule, probe=probe)
    found = nfl.predict(problem, nfl.FixedDimension(config.dim))
    if not bool(found.exists):
        return math.inf
    if not bool(found.converged):
        return math.nan
    excess, error = float(found.excess_risk), float(found.numerical_error)
    return 0.0 if excess <= 10.0 * error + 1e-13 else excess


def _problem(
    config: Config, fraction: float, *, model: str, score: str, rule: str, probe: str
) -> Any:
    import dataclasses

    from nfl_sim.theorems import Cubic

    angle, norm = PROBES[probe]
    rest: dict[str, Any] = {"angle": angle, "norm": norm, "signal": 1.0, "penalty": 0.0}
    if model.startswith("Linear"):
        found = linear.build(score, rule, fraction, noise_std=1.0, **rest)
        bent: Any = Cubic
        swap = {"model": bent(signal=1.0, bend=config.bend, noise_std=1.0)}
        return dataclasses.replace(found, **swap) if model in UNKNOWN else found
    flips = config.flip_probability if "flipped" in model else 0.0
    return logistic.build(score, rule, fraction, flip_probability=flips, **rest)
