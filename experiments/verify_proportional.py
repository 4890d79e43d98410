"""The proportional cells of `verify`: every model and learner, n and d growing together.

The limit is extrapolated from d, 2d and 4d; Leverage approaches it as d^-1/2, and has d, 4d and
16d. Numbers of samples are powers of two, so many eighths are kept, and of a calibration a half or
a quarter of these for their score: nothing is rounded, the sizes of a case differ in d alone, and
cases share their compilations. Students without a penalty have several times the samples that
could be separated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments import linear, logistic, perceptron, problems

HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"
EXACT, SOFT = "ExactCalibration", "SoftCalibration"
CALIBRATIONS = (EXACT, SOFT)
OPPOSITE = 3.141592653589793
SHARES = (1, 2, 1)  # of the replicates: the middle size weighs most for what it costs


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        model, learner: by name.
        score, rule, fraction: the pruning.
        ratio: n/d.
        angle, norm: the probe; the teacher has angle 0.
        penalty: of the student; the one of maximum margin has none.
        signal: |w0|, 1 of a perceptron.
        noise: standard deviation (Linear), or the probability of a flip.
        mixing, hardest: of a calibration.
    """

    model: str
    learner: str
    score: str
    rule: str
    fraction: float
    ratio: int = 4
    angle: float = 0.5
    norm: float = 1.0
    penalty: float = 0.1
    signal: float = 1.0
    noise: float = 0.0
    mixing: float = 0.5
    hardest: bool = True

    @property
    def dims(self) -> tuple[int, int, int]:
        """Three, the terms of the approach doubling from one to the next."""
        return (8, 32, 128) if self.score == "Leverage" else (16, 32, 64)


def _linear(score: str, rule: str, fraction: float, **rest: Any) -> Case:
    rest.setdefault("noise", 0.5)
    return Case("Linear", "Ridge", score, rule, fraction, **rest)


CASES = (
    # least squares of a linear teacher: more samples than dimensions, as many, and fewer
    _linear("EL2N", HARD, 0.5),
    _linear("EL2N", EASY, 0.875, penalty=0.0, noise=1.0),
    _linear("EL2N", HARD, 0.25, ratio=2, angle=OPPOSITE, norm=0.5, penalty=0.3),
    _linear("GraNd", HARD, 0.5, angle=0.8),
    _linear("GraNd", EASY, 0.375, ratio=8, norm=1.5),
    _linear("Loss", HARD, 0.75, norm=0.3, penalty=0.5),
    _linear("Margin", HARD, 0.5, penalty=0.5),
    _linear("Uncertainty", HARD, 0.5, ratio=8, penalty=0.0, noise=1.0),
    _linear("Leverage", HARD, 0.75, penalty=0.2),
    _linear("EL2N", RANDOM, 0.5),
    _linear("Uniform", RANDOM, 1.0, ratio=1, penalty=0.2),
    # least squares of signs
    Case("Logistic", "Ridge", "EL2N", HARD, 0.75),
    Case("Logistic", "Ridge", "GraNd", HARD, 0.5, ratio=8, angle=1.0, signal=2.0),
    Case("Logistic", "Ridge", "Margin", EASY, 0.5, norm=2.0),
    Case("Perceptron", "Ridge", "Uncertainty", EASY, 0.375, ratio=8, angle=1.0, noise=0.1),
    Case("Perceptron", "Ridge", "Margin", HARD, 0.75, angle=0.8),
    Case("Perceptron", "Ridge", "Uniform", RANDOM, 0.5, noise=0.1, penalty=0.5),
    # logistic regression, once without a penalty
    Case("Logistic", "LogisticRegression", "EL2N", HARD, 0.75),
    Case("Logistic", "LogisticRegression", "EL2N", EASY, 0.5, angle=1.2, norm=2.0, signal=2.0),
    Case("Logistic", "LogisticRegression", "GraNd", HARD, 0.75, signal=2.0),
    Case("Logistic", "LogisticRegression", "GraNd", EASY, 0.5, angle=OPPOSITE, penalty=0.3),
    Case("Logistic", "LogisticRegression", "Margin", EASY, 0.75, angle=-1.0, noise=0.1),
    Case("Logistic", "LogisticRegression", "Uncertainty", HARD, 0.875, ratio=8, penalty=0.0),
    Case("Logistic", "LogisticRegression", "Leverage", HARD, 0.75),
    Case("Perceptron", "LogisticRegression", "Uncertainty", HARD, 0.75),
    Case("Perceptron", "LogisticRegression", "Margin", EASY, 0.75, noise=0.1),
    # the soft margin
    Case("Perceptron", "Hinge", "Uncertainty", HARD, 0.5),
    Case("Perceptron", "Hinge", "Margin", EASY, 0.75, angle=-0.6, noise=0.1),
    Case("Logistic", "Hinge", "EL2N", HARD, 0.75, signal=2.0, penalty=0.2),
    Case("Logistic", "Hinge", "GraNd", EASY, 0.5, noise=0.1, signal=2.0),
    Case("Logistic", "Hinge", "Uncertainty", HARD, 0.5, signal=2.0),
    # the hard margin, which clean signs of a perceptron always have
    Case("Perceptron", "MaxMargin", "Uncertainty", HARD, 0.5),
    Case("Perceptron", "MaxMargin", "Uncertainty", EASY, 0.5, angle=1.0),
    Case("Perceptron", "MaxMargin", "Margin", HARD, 0.75, angle=0.8, ratio=2),
    Case("Perceptron", "MaxMargin", "Uniform", RANDOM, 0.5),
    # calibrations: weights, and students that do not see them
    _linear("EL2N", EXACT, 0.5, ratio=8, penalty=0.0),
    _linear("EL2N", EXACT, 0.375, ratio=2, hardest=False),
    _linear("Leverage", EXACT, 0.5),
    _linear("GraNd", SOFT, 0.5, mixing=0.25),
    Case("Logistic", "LogisticRegression", "EL2N", EXACT, 0.5, mixing=0.25, signal=2.0),
    Case("Logistic", "LogisticRegression", "Uncertainty", EXACT, 0.875, ratio=8, penalty=0.0),
    Case("Logistic", "LogisticRegression", "Loss", SOFT, 0.5, hardest=False, noise=0.1),
    Case("Perceptron", "LogisticRegression", "Margin", EXACT, 0.5, angle=0.8),
    Case("Perceptron", "Hinge", "Margin", SOFT, 0.5, hardest=False, angle=-0.6),
    Case("Perceptron", "MaxMargin", "Uncertainty", EXACT, 0.5, angle=1.0),
)


