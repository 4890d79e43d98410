"""Linear problems by name, and the line that theory draws through them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nfl_sim import Problem
    from nfl_sim.problem import Regime

PROBELESS = ("Leverage", "Uniform")


def problem(
    score: str, rule: str, fraction: float, *, probe_ratio: float, signal: float, noise_std: float
) -> "Problem":
    """A linear problem whose probe errs by |delta|^2 = probe_ratio * noise_std^2.

    The error is at a right angle to the teacher, w_p = signal e_1 + |delta| e_2: this reaches
    every ratio, and neither component of the student is left untested.
    """
    error = math.sqrt(probe_ratio) * noise_std
    angle, norm = math.atan2(error, signal), math.hypot(signal, error)
    rest = {"signal": signal, "noise_std": noise_std, "penalty": 0.0}
    return build(score, rule, fraction, angle=angle, norm=norm, **rest)


def build(score: str, rule: str, fraction: Any, *, angle: Any, norm: Any, **rest: Any) -> "Problem":
    """A linear problem from the names of its score and rule, and its numbers.

    Args:
        score, rule, fraction: the pruning.
        angle, norm: the probe, ignored by scores without one.
        rest: signal, noise_std, penalty.
    """
    import nfl_sim as nfl

    kind = getattr(nfl.scores, score)
    return nfl.Problem(
        model=nfl.models.Linear(signal=rest["signal"], noise_std=rest["noise_std"]),
        score=kind() if score in PROBELESS else kind(probe=nfl.Probe(angle=angle, norm=norm)),
        rule=getattr(nfl.pruning, rule)(fraction=fraction),
        learner=nfl.learners.Ridge(penalty=rest["penalty"]),
    )


def samples_for(kept: int, fraction: float) -> int:
    """The sample size n of which a fraction is ``kept`` samples."""
    return int(kept / fraction * (1 + 1e-12))


def curve(problems: Sequence["Problem"], regime: "Regime") -> dict[str, np.ndarray]:
    """Predicted limit E and coefficient C of E + C/n along a curve of problems."""
    import nfl_sim as nfl

    predictions = [nfl.predict(problem, regime) for problem in problems]
    names = ("excess_risk", "finite_size")
    return {name: np.array([float(getattr(p, name)) for p in predictions]) for name in names}


def approach(limit: Any, coefficient: Any, kept: Any, fraction: Any, dim: int) -> Any:
    """Theory at a finite size: E + C/n with n counted beyond the least that least squares needs.

    E + r C / (m - dim - 1), which is exact for random pruning, agrees with E + C/n to first order
    for every rule, and is what the refined crossover equates.
    """
    return limit + fraction * coefficient / (kept - dim - 1)
