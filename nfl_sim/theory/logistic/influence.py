"""The linear influence of a logistic problem, for `nfl_sim.simulate` to use as control variate."""

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.influence import Influence
from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theory.logistic.law import LogisticLaw, Plane
from nfl_sim.theory.logistic.laws import kept_law, quadrature_refinement
from nfl_sim.theory.logistic.margin_law import Everything
from nfl_sim.theory.logistic.minimiser import solve
from nfl_sim.theory.logistic.second_order import risk_jet
from nfl_sim.theory.logistic.solution import logistic_penalty, solve_law
from nfl_sim.validation import Scalar


def linear_influence(problem: Problem, regime: FixedDimension) -> Influence:
    """Of the limit student; nan where there is none, zero where nothing is selected.

    References: {eq}`eq-logistic-influence` in theory_notes/04_logistic.md.
    """
    kept, penalty = kept_law(problem, regime.dim), logistic_penalty(problem)
    fraction, refinement = problem.rule.fraction, quadrature_refinement(problem)
    level, student, pull, slope = _first_order(kept.law, fraction, penalty, refinement)
    threshold = jnp.nan_to_num(kept.threshold(level))
    return Influence(student, pull, slope, problem.rule.priority(threshold), fraction, penalty)


@eqx.filter_jit
def _first_order(
    law: LogisticLaw, fraction: Scalar, penalty: Scalar, refinement: int
) -> tuple[Scalar, Plane, Plane, Scalar]:
    solution = solve_law(law, fraction, penalty, refinement)
    risk = risk_jet(law.model, law.axes[:, 0], solution.student)
    pull = -solve(solution.objective.hessian(solution.student), risk.gradient)
    known = solution.exists & solution.converged
    selected = 0.0 if isinstance(law, Everything) else 1.0
    pull = selected * jnp.where(known, pull @ law.axes, jnp.nan)
    slope = selected * jnp.sum(risk.gradient * solution.motion.slope)
    return solution.level, solution.weights, pull, slope
