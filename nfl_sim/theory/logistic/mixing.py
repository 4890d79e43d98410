"""The best exact calibration of logistic regression."""

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theory.logistic.calibrated import everything_beside
from nfl_sim.theory.logistic.laws import kept_law, quadrature_refinement, resolutions
from nfl_sim.theory.logistic.second_order import (
    Stratum,
    fluctuation,
    risk_jet,
    sampling_coefficient,
)
from nfl_sim.theory.logistic.solution import kept_level, logistic_penalty, objective_on
from nfl_sim.theory.mixing import OptimalMixing, RestEnergy, best_mixing, require_unbiased
from nfl_sim.theory.strata import sharpened
from nfl_sim.validation import Scalar


def optimal_mixing(problem: Problem, regime: FixedDimension) -> OptimalMixing:
    """By one-dimensional search over the quadrature of the rest."""
    require_unbiased(problem, logistic_penalty(problem))
    return _optimal_mixing(problem, regime.dim, quadrature_refinement(problem))


@eqx.filter_jit
def _optimal_mixing(problem: Problem, dim: int, refinement: int) -> OptimalMixing:
    law = kept_law(sharpened(problem), dim).law
    fine, coarse = resolutions(law, refinement)
    whole, teacher = everything_beside(law, fine), law.axes[:, 0]
    objective = objective_on(law, whole, jnp.zeros(()))
    best = law.model.best_norm * teacher
    risk = risk_jet(law.model, teacher, best)

    def energy(stratum: Stratum) -> Scalar:
        """At the best student the gradient vanishes, and C is the trace alone."""
        sampling = fluctuation(objective, (stratum,), best, law.others)
        return sampling_coefficient(sampling, risk, law.others)

    def at(level: Scalar) -> tuple[Scalar, Scalar]:
        top = law.nodes(level, fine)
        mass = jnp.sum(top.mass)
        rest = whole.joined(top.times(-jnp.ones(())))
        return energy(Stratum(rest, 1.0 - mass)), mass

    def level(mass: Scalar) -> Scalar:
        return kept_level(law, mass, fine, coarse)

    return best_mixing(problem, dim, RestEnergy(at, level, energy(Stratum(whole, jnp.ones(())))))
