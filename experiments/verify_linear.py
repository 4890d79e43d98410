"""The linear cells of `verify`: every score, rule and kind of probe, with and without penalty."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments import linear, problems

HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        score, rule, fraction: the pruning.
        angle, norm: the probe; the teacher has length 1, angle 0.
        penalty: of the ridge.
        dim: dimension.
        kept: samples kept at the largest size.
        exact: compare with the exact mean at that size, not with the limit.
    """

    score: str
    rule: str
    fraction: float
    angle: float = 0.0
    norm: float = 1.0
    penalty: float = 0.0
    dim: int = 4
    kept: int = 600
    exact: bool = False
    noise_std: float = 1.0


CASES = (
    # EL2N: limit and bias, both rules, probes short, long, oblique, opposite and null
    Case("EL2N", HARD, 0.1, angle=0.6),
    Case("EL2N", HARD, 0.3, angle=0.3, norm=2.0, dim=6),
    Case("EL2N", HARD, 0.5, angle=3.141592653589793, norm=0.5, dim=3),
    Case("EL2N", HARD, 0.05, angle=1.2, norm=0.4, dim=2),
    Case("EL2N", HARD, 0.8, norm=0.0),
    Case("EL2N", HARD, 0.2, norm=1.5, dim=1),
    Case("EL2N", EASY, 0.1, angle=0.6),
    Case("EL2N", EASY, 0.3, angle=0.3, norm=2.0, dim=6),
    Case("EL2N", EASY, 0.5, angle=-1.0, norm=0.5, dim=3),
    Case("EL2N", EASY, 0.2, norm=0.0),
    Case("EL2N", HARD, 0.4, angle=0.5, noise_std=0.3),
    Case("EL2N", EASY, 0.4, angle=0.5, noise_std=2.5),
    Case("EL2N", HARD, 0.2, angle=0.6, penalty=0.3),
    Case("EL2N", EASY, 0.2, angle=0.6, penalty=0.3),
    Case("EL2N", HARD, 0.5, angle=1.5, norm=0.7, penalty=1.5, dim=6),
    # GraNd: quadrature
    Case("GraNd", HARD, 0.1, angle=0.6),
    Case("GraNd", HARD, 0.4, angle=1.0, norm=0.5, dim=2),
    Case("GraNd", EASY, 0.1, angle=0.6),
    Case("GraNd", EASY, 0.6, angle=0.3, norm=1.8, dim=6),
    Case("GraNd", HARD, 0.3, angle=0.6, penalty=0.4),
    Case("GraNd", EASY, 0.3, angle=0.6, penalty=0.4),
    # label-free scores: valid without penalty, not with
    Case("Uncertainty", HARD, 0.3, angle=0.6, penalty=0.3),
    Case("Uncertainty", EASY, 0.2, angle=0.6),
    Case("Leverage", HARD, 0.1),
    Case("Leverage", EASY, 0.3),
    Case("Leverage", EASY, 0.5, penalty=0.5, dim=2),
    # random pruning by its rule and by a score without opinion
    Case("Uniform", RANDOM, 0.2, penalty=0.2),
    Case("EL2N", RANDOM, 0.3, angle=0.6),
    Case("Uniform", HARD, 0.25, dim=6),
    # exact means at small sizes
    Case("Uniform", RANDOM, 0.1, kept=12, dim=4, exact=True),
    Case("Uniform", RANDOM, 0.5, kept=30, dim=10, exact=True),
    Case("Uniform", RANDOM, 1.0, kept=20, dim=3, exact=True, noise_std=0.5),
    Case("Uniform", EASY, 0.3, kept=15, dim=2, exact=True),
    Case("Uncertainty", HARD, 0.5, angle=0.6, kept=40, exact=True),
    Case("Uncertainty", HARD, 0.8, angle=2.0, kept=20, dim=6, exact=True),
    Case("Uncertainty", EASY, 0.1, angle=0.6, kept=16, exact=True),
    Case("Uncertainty", EASY, 0.4, kept=25, dim=8, exact=True),
    Case("EL2N", HARD, 0.2, kept=15, exact=True),
    Case("EL2N", HARD, 0.6, kept=40, dim=8, exact=True),
    Case("EL2N", EASY, 0.2, kept=15, exact=True),
    Case("EL2N", EASY, 0.7, kept=30, dim=2, exact=True, noise_std=2.0),
)


def cases(replicates: int) -> Iterator[tuple[str, Any, list[Any]]]:
    """Claim, regime and cells of every case."""
    import nfl_sim as nfl
    from experiments.lab import Cell

    for case in CASES:
        rungs = (1,) if case.exact else (4, 2, 1)
        sizes = [problems.samples_for(case.kept // k, case.fraction) for k in rungs]
        cells = [Cell(_problem(case), case.dim, size, replicates) for size in sizes]
        limit = nfl.FixedDimension(case.dim)
        regime = nfl.FiniteSample(case.dim, sizes[-1]) if case.exact else limit
        yield _claim(case), regime, cells


def _problem(case: Case) -> Any:
    return linear.build(
        case.score,
        case.rule,
        case.fraction,
        angle=case.angle,
        norm=case.norm,
        signal=1.0,
        noise_std=case.noise_std,
        penalty=case.penalty,
    )


def _claim(case: Case) -> str:
    what = "exact" if case.exact else "limit"
    probe = "" if case.score in problems.PROBELESS else f" ({case.angle:.3g}, {case.norm:g})"
    rest = f"r={case.fraction:g} lambda={case.penalty:g} sigma={case.noise_std:g} d={case.dim}"
    return f"{what} {case.score}{probe} {case.rule} {rest}"
