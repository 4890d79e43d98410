"""Prediction for the logistic model at fixed dimension, to second order in 1/n."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from nfl_sim.problem import FixedDimension, Problem, probe_of
from nfl_sim.pruning import Calibration, PointwiseRule, PoissonRule
from nfl_sim.theory.coins import Budget, on_top
from nfl_sim.theory.logistic.calibrated import solve_calibrated
from nfl_sim.theory.logistic.coins import (
    require_opinion,
    solve_coins,
    variance_is_infinite,
)
from nfl_sim.theory.logistic.generic_law import GenericBall, GenericMargin
from nfl_sim.theory.logistic.law import LogisticLaw
from nfl_sim.theory.logistic.laws import (
    FINEST,
    Kept,
    has_direction,
    kept_law,
    quadrature_refinement,
)
from nfl_sim.theory.logistic.minimiser import solve
from nfl_sim.theory.logistic.second_order import risk_jet
from nfl_sim.theory.logistic.solution import (
    Solution,
    logistic_penalty,
    risk_coefficient,
    solve_law,
)
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.second_order import student_covariance
from nfl_sim.validation import Scalar, is_traced

Fields = dict[str, Array]
_OF_THE_LAW = ("level", "pull", "slope", "coarse_gap", "converged")
_WIDEST_GAP = 1e-5  # of the coarse nodes; the fine ones then know the student to 1e-8
_ROUNDING = 2.0**-52  # of the two losses whose difference the risk is


def predict_fixed_dimension(problem: Problem, regime: FixedDimension) -> Prediction:
    """The population limit {eq}`eq-logistic-moments`, its 1/n term {eq}`eq-logistic-finite-size`.

    Raises:
        NoTheoryError: the learner is not LogisticRegression, or the rule has no theory.
    """
    logistic_penalty(problem)
    kept = kept_law(on_top(problem), regime.dim)
    fields = describe_kept(problem, regime.dim)
    fields["converged"] &= has_direction(problem, kept.law)
    return _predict(problem, regime, fields)


def describe_kept(problem: Problem, dim: int) -> Fields:
    """All but what depends on the names of score and rule.

    Beside fields of a `Prediction`: the level of the law, the pull and the slope of an
    `Influence`, and what the coarse nodes are off by, relative to 1 + |w|. It is compiled once for
    each kind of law; for scores of the user's own, which are part of their laws, once for each
    score. Concrete problems get finer nodes until they are fine enough.
    """
    law, refinement = kept_law(on_top(problem), dim).law, quadrature_refinement(problem)
    if isinstance(problem.rule, PoissonRule):
        require_opinion(problem.rule, law)
        fields, budget = _describe_coins(problem, dim, refinement)
        budget.check(problem.rule)
        return fields
    if isinstance(law, GenericMargin | GenericBall):
        return _describe_own(problem, dim, refinement)
    rule, penalty = _anonymous(problem.rule), logistic_penalty(problem)
    fields = _describe(law, rule, penalty, refinement)
    while refinement < FINEST and _is_too_coarse(fields):
        refinement = min(2 * refinement, FINEST)
        fields = _describe(law, rule, penalty, refinement)
    return fields


def _is_too_coarse(fields: Fields) -> bool:
    """Of a concrete solution; nan is."""
    gap, converged = fields["coarse_gap"], fields["converged"]
    return not is_traced(gap) and not (bool(converged) and float(gap) <= _WIDEST_GAP)


def _anonymous(rule: PointwiseRule) -> Calibration | Scalar:
    """What is solved for beside the law: a calibration, or a fraction alone."""
    return rule if isinstance(rule, Calibration) else rule.fraction


@eqx.filter_jit
def _describe_own(problem: Problem, dim: int, refinement: int) -> Fields:
    law, penalty = kept_law(on_top(problem), dim).law, logistic_penalty(problem)
    return _describe(law, _anonymous(problem.rule), penalty, refinement)


@eqx.filter_jit
def _describe_coins(problem: Problem, dim: int, refinement: int) -> tuple[Fields, Budget]:
    kept, rule = kept_law(on_top(problem), dim), problem.rule
    assert isinstance(rule, PoissonRule)
    solution, budget = solve_coins(kept, rule, logistic_penalty(problem), refinement)
    fields, infinite = _fields(kept.law, solution), variance_is_infinite(problem, dim)
    fields["finite_size"] = jnp.where(infinite, jnp.inf, fields["finite_size"])
    fields["covariance"] = jnp.where(infinite, jnp.nan, fields["covariance"])
    return fields, budget


@eqx.filter_jit
def _describe(
    law: LogisticLaw, rule: Calibration | Scalar, penalty: Scalar, refinement: int
) -> Fields:
    if isinstance(rule, Calibration):
        solution = solve_calibrated(law, rule, penalty, refinement)
    else:
        solution = solve_law(law, rule, penalty, refinement)
    return _fields(law, solution)


def _fields(law: LogisticLaw, solution: Solution) -> Fields:
    sampling = _sampling(law, solution)
    exists = solution.exists
    return {
        **_student(law, solution),
        **{name: jnp.where(exists, value, jnp.nan) for name, value in sampling.items()},
        "level": solution.level,
        "coarse_gap": jnp.max(jnp.abs(solution.error)) / (1.0 + jnp.max(jnp.abs(solution.student))),
        "exists": exists,
        "converged": solution.converged,
    }


@eqx.filter_jit
def _predict(problem: Problem, regime: FixedDimension, fields: Fields) -> Prediction:
    kept: Kept = kept_law(on_top(problem), regime.dim)
    others: dict[str, Any] = {n: v for n, v in fields.items() if n not in _OF_THE_LAW}
    probe = probe_of(problem)
    if probe is not None:
        student = jnp.stack([fields["parallel"], fields["orthogonal"]])
        others["probe_overlap"] = jnp.sum(student * probe.direction)
    level = fields["level"]
    threshold = level if isinstance(problem.rule, PoissonRule) else kept.threshold(level)
    return nan_unless(
        fields["converged"], Prediction(problem, regime, threshold=threshold, **others)
    )


def _student(law: LogisticLaw, solution: Solution) -> Fields:
    """The fields of a `Prediction` that describe the student; its direction if it is infinite."""
    model, weights, exists = law.model, solution.weights, solution.exists
    risk = model.excess_risk(weights)
    fields = {
        **model.diagnostics(weights),
        "excess_risk": jnp.where(exists, risk, jnp.inf),
        "parallel": weights[0],
        "orthogonal": weights[1],
        "norm": jnp.where(exists, jnp.hypot(weights[0], weights[1]), jnp.inf),
        "training_loss": jnp.where(exists, solution.training_loss, 0.0),
        "numerical_error": jnp.abs(model.excess_risk(weights + solution.error) - risk) + _ROUNDING,
    }
    for name in ("calibration_slope", "calibration_error"):
        fields[name] = jnp.where(exists, fields[name], jnp.nan)
    return fields


def _sampling(law: LogisticLaw, solution: Solution) -> Fields:
    """finite_size and covariance; pull and slope of the linear influence."""
    risk = risk_jet(law.model, law.axes[:, 0], solution.student)
    slope, second = solution.motion.slope, solution.sampling
    hessian = solution.objective.hessian(solution.student)
    return {
        "finite_size": risk_coefficient(solution, risk, law.others),
        "covariance": student_covariance(
            solution.cut,
            law.others + (1.0 if law.flat else 2.0),
            plane=law.axes.T @ second.covariance @ law.axes,
            perpendicular=second.perpendicular,
            slope=slope @ law.axes,
        ),
        "pull": -solve(hessian, risk.gradient) @ law.axes,
        "slope": jnp.sum(risk.gradient * slope),
    }
