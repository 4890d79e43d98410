"""The logistic cells of `verify`: every score, rule and kind of probe, flips and penalties.

Without a penalty some samples are separable, and their students do not exist. The sizes are such
that this befalls a share below 1e-3 of them: at least 64 kept a dimension, fractions well above
the one below which every sample is separable. Sizes are powers of two, so that cells share their
compilations.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments import logistic, problems

HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"
OPPOSITE = 3.141592653589793


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        score, rule, fraction: the pruning.
        angle, norm: the probe; the teacher has angle 0.
        signal, flip: the teacher.
        penalty: of the student.
        dim: dimension.
    """

    score: str
    rule: str
    fraction: float
    angle: float = 0.5
    norm: float = 1.0
    signal: float = 1.0
    flip: float = 0.0
    penalty: float = 0.0
    dim: int = 4

    @property
    def sizes(self) -> tuple[int, int, int]:
        """n, 2n and 4n; the largest keeps between 1024 and 2048 samples, twice that from d=8 on."""
        least = 1024 if self.dim < 8 else 2048
        largest = problems.power_of_two(problems.samples_for(least, self.fraction))
        return largest // 4, largest // 2, largest


CASES = (
    # EL2N: both sides of the flip, probes short, long, oblique and opposite
    Case("EL2N", HARD, 0.9),
    Case("EL2N", HARD, 0.8, norm=3.0),
    Case("EL2N", HARD, 0.6, angle=0.3, norm=0.2),
    Case("EL2N", HARD, 0.7, angle=1.3, dim=2),
    Case("EL2N", HARD, 0.45, angle=0.0, signal=4.0, norm=4.0, dim=1),
    Case("EL2N", HARD, 0.8, angle=0.4, dim=8),
    Case("EL2N", EASY, 0.9),
    Case("EL2N", EASY, 0.95, angle=0.0, signal=0.5, dim=1),
    Case("EL2N", EASY, 0.7, angle=OPPOSITE, norm=0.3),
    Case("EL2N", HARD, 0.7, flip=0.1, signal=2.0),
    Case("EL2N", EASY, 0.9, flip=0.1, signal=2.0, angle=0.9),
    Case("EL2N", HARD, 0.3, penalty=0.1),
    Case("EL2N", EASY, 0.3, penalty=0.1),
    Case("EL2N", EASY, 0.5, angle=-2.0, penalty=0.05, flip=0.2, dim=2),
    # Loss and Margin: the same sets by another formula
    Case("Loss", HARD, 0.75, angle=0.7),
    Case("Loss", EASY, 0.4, penalty=0.2, norm=2.0),
    Case("Loss", EASY, 0.85, signal=0.5, angle=0.2, dim=2),
    Case("Margin", HARD, 0.65, norm=0.5),
    Case("Margin", HARD, 0.4, penalty=0.2, angle=2.2),
    Case("Margin", EASY, 0.9, flip=0.05, angle=1.0, dim=8),
    # GraNd: quadrature
    Case("GraNd", HARD, 0.8, angle=0.3, dim=2),
    Case("GraNd", HARD, 0.6, angle=-1.0, norm=0.4, signal=2.0),
    Case("GraNd", EASY, 0.8, angle=0.8),
    Case("GraNd", HARD, 0.6, flip=0.1, signal=2.0, norm=2.0),
    Case("GraNd", HARD, 0.25, penalty=0.1),
    Case("GraNd", EASY, 0.4, penalty=0.1, angle=1.2),
    Case("GraNd", EASY, 0.3, penalty=0.3, flip=0.2, dim=8),
    # label-free scores: valid on a clean teacher without penalty, and not otherwise
    Case("Uncertainty", HARD, 0.6),
    Case("Uncertainty", EASY, 0.5, angle=1.2),
    Case("Uncertainty", HARD, 0.5, flip=0.1, signal=2.0, angle=0.0),
    Case("Uncertainty", EASY, 0.4, flip=0.2, signal=3.0, norm=0.3, dim=2),
    Case("Uncertainty", HARD, 0.3, penalty=0.2),
    Case("Uncertainty", EASY, 0.3, penalty=0.2, angle=-0.9, dim=8),
    Case("Leverage", HARD, 0.5),
    Case("Leverage", EASY, 0.6, signal=2.0, dim=2),
    Case("Leverage", EASY, 0.4, penalty=0.3, dim=8),
    # random pruning by its rule, by a score without opinion and by a null probe
    Case("Uniform", RANDOM, 0.3),
    Case("EL2N", RANDOM, 0.5, flip=0.15, signal=2.0, dim=2),
    Case("GraNd", RANDOM, 0.5, penalty=0.3),
    Case("Uniform", HARD, 0.5, signal=2.0, dim=8),
    Case("EL2N", EASY, 0.5, norm=0.0, penalty=0.05),
    Case("Uniform", RANDOM, 1.0, signal=0.0, dim=1),
)


def cases(replicates: int) -> Iterator[tuple[str, Any, list[Any]]]:
    """Claim, regime and cells of every case."""
    import nfl_sim as nfl
    from experiments.lab import Cell

    for case in CASES:
        count = max(2, replicates // 2)  # of logistic regression, which takes its time
        cells = [Cell(problem(case), case.dim, size, count) for size in case.sizes]
        yield _claim(case), nfl.FixedDimension(case.dim), cells


def problem(case: Case) -> Any:
    """The problem of a row."""
    return logistic.build(
        case.score,
        case.rule,
        case.fraction,
        angle=case.angle,
        norm=case.norm,
        signal=case.signal,
        flip_probability=case.flip,
        penalty=case.penalty,
    )


def _claim(case: Case) -> str:
    probe = "" if case.score in problems.PROBELESS else f" ({case.angle:.3g}, {case.norm:g})"
    teacher = f"beta={case.signal:g} flip={case.flip:g}"
    rest = f"r={case.fraction:g} lambda={case.penalty:g} {teacher} d={case.dim}"
    return f"logistic {case.score}{probe} {case.rule} {rest}"
