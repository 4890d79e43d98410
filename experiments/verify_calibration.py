"""The calibrated cells of `verify`: exact and soft, both models, every score and both sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments import linear, logistic, problems

EXACT, SOFT = "ExactCalibration", "SoftCalibration"
OPPOSITE = 3.141592653589793


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        model: "Linear", with unit noise, or "Logistic".
        score, rule, fraction, mixing, hardest: the pruning.
        angle, norm: the probe; the teacher has length 1, angle 0.
        penalty: of the student.
        dim: dimension.
    """

    model: str
    score: str
    rule: str
    fraction: float
    mixing: float
    hardest: bool = True
    angle: float = 0.6
    norm: float = 1.0
    penalty: float = 0.0
    dim: int = 4


CASES = (
    # least squares: the teacher, whatever the score, the side and the mixing
    Case("Linear", "EL2N", EXACT, 0.3, 0.1),
    Case("Linear", "EL2N", EXACT, 0.1, 0.3, hardest=False),
    Case("Linear", "EL2N", EXACT, 0.5, 0.85, angle=OPPOSITE, norm=0.5),
    Case("Linear", "GraNd", EXACT, 0.3, 0.4),
    Case("Linear", "GraNd", EXACT, 0.2, 0.2, hardest=False, dim=6),
    Case("Linear", "Leverage", EXACT, 0.3, 0.5),
    Case("Linear", "Margin", EXACT, 0.4, 0.5, norm=0.5),
    Case("Linear", "Uncertainty", EXACT, 0.3, 0.5, hardest=False),
    Case("Linear", "Loss", EXACT, 0.6, 0.3, dim=1, angle=0.0, norm=2.0),
    Case("Linear", "EL2N", EXACT, 0.3, 0.4, penalty=0.2),
    # least squares: the bias of the soft rule, and its 1/n term
    Case("Linear", "EL2N", SOFT, 0.3, 0.1),
    Case("Linear", "EL2N", SOFT, 0.3, 0.6, angle=1.2, norm=0.4),
    Case("Linear", "EL2N", SOFT, 0.1, 0.4, hardest=False, dim=2),
    Case("Linear", "GraNd", SOFT, 0.4, 0.5),
    Case("Linear", "GraNd", SOFT, 0.4, 0.5, hardest=False, dim=6),
    Case("Linear", "Leverage", SOFT, 0.3, 0.5, penalty=0.3),
    # logistic regression
    Case("Logistic", "EL2N", EXACT, 0.5, 0.2),
    Case("Logistic", "EL2N", EXACT, 0.4, 0.5, hardest=False, norm=2.0),
    Case("Logistic", "Loss", EXACT, 0.5, 0.4, penalty=0.1),
    Case("Logistic", "GraNd", EXACT, 0.5, 0.3, hardest=False),
    Case("Logistic", "GraNd", EXACT, 0.4, 0.2, angle=0.3, dim=2),
    Case("Logistic", "Uncertainty", EXACT, 0.5, 0.3),
    Case("Logistic", "Leverage", EXACT, 0.4, 0.4),
    Case("Logistic", "Margin", EXACT, 0.5, 0.3, angle=OPPOSITE, norm=0.5),
    Case("Logistic", "EL2N", SOFT, 0.5, 0.2),
    Case("Logistic", "EL2N", SOFT, 0.5, 0.5, penalty=0.1, dim=2),
    Case("Logistic", "EL2N", SOFT, 0.6, 0.3, hardest=False),
    Case("Logistic", "GraNd", SOFT, 0.5, 0.3, angle=0.3, dim=2),
    Case("Logistic", "GraNd", SOFT, 0.6, 0.4, hardest=False, penalty=0.1),
    Case("Logistic", "Leverage", SOFT, 0.5, 0.5, penalty=0.1),
)


def cases(replicates: int) -> Iterator[tuple[str, Any, list[Any]]]:
    """Claim, regime and cells of every case."""
    import nfl_sim as nfl

    for case in CASES:
        rungs = problems.rungs(problem(case), case.dim, replicates)
        yield _claim(case), nfl.FixedDimension(case.dim), rungs


def problem(case: Case) -> Any:
    """The problem of a row."""
    rest = {"angle": case.angle, "norm": case.norm, "signal": 1.0, "penalty": case.penalty}
    if case.model == "Linear":
        random = linear.build(case.score, "KeepRandom", case.fraction, noise_std=1.0, **rest)
    else:
        random = logistic.build(case.score, "KeepRandom", case.fraction, **rest)
    return problems.calibrated(random, case.rule, mixing=case.mixing, hardest=case.hardest)


def _claim(case: Case) -> str:
    probe = "" if case.score in problems.PROBELESS else f" ({case.angle:.3g}, {case.norm:g})"
    side = "hardest" if case.hardest else "easiest"
    rest = f"r={case.fraction:g} a={case.mixing:g} lambda={case.penalty:g} d={case.dim}"
    return f"{case.model} {case.score}{probe} {case.rule} {side} {rest}"
