"""Problems by name, their sizes, and the line that theory draws through them."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from experiments.lab import Cell
    from nfl_sim import Problem
    from nfl_sim.problem import Regime

PROBELESS = ("Leverage", "Uniform")


def assemble(
    model: Any, learner: Any, score: str, rule: str, fraction: Any, *, angle: Any, norm: Any
) -> "Problem":
    """A problem from its model and learner, and the names of its score and rule.

    Args:
        model, learner: of the problem.
        score, rule, fraction: the pruning.
        angle, norm: the probe, ignored by scores without one.
    """
    import nfl_sim as nfl

    kind = getattr(nfl.scores, score)
    return nfl.Problem(
        model=model,
        score=kind() if score in PROBELESS else kind(probe=nfl.Probe(angle=angle, norm=norm)),
        rule=getattr(nfl.pruning, rule)(fraction=fraction),
        learner=learner,
    )


def calibrated(problem: "Problem", rule: str, *, mixing: Any, hardest: bool) -> "Problem":
    """The problem under a calibration, by name, that keeps the same fraction."""
    import nfl_sim as nfl

    kind, fraction = getattr(nfl.pruning, rule), problem.rule.fraction
    return dataclasses.replace(problem, rule=kind(fraction, mixing, hardest=hardest))


def learner(name: str, penalty: Any) -> Any:
    """A learner by name; that of maximum margin has no penalty."""
    import nfl_sim as nfl

    kind = getattr(nfl.learners, name)
    return kind() if name == "MaxMargin" else kind(penalty=penalty)


def samples_for(kept: int, fraction: float) -> int:
    """The sample size n of which a fraction is ``kept`` samples."""
    return int(kept / fraction * (1 + 1e-12))


def power_of_two(at_least: int) -> int:
    """Sizes that are powers of two share their compilations."""
    return 1 << (at_least - 1).bit_length()


def rungs(problem: "Problem", dim: int, replicates: int) -> "list[Cell]":
    """The cells at n, 2n and 4n from which a limit at fixed dimension is judged.

    Logistic regression, whose replicates cost more, keeps enough samples to have a student, and
    has half the replicates.
    """
    from experiments.lab import Cell
    from nfl_sim.models import Linear

    cheap = isinstance(problem.model, Linear)
    count = replicates if cheap else max(2, replicates // 2)
    largest = power_of_two(samples_for(1024 if cheap else 2048, float(problem.rule.fraction)))
    return [Cell(problem, dim, largest // k, count) for k in (4, 2, 1)]


def curve(
    problems: Sequence["Problem"],
    regime: "Regime",
    names: Sequence[str] = ("excess_risk", "finite_size"),
) -> dict[str, np.ndarray]:
    """What is predicted along a curve of problems: limit E and coefficient C of E + C/n, or other.

    Args:
        problems: along the curve.
        regime: of the predictions.
        names: of the quantities, as `nfl_sim.Prediction` calls them.
    """
    import nfl_sim as nfl

    predictions = [nfl.predict(problem, regime) for problem in problems]
    return {name: np.array([float(getattr(p, name)) for p in predictions]) for name in names}
