"""Calibration on the logistic model: the top of a kept law, and a random choice from the rest."""

import jax
import jax.numpy as jnp
from jax.nn import sigmoid, softplus

from nfl_sim.pruning import Calibration
from nfl_sim.theory.logistic.law import KeptNodes, LogisticLaw, Plane, Resolution
from nfl_sim.theory.logistic.laws import resolutions
from nfl_sim.theory.logistic.margin_law import Everything
from nfl_sim.theory.logistic.minimiser import solve
from nfl_sim.theory.logistic.second_order import Stratum, fluctuation
from nfl_sim.theory.logistic.solution import (
    Solution,
    coarse_error,
    is_sharp,
    kept_level,
    mass_fits,
    minimise_in_two,
    motion,
    objective_on,
)
from nfl_sim.theory.second_order import Cut
from nfl_sim.theory.strata import Strata
from nfl_sim.validation import Scalar


def solve_calibrated(
    law: LogisticLaw, rule: Calibration, penalty: Scalar, refinement: int
) -> Solution:
    """Level, minimiser, derivatives and errors of a calibrated rule.

    The rest holds samples of both signs in every direction, so that a minimiser always exists.

    Args:
        law: of the rule's top.
        rule: with its fraction and mixing.
        penalty: of the learner.
        refinement: of the nodes.

    References: {eq}`eq-stratified-covariance`, {eq}`eq-stratified-finite-size` in
    theory_notes/08_calibration.md.
    """
    strata, (fine, coarse) = Strata.of(rule), resolutions(law, refinement)
    level = kept_level(law, strata.cut, fine, coarse)
    top, whole = law.nodes(level, fine), everything_beside(law, fine)

    def weighted(level: Scalar) -> tuple[KeptNodes, Scalar]:
        top = law.nodes(level, fine)
        mass = jnp.sum(top.mass)
        surplus, rest = strata.shares(mass)
        return top.times(surplus).joined(whole.times(rest)), mass

    objective = objective_on(law, weighted(level)[0], penalty)
    few, (surplus, rest) = (
        law.nodes(jax.lax.stop_gradient(level), coarse),
        strata.shares(strata.cut),
    )
    few = few.times(surplus).joined(everything_beside(law, coarse).times(rest))
    rough = objective._replace(nodes=few)
    student, met = minimise_in_two(objective, rough)
    moved = motion(weighted, level, objective, student, strata.present > 0.0)
    others = whole.joined(top.times(-strata.present))
    chosen = (
        Stratum(top, strata.top),
        Stratum(others, strata.weight**2 * strata.rest),
    )
    sampling = fluctuation(objective, chosen, student, law.others)
    shift = _edge(law, level, fine, student) - _mean(others, student)
    shift *= strata.present * strata.weight * strata.inclusion
    bias = sampling.bias - solve(objective.hessian(student), shift)
    error = coarse_error(objective, rough, student, moved.slope)
    mass, loss = objective.nodes.mass, softplus(-objective.margin(student))
    fits = mass_fits(jnp.sum(top.mass), strata.cut)
    return Solution(
        level=jnp.where(strata.present > 0.0, level, jnp.nan),
        cut=Cut.of_top(strata.top),
        exists=jnp.asarray(True),
        objective=objective,
        axes=law.axes,
        student=student,
        weights=student @ law.axes,
        motion=moved,
        sampling=sampling._replace(bias=bias),
        error=error @ law.axes,
        training_loss=jnp.sum(mass * loss) / jnp.sum(mass),
        converged=fits & top.resolved & met & is_sharp(error, student),
    )


def everything_beside(law: LogisticLaw, resolution: Resolution) -> KeptNodes:
    """The law of all samples, along the axes of the top's."""
    everything = Everything(law.model, law.axes, law.others, law.flat)
    return everything.nodes(jnp.ones(()), resolution)


def _edge(law: LogisticLaw, level: Scalar, resolution: Resolution, student: Plane) -> Plane:
    """E[grad | score at the threshold]: the threshold's own sample belongs to the rest."""

    def sums(level):
        nodes = law.nodes(level, resolution)
        return _gradient(nodes, student), jnp.sum(nodes.mass)

    pull, mass = jax.jvp(sums, (level,), (jnp.ones_like(level),))[1]
    return pull / mass


def _mean(nodes: KeptNodes, student: Plane) -> Plane:
    return _gradient(nodes, student) / jnp.sum(nodes.mass)


def _gradient(nodes: KeptNodes, student: Plane) -> Plane:
    pull = -nodes.mass * sigmoid(-(student[0] * nodes.first + student[1] * nodes.second))
    return jnp.stack([jnp.sum(pull * nodes.first), jnp.sum(pull * nodes.second)])
