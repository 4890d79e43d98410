"""The cells of `verify` whose probe is fitted: on the sample, a part of it, another, or in rounds.

Least squares is judged by its limit and the coefficient of 1/n at fixed dimension, or by the exact
mean at one size; logistic regression by its limit, and the coefficient where it is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from experiments import linear, logistic

if TYPE_CHECKING:
    from experiments.lab import Cell

HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"
SAME = "SameSampleProbe"
LADDERS = {"Linear": (256, 512, 1024), "Logistic": (1024, 2048, 4096)}


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        model: "Linear", with unit noise and signal, or "Logistic", with signal 2.
        score, rule, fraction: the pruning.
        probe, number: its kind, and the one number that it may have.
        exact: sample size of the exact law, 0 for the limit and 1/n at fixed dimension.
        penalty: of the student.
        dim: dimension.
    """

    model: str
    score: str
    rule: str
    fraction: float
    probe: str = SAME
    number: float | None = None
    exact: int = 0
    penalty: float = 0.0
    dim: int = 4


CASES = (
    Case("Linear", "EL2N", HARD, 0.5),
    Case("Linear", "EL2N", EASY, 0.7, dim=2),
    Case("Linear", "GraNd", HARD, 0.6, dim=3),
    Case("Linear", "GraNd", EASY, 0.5),
    Case("Linear", "Uncertainty", HARD, 0.4),
    Case("Linear", "Margin", HARD, 0.5),
    Case("Linear", "EL2N", RANDOM, 0.5),
    Case("Linear", "EL2N", HARD, 0.5, "FreshProbe", 0.5),
    Case("Linear", "GraNd", EASY, 0.6, "FreshProbe", 2.0),
    Case("Linear", "EL2N", HARD, 0.7, "SubsampleProbe", 0.5),
    Case("Linear", "EL2N", HARD, 0.6, "CrossFitProbe", 5),
    Case("Linear", "EL2N", HARD, 0.7, "IteratedProbe", 2),
    Case("Linear", "EL2N", EASY, 0.6, penalty=0.3),
    Case("Linear", "EL2N", HARD, 0.5, exact=24),
    Case("Linear", "EL2N", EASY, 0.6, exact=60, dim=8),
    Case("Linear", "Loss", HARD, 0.2, exact=200, dim=6),
    Case("Logistic", "EL2N", HARD, 0.8),
    Case("Logistic", "GraNd", EASY, 0.95),
    Case("Logistic", "Uncertainty", HARD, 0.6),
)


def cases(replicates: int) -> "Iterator[tuple[str, Any, list[Cell]]]":
    """Claim, regime and cells of every case."""
    import nfl_sim as nfl
    from experiments.lab import Cell

    for case in CASES:
        made = problem(case)
        regime: Any = nfl.FixedDimension(case.dim)
        sizes, count = LADDERS[case.model], replicates
        if case.exact:
            sizes, regime = (case.exact,), nfl.FiniteSample(case.dim, case.exact)
        elif case.model == "Logistic":
            count = max(2, replicates // 4)
        yield _claim(case), regime, [Cell(made, case.dim, size, count) for size in sizes]


def problem(case: Case) -> Any:
    """The problem of a row."""
    import nfl_sim as nfl

    names = (case.score, case.rule, case.fraction)
    if case.model == "Linear":
        rest = {"signal": 1.0, "noise_std": 1.0, "penalty": case.penalty}
        made = linear.build(*names, angle=0.0, norm=1.0, **rest)
    else:
        made = logistic.build(*names, angle=0.0, norm=2.0, signal=2.0, penalty=case.penalty)
    number = () if case.number is None else (case.number,)
    probe = getattr(nfl.scores, case.probe)(*number)
    return replace(made, score=getattr(nfl.scores, case.score)(probe))


def _claim(case: Case) -> str:
    number = "" if case.number is None else f"({case.number:g})"
    at = f" n={case.exact}" if case.exact else ""
    names = f"{case.model} {case.score} {case.rule} {case.probe}{number}"
    return f"{names} r={case.fraction:g} lambda={case.penalty:g} d={case.dim}{at}"
