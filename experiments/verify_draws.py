"""The cells of `verify` that hold exact draws of the kept samples against draws of all rows.

A case is simulated by rows and by every faster method that is exact for it, each with its own key.
A method is judged by its mean excess risk against the average of those before it, so that the
z-scores of a case are independent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear, logistic, perceptron, problems
from experiments.verdicts import SIGNIFICANT, Verdict

if TYPE_CHECKING:
    from experiments.lab import Cell, Lab
    from nfl_sim.simulation.draws import Method

METHODS: "tuple[Method, ...]" = ("rows", "conditional", "sufficient")
NUM_SAMPLES = 200
MORE = 4  # times the replicates of the other families: these are cheap


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        model: "Linear", "Logistic" or "Perceptron".
        score, rule, fraction: the pruning; "Coins" is importance sampling.
        mixing, hardest: of a calibration.
        penalty: of the student.
        methods: those that are exact.
        dim: dimension.
    """

    model: str
    score: str
    rule: str
    fraction: float = 0.2
    mixing: float = 0.5
    hardest: bool = True
    penalty: float = 0.0
    methods: "tuple[Method, ...]" = METHODS
    dim: int = 8


_TWO = METHODS[:2]
CASES = (
    Case("Linear", "EL2N", "KeepHardest"),
    Case("Linear", "EL2N", "KeepEasiest", penalty=0.3),
    Case("Linear", "EL2N", "KeepHardest", fraction=0.02),
    Case("Linear", "EL2N", "KeepHardest", dim=2),
    Case("Linear", "EL2N", "KeepEasiest", dim=3),
    Case("Linear", "EL2N", "ExactCalibration"),
    Case("Linear", "EL2N", "ExactCalibration", hardest=False, penalty=0.3),
    Case("Linear", "EL2N", "SoftCalibration"),
    Case("Linear", "EL2N", "SoftCalibration", hardest=False, penalty=0.3),
    Case("Linear", "EL2N", "Coins", methods=_TWO),
    Case("Linear", "Loss", "KeepHardest", fraction=0.5),
    Case("Linear", "Margin", "KeepHardest", methods=_TWO),
    Case("Linear", "Uncertainty", "KeepEasiest"),
    Case("Linear", "Uncertainty", "KeepHardest", penalty=0.3),
    Case("Linear", "Uncertainty", "ExactCalibration", hardest=False),
    Case("Linear", "Uncertainty", "SoftCalibration"),
    Case("Linear", "Leverage", "KeepHardest", methods=_TWO),
    Case("Linear", "Leverage", "KeepEasiest", methods=_TWO, penalty=0.3),
    Case("Linear", "Leverage", "ExactCalibration", methods=_TWO),
    Case("Linear", "GraNd", "KeepHardest", methods=_TWO),
    Case("Linear", "GraNd", "KeepEasiest", methods=_TWO, penalty=0.3),
    Case("Linear", "GraNd", "SoftCalibration", methods=_TWO),
    Case("Linear", "GraNd", "Coins", methods=_TWO),
    Case("Linear", "Uniform", "KeepRandom"),
    Case("Linear", "GraNd", "KeepRandom", penalty=0.3),
    Case("Logistic", "EL2N", "KeepHardest", penalty=0.1, methods=_TWO),
    Case("Logistic", "Margin", "ExactCalibration", penalty=0.1, methods=_TWO),
    Case("Logistic", "Loss", "KeepEasiest", penalty=0.1, methods=_TWO),
    Case("Logistic", "GraNd", "KeepHardest", penalty=0.1, methods=_TWO),
    Case("Logistic", "Uncertainty", "KeepHardest", penalty=0.1, methods=_TWO),
    Case("Logistic", "Leverage", "KeepEasiest", penalty=0.1, methods=_TWO),
    Case("Logistic", "Uniform", "KeepRandom", penalty=0.1, methods=_TWO),
    Case("Perceptron", "Uncertainty", "KeepHardest", penalty=0.1, methods=_TWO),
    Case("Perceptron", "Margin", "KeepEasiest", penalty=0.1, methods=_TWO),
    Case("Perceptron", "EL2N", "KeepHardest", penalty=0.1, methods=_TWO),
)


def cases(replicates: int) -> Iterator[tuple[str, None, "list[Cell]"]]:
    """Claim and cells of every case, one a method; there is no regime."""
    from experiments.lab import Cell

    for case in CASES:
        spec, sizes = problem(case), (case.dim, NUM_SAMPLES, MORE * replicates)
        yield _claim(case), None, [Cell(spec, *sizes, method=name) for name in case.methods]


def verdicts(claim: str, cells: "Sequence[Cell]", lab: "Lab") -> list[Verdict]:
    """A verdict for every method but the first."""
    runs = [lab.simulate(cell).excess_risk for cell in cells]
    differences = contrasts([run.mean for run in runs], [run.sem for run in runs])
    found = []
    for cell, (before, mean, sem) in zip(cells[1:], differences, strict=True):
        z = (mean - before) / sem
        name = f"{claim}: {cell.method}"
        word = "agree" if abs(z) < SIGNIFICANT else "disagree"
        found.append(Verdict(name, before, mean, sem, z, word, provenance=cell.provenance))
    return found


def contrasts(means: Sequence[float], sems: Sequence[float]) -> list[tuple[float, float, float]]:
    """Each mean against the average of those before it, and the error of the difference.

    Averages are weighted by the inverse variances: differences of one case are uncorrelated.
    """
    found = []
    for last in range(1, len(means)):
        weights = np.asarray(sems[:last]) ** -2.0
        before = float(np.sum(weights * means[:last]) / np.sum(weights))
        sem = float(np.hypot(sems[last], np.sum(weights) ** -0.5))
        found.append((before, float(means[last]), sem))
    return found


def problem(case: Case) -> Any:
    """The problem of a row."""
    import nfl_sim as nfl

    plain = case.rule if case.rule.startswith("Keep") else "KeepRandom"
    rest: dict[str, Any] = {"angle": 0.6, "norm": 0.8, "penalty": case.penalty}
    if case.model == "Linear":
        found = linear.build(case.score, plain, case.fraction, signal=1.0, noise_std=0.7, **rest)
    elif case.model == "Logistic":
        found = logistic.build(case.score, plain, case.fraction, signal=2.0, **rest)
    else:
        noisy = {"learner": "Ridge", "flip_probability": 0.1}
        found = perceptron.build(case.score, plain, case.fraction, **noisy, **rest)
    if case.rule == "Coins":
        coins: Any = nfl.pruning.ImportanceSampling
        return replace(found, rule=coins(case.fraction, floor=0.3))
    if plain == case.rule:
        return found
    return problems.calibrated(found, case.rule, mixing=case.mixing, hardest=case.hardest)


def _claim(case: Case) -> str:
    side = "" if case.rule.startswith("Keep") or case.hardest else " of the easiest"
    tail = f"r={case.fraction:g} lambda={case.penalty:g} d={case.dim}"
    return f"{case.model} {case.score} {case.rule}{side} {tail}"
