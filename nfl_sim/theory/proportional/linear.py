"""Ridge regression on the linear model in high dimension."""

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.problem import Problem, Proportional
from nfl_sim.pruning import Calibration
from nfl_sim.scores import EL2N, GraNd, Leverage, Uniform
from nfl_sim.theory.linear import (
    Expansion,
    ScoreUnits,
    kept_law,
    quadrature_refinement,
    ridge_penalty,
)
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.proportional.calibrated import RidgeStudent, solve_calibrated
from nfl_sim.theory.proportional.readout import describe
from nfl_sim.theory.proportional.selection import refuse_norm
from nfl_sim.theory.proportional.self_induced import self_induced_penalty
from nfl_sim.theory.strata import Strata, sharpened
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
    found = _solve(problem, regime, refinement)
    plane = found.gap.at[0].add(problem.model.signal)  # pyright: ignore
    excess = jnp.sum(found.gap**2) + found.spread
    fields = describe(problem, plane, jnp.sqrt(found.spread)) | {"excess_risk": excess}
    prediction = Prediction(
        problem,
        regime,
        **fields,
        threshold=_threshold(problem, found.threshold),
        training_loss=found.training_loss,
        numerical_error=found.numerical_error,
    )
    return nan_unless(found.converged, prediction)


def _solve(problem: Problem, regime: Proportional, refinement: int) -> RidgeStudent:
    rule, penalty = problem.rule, ridge_penalty(problem)
    limit, ratio = _in_high_dimension(problem), rule.fraction * regime.sample_ratio
    if isinstance(rule, Calibration):
        top = kept_law(sharpened(limit), penalty, regime.dim, refinement=refinement)
        return solve_calibrated(top.nested(), Strata.of(rule), ratio, penalty, regime.dim)
    own = self_induced_penalty(penalty, 1.0 / ratio)
    law = kept_law(limit, own, regime.dim, refinement=refinement)
    return _unweighted(law.expand(rule.fraction), own, 1.0 / ratio)


def _unweighted(expansion: Expansion, own: Scalar, inverse: Scalar) -> RidgeStudent:
    """In closed form."""
    noise, gap = expansion.fluctuation.residual, expansion.deviation.value
    share = inverse / (1.0 + own) ** 2
    spread = jnp.where(share < 1.0, noise * share / (1.0 - share), jnp.inf)
    rounding = _ROUNDING * (jnp.sum(gap**2) + spread)
    return RidgeStudent(
        gap=gap,
        spread=spread,
        training_loss=0.5 * (noise + spread) * (1.0 - inverse / (1.0 + own)) ** 2,
        threshold=expansion.threshold,
        numerical_error=expansion.numerical_error / (1.0 - share) + rounding,
        converged=expansion.converged,
    )


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
