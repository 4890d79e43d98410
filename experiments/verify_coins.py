"""The cells of `verify` whose rules toss coins: importance sampling, biased and reweighted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from experiments import linear, logistic, problems


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        model: "Linear", with unit noise, or "Logistic".
        score, fraction, exponent, reweight, floor: the pruning.
        angle, norm: the probe; the teacher has length 1, angle 0.
        penalty: of the student.
        dim: dimension.
    """

    model: str
    score: str
    fraction: float
    exponent: float = 1.0
    reweight: bool = True
    floor: float = 0.0
    angle: float = 0.6
    norm: float = 1.0
    penalty: float = 0.0
    dim: int = 4


CASES = (
    Case("Linear", "EL2N", 0.3, angle=0.0),
    Case("Linear", "EL2N", 0.3, floor=0.3),
    Case("Linear", "GraNd", 0.4, exponent=0.5, dim=2),
    Case("Linear", "Leverage", 0.2),
    Case("Linear", "Influence", 0.3, floor=0.5),
    Case("Linear", "EL2N", 0.4, exponent=1.5, reweight=False),
    Case("Linear", "Loss", 0.5, reweight=False, angle=1.2, norm=0.4),
    Case("Linear", "GraNd", 0.4, reweight=False, penalty=0.3),
    Case("Logistic", "EL2N", 0.4, floor=0.2),
    Case("Logistic", "Influence", 0.5, angle=0.0),
    Case("Logistic", "Loss", 0.4, exponent=0.5, penalty=0.1),
    Case("Logistic", "EL2N", 0.5, reweight=False, penalty=0.1),
)


def cases(replicates: int) -> Iterator[tuple[str, Any, list[Any]]]:
    """Claim, regime and cells of every case."""
    import nfl_sim as nfl

    for case in CASES:
        rungs = problems.rungs(problem(case), case.dim, replicates)
        yield _claim(case), nfl.FixedDimension(case.dim), rungs


def problem(case: Case) -> Any:
    """The problem of a row."""
    import nfl_sim as nfl

    rest = {"angle": case.angle, "norm": case.norm, "signal": 1.0, "penalty": case.penalty}
    if case.model == "Linear":
        random = linear.build(case.score, "KeepRandom", case.fraction, noise_std=1.0, **rest)
    else:
        random = logistic.build(case.score, "KeepRandom", case.fraction, **rest)
    importance: Any = nfl.pruning.ImportanceSampling  # makes arrays of numbers
    rule = importance(case.fraction, case.exponent, reweight=case.reweight, floor=case.floor)
    return replace(random, rule=rule)


def _claim(case: Case) -> str:
    probe = "" if case.score == "Leverage" else f" ({case.angle:.3g}, {case.norm:g})"
    kind = "reweighted" if case.reweight else "biased"
    rest = f"r={case.fraction:g} b={case.exponent:g} floor={case.floor:g}"
    tail = f"lambda={case.penalty:g} d={case.dim}"
    return f"{case.model} {case.score}{probe} ImportanceSampling {kind} {rest} {tail}"
