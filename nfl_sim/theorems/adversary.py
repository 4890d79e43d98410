"""T4 and T5: the two processes that make a rule fail, by its score."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from scipy import stats

from nfl_sim.models import Linear, Logistic
from nfl_sim.pruning import KeepEasiest, KeepHardest, PointwiseRule
from nfl_sim.scores import EL2N, PointwiseScore, Probe, Uncertainty
from nfl_sim.theorems.linear_pair import LinearAdversary
from nfl_sim.theorems.logistic_pair import LogisticAdversary
from nfl_sim.theorems.pair import Adversary
from nfl_sim.validation import Scalar, to_scalar


def adversary(
    score: PointwiseScore,
    rule: PointwiseRule,
    magnitude: float,
    *,
    model: Linear | Logistic | None = None,
) -> Adversary:
    """The two processes that make a rule fail; on a regression, by as much as one likes.

    Args:
        score: Uncertainty, or EL2N, whose probe on a regression is the teacher of ``model``.
        rule: KeepHardest or KeepEasiest, of fraction < 1; for EL2N on Logistic below the error of
            the probe (hardest) or one minus it (easiest), so that some inputs are discarded
            whatever their label.
        magnitude: B > 0. On Linear, for EL2N below the threshold of the residual where the hardest
            are kept and above it where the easiest are, so that a changed sample stays discarded;
            on Logistic at most 1, the share of the less likely label that is moved.
        model: the process without the shift, by default a regression with a teacher and a noise of
            length 1; Logistic without flips.

    Returns:
        The adversary, whose `Adversary.bound` no learner beats.

    Raises:
        ValueError: another score, rule or model, or a number outside its range.
    """
    process = Linear(jnp.asarray(1.0), jnp.asarray(1.0)) if model is None else model
    if not isinstance(rule, KeepHardest | KeepEasiest):
        raise ValueError(f"T4 needs a rule that never keeps some samples, got {rule}")
    if float(rule.fraction) >= 1.0:
        raise ValueError("fraction must be < 1, or nothing is discarded; got 1")
    if not isinstance(score, Uncertainty | EL2N):
        raise ValueError(f"an adversary is known for Uncertainty and EL2N, got {score}")
    if not isinstance(score.probe, Probe):
        raise ValueError(f"an adversary is known for a fixed Probe, got {score.probe}")
    if float(score.probe.norm) == 0.0:
        name = type(score).__name__
        raise ValueError(f"{name} of a null probe has no direction to prune along")
    if isinstance(process, Logistic):
        return _logistic(process, score, rule, magnitude)
    return _linear(process, score, rule, to_scalar("magnitude", magnitude, low=0.0, open_low=True))


def hidden_magnitude(model: Linear, score: EL2N, rule: KeepHardest | KeepEasiest) -> float:
    """A magnitude at which a changed sample stays discarded: below the threshold, or above it."""
    still = LinearAdversary.of(model, score, rule, model.noise_std)
    edge = float(still.cut * model.noise_std)
    return 0.9 * edge if still.hardest else 1.0 + edge


def _linear(
    model: Linear, score: EL2N | Uncertainty, rule: KeepHardest | KeepEasiest, size: Scalar
) -> LinearAdversary:
    found = LinearAdversary.of(model, score, rule, size)
    if isinstance(score, Uncertainty):
        return found
    teacher = np.array([float(model.signal), 0.0])
    if np.max(np.abs(np.asarray(found.probe.plane) - teacher)) > 1e-12:
        raise ValueError(f"T5 (a') needs EL2N of the teacher {teacher}, got {found.probe}")
    edge = float(found.cut * model.noise_std)
    if (float(size) >= edge) == found.hardest:
        side = "below" if found.hardest else "above"
        raise ValueError(f"magnitude must lie {side} the threshold {edge:.6g}, got {float(size)}")
    return found


def _logistic(
    model: Logistic,
    score: EL2N | Uncertainty,
    rule: KeepHardest | KeepEasiest,
    magnitude: float,
) -> LogisticAdversary:
    size = to_scalar("magnitude", magnitude, low=0.0, high=1.0, open_low=True)
    if float(model.flip_probability) > 0.0:
        # With flips the teacher is not the best of all predictors of the average.
        flips = float(model.flip_probability)
        raise ValueError(f"flip_probability must be 0 for an adversary, got {flips:g}")
    return LogisticAdversary.of(model, score, rule, size)


def same_kept_law(found: Adversary, key: PRNGKeyArray, num_samples: int) -> float:
    """p-value of "the kept laws are one", from independent draws of the two processes.

    The larger of two Kolmogorov-Smirnov statistics, of the labels kept and of y u.x, at
    Bonferroni's p-value. With m kept samples each a shift of a distribution function by
    3.1 sqrt(2/m) is found with probability 0.9 at a false alarm of 1e-6.
    """
    along = []
    for index, sign in enumerate((1, -1)):
        covariates, labels = found.sample(jax.random.fold_in(key, index), sign, num_samples, 2)
        kept = np.asarray(found.kept(covariates, labels))
        product = labels * (covariates @ found.direction)
        along.append((np.asarray(product)[kept], np.asarray(labels)[kept]))
    values = [
        float(np.asarray(stats.ks_2samp(first, second))[1])
        for first, second in zip(*along, strict=True)
    ]
    return min(1.0, 2.0 * min(values))