def cases(replicates: int) -> Iterator[tuple[str, Any, list[Any]]]:
    """Claim, regime and cells of every case."""
    import nfl_sim as nfl
    from experiments.lab import Cell

    for case in CASES:
        found, rungs = problem(case), zip(case.dims, SHARES, strict=True)
        cells = [Cell(found, dim, case.ratio * dim, share * replicates) for dim, share in rungs]
        ratio: Any = case.ratio
        yield _claim(case), nfl.Proportional(sample_ratio=ratio), cells


def problem(case: Case) -> Any:
    """The problem of a row."""
    if case.rule not in CALIBRATIONS:
        return _problem(case, case.rule)
    random = _problem(case, RANDOM)
    return problems.calibrated(random, case.rule, mixing=case.mixing, hardest=case.hardest)


def _problem(case: Case, rule: str) -> Any:
    pruning = (case.score, rule, case.fraction)
    rest: dict[str, Any] = {"angle": case.angle, "norm": case.norm, "penalty": case.penalty}
    if case.model == "Linear":
        return linear.build(*pruning, **rest, signal=case.signal, noise_std=case.noise)
    rest |= {"learner": case.learner, "flip_probability": case.noise}
    if case.model == "Perceptron":
        return perceptron.build(*pruning, **rest)
    return logistic.build(*pruning, **rest, signal=case.signal)


def _claim(case: Case) -> str:
    probe = "" if case.score in problems.PROBELESS else f" ({case.angle:.3g}, {case.norm:g})"
    teacher = f"beta={case.signal:g} noise={case.noise:g}"
    student = case.learner if case.learner == "MaxMargin" else f"{case.learner} {case.penalty:g}"
    rest = f"r={case.fraction:g} n/d={case.ratio} {teacher}"
    rule = case.rule
    if rule in CALIBRATIONS:
        rule += f" {'hardest' if case.hardest else 'easiest'} a={case.mixing:g}"
    return f"{case.model} {student}, {case.score}{probe} {rule} {rest}"
