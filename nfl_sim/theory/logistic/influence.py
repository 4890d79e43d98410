"""The linear influence of a logistic problem, for `nfl_sim.simulate` to use as control variate."""

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.influence import Influence
from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theory.logistic.laws import kept_law, logistic_model, quadrature_refinement
from nfl_sim.theory.logistic.margin_law import Everything
from nfl_sim.theory.logistic.minimiser import solve
from nfl_sim.theory.logistic.second_order import risk_jet
from nfl_sim.theory.logistic.solution import logistic_penalty, solve_problem


def linear_influence(problem: Problem, regime: FixedDimension) -> Influence:
    """Of the limit student; nan where there is none, zero where nothing is selected.

    References: {eq}`eq-logistic-influence` in theory_notes/04_logistic.md.
    """
    return _influence(problem, regime, quadrature_refinement(problem))


@eqx.filter_jit
def _influence(problem: Problem, regime: FixedDimension, refinement: int) -> Influence:
    law = kept_law(problem, regime.dim)
    solution = solve_problem(problem, law, refinement)
    risk = risk_jet(logistic_model(problem), solution.axes[:, 0], solution.student)
    pull = -solve(solution.objective.hessian(solution.student), risk.gradient)
    known = solution.exists & solution.converged
    selected = 0.0 if isinstance(law, Everything) else 1.0
    level = problem.rule.priority(jnp.nan_to_num(solution.threshold))
    return Influence(
        student=solution.weights,
        pull=selected * jnp.where(known, pull @ solution.axes, jnp.nan),
        slope=selected * jnp.sum(risk.gradient * solution.motion.slope),
        level=level,
        fraction=problem.rule.fraction,
        penalty=logistic_penalty(problem),
    )
