"""Prediction for the logistic model at fixed dimension, to second order in 1/n."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theory.logistic.laws import kept_law, logistic_model, quadrature_refinement
from nfl_sim.theory.logistic.second_order import fluctuation, iid_coefficient, risk_jet
from nfl_sim.theory.logistic.solution import Motion, Solution, solve_problem
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.second_order import finite_size, top_covariance
from nfl_sim.validation import Scalar


def predict_fixed_dimension(problem: Problem, regime: FixedDimension) -> Prediction:
    """The population limit {eq}`eq-logistic-moments`, its 1/n term {eq}`eq-logistic-finite-size`.

    Raises:
        NoTheoryError: the learner is not LogisticRegression, or the rule has no theory.
    """
    return _predict(problem, regime, quadrature_refinement(problem))


@eqx.filter_jit
def _predict(problem: Problem, regime: FixedDimension, refinement: int) -> Prediction:
    law = kept_law(problem, regime.dim)
    solution = solve_problem(problem, law, refinement)
    prediction = Prediction(
        problem,
        regime,
        **_student(problem, solution),
        **_sampling(problem, solution, regime.dim),
        threshold=solution.threshold,
        exists=solution.exists,
    )
    return nan_unless(solution.converged, prediction)


def _student(problem: Problem, solution: Solution) -> dict[str, Scalar]:
    """The fields of a `Prediction` that describe the student; its direction if it is infinite."""
    model, probe, exists = logistic_model(problem), problem.score.probe, solution.exists
    weights = solution.weights
    risk = model.excess_risk(weights)
    fields: dict[str, Any] = {
        **model.diagnostics(weights),
        "excess_risk": jnp.where(exists, risk, jnp.inf),
        "parallel": weights[0],
        "orthogonal": weights[1],
        "norm": jnp.where(exists, jnp.sqrt(jnp.sum(weights**2)), jnp.inf),
        "probe_overlap": jnp.nan if probe is None else jnp.sum(weights * probe.direction),
        "training_loss": jnp.where(exists, solution.training_loss, 0.0),
        "numerical_error": jnp.abs(model.excess_risk(weights + solution.error) - risk),
    }
    for name in ("calibration_slope", "calibration_error"):
        fields[name] = jnp.where(exists, fields[name], jnp.nan)
    return fields


def _sampling(problem: Problem, solution: Solution, dim: int) -> dict[str, Array]:
    """The fields of a `Prediction` that describe the sampling error; nan without a minimiser."""
    fraction, axes, student = problem.rule.fraction, solution.axes, solution.student
    second = fluctuation(solution.objective, student, dim)
    risk = risk_jet(logistic_model(problem), axes[:, 0], student)
    motion: Motion = solution.motion
    size = finite_size(
        fraction,
        slope=jnp.sum(risk.gradient * motion.slope),
        curvature=motion.slope @ risk.hessian @ motion.slope
        + jnp.sum(risk.gradient * motion.curvature),
        iid=iid_coefficient(second, risk, dim),
    )
    covariance = top_covariance(
        fraction,
        dim,
        plane=axes.T @ second.covariance @ axes,
        perpendicular=second.perpendicular,
        slope=motion.slope @ axes,
    )
    return {
        "finite_size": jnp.where(solution.exists, size, jnp.nan),
        "covariance": jnp.where(solution.exists, covariance, jnp.nan),
    }
