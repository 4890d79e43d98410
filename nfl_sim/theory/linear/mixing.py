"""The best exact calibration of least squares."""

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.theory.linear.laws import kept_law, quadrature_refinement
from nfl_sim.theory.linear.node_moments import NodeMoments
from nfl_sim.theory.linear.student import ridge_penalty
from nfl_sim.theory.mixing import OptimalMixing, RestEnergy, best_mixing, require_unbiased
from nfl_sim.theory.strata import sharpened
from nfl_sim.validation import Scalar


def optimal_mixing(problem: Problem, regime: FixedDimension) -> OptimalMixing:
    """By one-dimensional search over the closed forms, or the quadrature, of the rest."""
    require_unbiased(problem, ridge_penalty(problem))
    return _optimal_mixing(problem, regime.dim, quadrature_refinement(problem))


@eqx.filter_jit
def _optimal_mixing(problem: Problem, dim: int, refinement: int) -> OptimalMixing:
    law = kept_law(sharpened(problem), ridge_penalty(problem), dim, refinement=refinement)
    family = law.nested()
    gap = family.axes @ (family.teacher - family.reference)

    def at(level: Scalar) -> tuple[Scalar, Scalar]:
        top = family.top(level)
        mass = jnp.sum(top.mass)
        rest = NodeMoments((family.whole, top.times(-jnp.ones(()))), 1.0 - mass, dim)
        scatter = rest.fluctuation(gap, jnp.eye(2), jnp.ones(()))
        plane = jnp.trace(scatter.covariance) if dim > 1 else scatter.covariance[0, 0]
        return (1.0 - mass) * (plane + max(dim - 2, 0) * scatter.perpendicular), mass

    whole = dim * family.noise_std**2
    return best_mixing(problem, dim, RestEnergy(at, family.level, whole))
