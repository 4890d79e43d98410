"""Ridge regression on the linear model in high dimension."""

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.problem import Problem, Proportional
from nfl_sim.scores import EL2N, GraNd, Leverage, Uniform
from nfl_sim.theory.linear import (
    ScoreUnits,
    kept_law,
    quadrature_refinement,
    ridge_penalty,
)
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.proportional.kept import refuse_norm
from nfl_sim.theory.proportional.readout import describe
from nfl_sim.validation import Scalar

_ROUNDING = 1e-13


def predict_linear(problem: Problem, regime: Proportional) -> Prediction:
    """Ridge with a self-induced penalty in the plane, {eq}`eq-ridge-proportional`.

    Raises:
        NoTheoryError: the learner is not Ridge, or the rule or score has no theory.
    """
    ridge_penalty(problem)
    return _predict(problem, regime, quadrature_refinement(_in_high_dimension(problem)))


@eqx.filter_jit
def _predict(problem: Problem, regime: Proportional, refinement: int) -> Prediction:
    fraction, penalty = problem.rule.fraction, ridge_penalty(problem)
    inverse = 1.0 / (fraction * regime.sample_ratio)
    own = self_induced_penalty(penalty, inverse)
    limit = _in_high_dimension(problem)
    expansion = kept_law(limit, own, regime.dim, refinement=refinement).expand(fraction)
    noise, gap = expansion.fluctuation.residual, expansion.deviation.value
    share = inverse / (1.0 + own) ** 2
    spread = jnp.where(share < 1.0, noise * share / (1.0 - share), jnp.inf)
    plane = gap.at[0].add(problem.model.signal)  # pyright: ignore
    excess = jnp.sum(gap**2) + spread
    fields = describe(problem, plane, jnp.sqrt(spread)) | {"excess_risk": excess}
    prediction = Prediction(
        problem,
        regime,
        **fields,
        threshold=_threshold(problem, expansion.threshold),
        training_loss=0.5 * (noise + spread) * (1.0 - inverse / (1.0 + own)) ** 2,
        numerical_error=expansion.numerical_error / (1.0 - share) + _ROUNDING * excess,
    )
    return nan_unless(expansion.converged, prediction)


def self_induced_penalty(penalty: Scalar, inverse: Scalar) -> Scalar:
    """The root kappa >= 0 of penalty = kappa - inverse kappa / (1 + kappa).

    Args:
        penalty: lambda >= 0.
        inverse: dimensions a kept sample.

    References: {eq}`eq-self-induced-penalty` in theory_notes/05_proportional_limit.md.
    """
    surplus = penalty + inverse - 1.0
    root = jnp.sqrt(surplus**2 + 4.0 * penalty)
    bottom = jnp.where(surplus < 0.0, root - surplus, 1.0)
    return jnp.where(surplus < 0.0, 2.0 * penalty / bottom, 0.5 * (surplus + root))


def _in_high_dimension(problem: Problem) -> Problem:
    """The problem with what its score tends to as all samples become equally long."""
    score = problem.score
    if isinstance(score, GraNd):
        return eqx.tree_at(lambda p: p.score, problem, EL2N(score.probe))
    if isinstance(score, Leverage):
        return eqx.tree_at(lambda p: p.score, problem, Uniform())
    refuse_norm(score)
    return problem


def _threshold(problem: Problem, threshold: Scalar) -> Scalar:
    """In units of the score; that of GraNd grows with the dimension."""
    if isinstance(problem.score, GraNd):
        return jnp.asarray(jnp.nan)
    return ScoreUnits.of(problem.score).score(threshold)
