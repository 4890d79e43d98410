"""The exact mean of least squares that keeps samples for the residuals of its own first fit."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.gaussian import mean_share_pull
from nfl_sim.problem import FiniteSample, Problem, require_finite_mean
from nfl_sim.pruning import KeepHardest, KeepRandom, num_kept, num_kept_traced
from nfl_sim.theory.linear.same_sample import require_residuals
from nfl_sim.theory.linear.student import linear_model
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.validation import NoTheoryError, Scalar, is_traced


def predict_same_sample(problem: Problem, regime: FiniteSample) -> Prediction:
    """The exact mean of the excess risk when residuals of least squares on all rows are the score.

    Raises:
        NoTheoryError: another probe, score, rule or learner.
        ValueError: the mean is infinite, num_samples <= dim + 1 or num_kept <= dim + 1.

    References: {eq}`eq-same-exact` in theory_notes/10_same_sample.md.
    """
    penalty = require_residuals(problem, "exact finite-sample law")
    dim, size, rule = regime.dim, regime.num_samples, problem.rule
    if size <= dim + 1:
        raise ValueError(
            f"{type(problem.score.probe).__name__} needs {dim + 2} or more rows at dim={dim}, "
            f"got num_samples={size}"
        )
    if not is_traced(rule.fraction):
        kept = num_kept(float(rule.fraction), size)
        require_finite_mean(kept, dim)
        if kept < dim:
            raise NoTheoryError(f"no exact law for scored pruning of num_kept={kept} < dim={dim}")
    kept = num_kept_traced(rule.fraction, size)
    excess, known = _exact(problem, kept, jnp.asarray(1.0 * size), jnp.asarray(1.0 * dim))
    prediction = Prediction(
        problem,
        regime,
        excess_risk=excess,
        parallel=linear_model(problem).signal,
        orthogonal=jnp.zeros(()),
        numerical_error=1e-8 * excess,
    )
    return nan_unless(known & (penalty == 0.0), prediction)


@eqx.filter_jit
def _exact(
    problem: Problem, kept: Scalar, size: Scalar, dim: Scalar
) -> tuple[Scalar, Bool[Array, ""]]:
    """Sizes are numbers here: one compilation serves all."""
    noise = linear_model(problem).noise_std ** 2
    if isinstance(problem.rule, KeepRandom):
        return noise * dim / (kept - dim - 1.0), kept > dim + 1.0
    pull = mean_share_pull(kept, size, dim, outside=isinstance(problem.rule, KeepHardest))
    price = (size - dim) * (size - dim - 2.0) / ((size - dim - 1.0) * (kept - dim - 1.0)) * pull
    return noise * (dim / (size - dim - 1.0) + price), kept > dim + 1.0
