"""The linear influence of a logistic problem, for `nfl_sim.simulate` to use as control variate."""

import jax.numpy as jnp

from nfl_sim.influence import Influence
from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theory.logistic.fixed_dimension import describe_kept
from nfl_sim.theory.logistic.laws import kept_law
from nfl_sim.theory.logistic.margin_law import Everything
from nfl_sim.theory.logistic.solution import logistic_penalty


def linear_influence(problem: Problem, regime: FixedDimension) -> Influence:
    """Of the limit student; nan where there is none, zero where nothing is selected.

    References: {eq}`eq-logistic-influence` in theory_notes/04_logistic.md.
    """
    kept, fields = kept_law(problem, regime.dim), describe_kept(problem, regime.dim)
    known = jnp.where(fields["converged"], 1.0, jnp.nan)
    selected = 0.0 if isinstance(kept.law, Everything) else known
    threshold = jnp.nan_to_num(kept.threshold(fields["level"]))
    return Influence(
        student=jnp.stack([fields["parallel"], fields["orthogonal"]]),
        pull=selected * fields["pull"],
        slope=selected * fields["slope"],
        level=problem.rule.priority(threshold),
        fraction=problem.rule.fraction,
        penalty=logistic_penalty(problem),
    )
