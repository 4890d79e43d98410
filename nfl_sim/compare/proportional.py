"""The limit of many samples in many dimensions, held against its ladder in d."""

import jax
import jax.numpy as jnp
import numpy as np

from nfl_sim.compare.agreement import Agreement, Rate, conclude
from nfl_sim.compare.ladder import Ladder
from nfl_sim.compare.moved import moved
from nfl_sim.extrapolation import fit_powers
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepRandom
from nfl_sim.simulation import sample, score
from nfl_sim.theory import Prediction

_FEW = 4  # a label and a side of the probe's boundary, two of each
_TINY = 1e-300


def compare_proportional(prediction: Prediction, ladder: Ladder, false_alarm: float) -> Agreement:
    """Test the limit beyond two free terms of its approach, and measure the first of them.

    With s = 1/d, or d^-1/2 if the norm alone ranks the samples, the means less the prediction
    are fitted along {1, s, s^2}, and the first term about the predicted limit along {s, s^2}.
    The second order stays, whether or not the data ask for it. Left out at k standard errors of
    its own, too few for a test of fit to notice, it would shift the limit by 2.5 k of the smaller
    ones that the limit then has (equal means at d, 2d, 4d): the verdict would cry wolf.
    """
    limits, _ = moved(prediction, ladder.simulations)
    power, largest = rate_of(prediction.problem), float(ladder.sizes.max())
    inverse, excess = (largest / ladder.sizes) ** power, ladder.means - limits
    shift = fit_powers(inverse, excess, ladder.sems, (0, 1, 2))
    rate = Rate.of(fit_powers(inverse, excess, ladder.sems, (1, 2)), largest**power)
    return conclude(prediction, ladder, shift, rate, false_alarm)


def rate_of(problem: Problem) -> float:
    """The power of 1/d in which the excess risk approaches its limit: 1, or 1/2.

    It is 1/2 where the norm alone tells the samples of a class apart, as for Leverage, and for
    GraNd of a probe that answers with signs: |x|^2/d - 1 has size d^-1/2, and only its extremes
    are kept. Beside a margin or a noisy label, which do not fade, the norm decides d^-1/2 of the
    choices and is itself d^-1/2 from its mean: 1.
    """
    rule, sees = problem.rule, problem.score.needs
    selective = not isinstance(rule, KeepRandom) and float(rule.fraction) < 1.0
    return 0.5 if selective and "norm" in sees and _scores_at_one_length(problem) <= _FEW else 1.0


def _scores_at_one_length(problem: Problem) -> int:
    """How many scores 64 samples have when all are given the same length."""
    key = jax.random.key(0)
    covariates, labels = sample(key, problem.model, num_samples=64, dim=2, dtype=jnp.float64)
    lengths = jnp.linalg.norm(covariates, axis=1, keepdims=True)
    scores = np.asarray(score(key, problem, covariates / lengths, labels))
    return len(np.unique(np.round(scores / max(np.abs(scores).max(), _TINY), 9)))
