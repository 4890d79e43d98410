"""Prediction for the linear model at fixed dimension, to second order in 1/n."""

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.pruning import Calibration, PoissonRule
from nfl_sim.theory.coins import Budget, on_top
from nfl_sim.theory.linear.calibrated import CalibratedLaw
from nfl_sim.theory.linear.coins import CoinLaw, variance_is_infinite
from nfl_sim.theory.linear.law import Expansion, LinearLaw
from nfl_sim.theory.linear.laws import ScoreUnits, kept_law, quadrature_refinement
from nfl_sim.theory.linear.student import ridge_penalty, student
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.second_order import finite_size, student_covariance
from nfl_sim.validation import NoTheoryError, Scalar


def predict_fixed_dimension(problem: Problem, regime: FixedDimension) -> Prediction:
    """The population limit {eq}`eq-minimiser` and its 1/n term {eq}`eq-finite-size`.

    Raises:
        NoTheoryError: the learner is not Ridge, or the rule has no theory.
        ValueError: the inclusion probabilities of the rule are none, or miss its fraction.
    """
    prediction, budget = _predict(problem, regime, quadrature_refinement(problem))
    rule = problem.rule
    if isinstance(rule, PoissonRule) and budget is not None:
        budget.check(rule)
    return prediction


@eqx.filter_jit
def _predict(
    problem: Problem, regime: FixedDimension, refinement: int
) -> tuple[Prediction, Budget | None]:
    expansion = _law(problem, regime.dim, refinement).expand(problem.rule.fraction)
    covariance = student_covariance(
        expansion.cut,
        regime.dim,
        plane=expansion.fluctuation.covariance,
        perpendicular=expansion.fluctuation.perpendicular,
        slope=expansion.deviation.slope,
    )
    infinite, coins = variance_is_infinite(problem, regime.dim), _tosses_coins(problem)
    units = ScoreUnits.of(problem.score)
    size = _finite_size(expansion, regime.dim)
    prediction = Prediction(
        problem,
        regime,
        **student(problem, expansion.deviation.value),
        threshold=expansion.threshold if coins else units.score(expansion.threshold),
        finite_size=jnp.where(infinite, jnp.inf, size),
        covariance=jnp.where(infinite, jnp.full_like(covariance, jnp.nan), covariance),
        training_loss=0.5 * expansion.fluctuation.residual,
        numerical_error=expansion.numerical_error,
    )
    return nan_unless(expansion.converged, prediction), expansion.budget


def _law(problem: Problem, dim: int, refinement: int) -> LinearLaw:
    """The kept law; for a randomised rule, from the nested sets of its score."""
    rule, penalty = problem.rule, ridge_penalty(problem)
    law = kept_law(on_top(problem), penalty, dim, refinement=refinement)
    if isinstance(rule, Calibration):
        return CalibratedLaw(rule, law.nested(), penalty, dim)
    if not isinstance(rule, PoissonRule):
        return law
    family = law.nested()
    if family.beyond is None:
        raise NoTheoryError(
            f"all samples tie in {type(problem.score).__name__}, so that "
            f"{type(rule).__name__} is random pruning by coins; use KeepRandom"
        )
    return CoinLaw(rule, family, ScoreUnits.of(problem.score), penalty, dim)


def _tosses_coins(problem: Problem) -> bool:
    return isinstance(problem.rule, PoissonRule)


def _finite_size(expansion: Expansion, dim: int) -> Scalar:
    """Of the excess risk l = |D|^2, whose gradient is 2 D and whose Hessian is 2 I."""
    gap, slope, curvature = expansion.deviation
    second = expansion.fluctuation
    trace = jnp.trace(second.covariance) + (dim - 2) * second.perpendicular
    return finite_size(
        expansion.cut,
        slope=2.0 * jnp.sum(gap * slope),
        curvature=2.0 * jnp.sum(slope**2 + gap * curvature),
        sampling=trace + 2.0 * jnp.sum(gap * second.bias),
    )
