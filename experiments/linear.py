"""Linear problems by name, and theory at a finite size."""

import math
from typing import TYPE_CHECKING, Any

from experiments import problems

if TYPE_CHECKING:
    from nfl_sim import Problem


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

    model = nfl.models.Linear(signal=rest["signal"], noise_std=rest["noise_std"])
    learner = nfl.learners.Ridge(penalty=rest["penalty"])
    return problems.assemble(model, learner, score, rule, fraction, angle=angle, norm=norm)


def approach(limit: Any, coefficient: Any, kept: Any, fraction: Any, dim: int) -> Any:
    """Theory at a finite size: E + C/n with n counted beyond the least that least squares needs.

    E + r C / (m - dim - 1), which is exact for random pruning, agrees with E + C/n to first order
    for every rule, and is what the refined crossover equates.
    """
    return limit + fraction * coefficient / (kept - dim - 1)
