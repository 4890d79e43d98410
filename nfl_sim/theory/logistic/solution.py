"""The student of a kept law: level, minimiser, its motion with the fraction, and the errors."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import softplus
from jaxtyping import Array, Bool

from nfl_sim.gaussian import polish, solve_increasing
from nfl_sim.learners import LogisticRegression
from nfl_sim.problem import Problem
from nfl_sim.theory.logistic.law import KeptNodes, LogisticLaw, Matrix, Plane, Resolution
from nfl_sim.theory.logistic.laws import resolutions
from nfl_sim.theory.logistic.minimiser import Objective, minimise, polish_minimiser, solve
from nfl_sim.theory.logistic.second_order import (
    Fluctuation,
    RiskJet,
    Stratum,
    fluctuation,
    sampling_coefficient,
)
from nfl_sim.theory.second_order import Cut, finite_size
from nfl_sim.validation import NoTheoryError, Scalar

_ROOM = 1e-14  # at fraction 1 every level beyond the last score would do
_NEAR = 1e-3
_ROUGH = 1e-6  # of a level that Newton's method on the fine nodes makes exact
_MASS_TOLERANCE = 1e-9
_ERROR_TOLERANCE = 1e-2
_STEPS = 100


class Motion(NamedTuple):
    """Derivatives of the student in the fraction, along the axes of the law.

    Args:
        slope, curvature: w'(r) and w''(r); 0 at fraction 1, where 1 - r multiplies them.
    """

    slope: Plane
    curvature: Plane


class Solution(NamedTuple):
    """All about the student at one fraction.

    Args:
        level: of the law, at which the fraction is kept.
        cut: the noise of the fraction, or of whatever moves the student.
        exists: whether there is a finite minimiser.
        objective: on the fine nodes.
        axes: of the law, in the frame (e_1, e_2).
        student: the minimiser along the axes.
        weights: the same in the frame; without a minimiser its direction as penalty -> 0.
        motion: of the student, as the cut moves at fixed counts.
        sampling: error of the student at a fixed cut.
        error: numerical error of ``weights``.
        training_loss: mean log-loss over the kept law.
        converged: whether every solve met its tolerance.
    """

    level: Scalar
    cut: Cut
    exists: Bool[Array, ""]
    objective: Objective
    axes: Matrix
    student: Plane
    weights: Plane
    motion: Motion
    sampling: Fluctuation
    error: Plane
    training_loss: Scalar
    converged: Bool[Array, ""]


def logistic_penalty(problem: Problem) -> Scalar:
    """The penalty of the problem's learner; ``NoTheoryError`` unless it is LogisticRegression."""
    if not isinstance(problem.learner, LogisticRegression):
        raise NoTheoryError(
            f"no theory for the learner {type(problem.learner).__name__} on Logistic; "
            "there is for LogisticRegression"
        )
    return problem.learner.penalty


def solve_law(law: LogisticLaw, fraction: Scalar, penalty: Scalar, refinement: int) -> Solution:
    """Level, minimiser, derivatives and errors."""
    fine, coarse = resolutions(law, refinement)
    level = kept_level(law, fraction, fine, coarse)
    nodes = law.nodes(level, fine)
    side = law.separator(nodes)
    exists = (side == 0.0) | (penalty > 0.0)
    objective = objective_on(law, nodes, jnp.where(exists, penalty, 1.0))
    rough = objective._replace(nodes=law.nodes(jax.lax.stop_gradient(level), coarse))
    student, met = minimise_in_two(objective, rough)

    def weighted(level):
        nodes = law.nodes(level, fine)
        return nodes, jnp.sum(nodes.mass)

    moved = motion(weighted, level, objective, student, fraction < 1.0)
    mass = jnp.sum(nodes.mass)
    error = coarse_error(objective, rough, student, moved.slope)
    complete = jnp.asarray(law.complete)
    fits, sharp = mass_fits(mass, fraction), is_sharp(error, student)
    return Solution(
        level=jnp.where(fraction >= 1.0, complete, level),
        cut=Cut.of_top(fraction),
        exists=exists,
        objective=objective,
        axes=law.axes,
        student=student,
        weights=jnp.where(exists, student @ law.axes, side * law.axes[0]),
        motion=moved,
        sampling=fluctuation(objective, (Stratum(nodes, mass),), student, law.others),
        error=jnp.where(exists, error @ law.axes, 0.0),
        training_loss=jnp.sum(nodes.mass * softplus(-objective.margin(student))) / mass,
        converged=fits & nodes.resolved & ((met & sharp) | ~exists),
    )


def risk_coefficient(solution: Solution, risk: RiskJet, others: Scalar) -> Scalar:
    """C of a risk whose gradient and Hessian at the student are given.

    Args:
        solution: about the student.
        risk: along the axes of the law.
        others: number of directions off the plane.
    """
    slope, curvature = solution.motion
    return finite_size(
        solution.cut,
        slope=jnp.sum(risk.gradient * slope),
        curvature=slope @ risk.hessian @ slope + jnp.sum(risk.gradient * curvature),
        sampling=sampling_coefficient(solution.sampling, risk, others),
    )


def mass_fits(mass: Scalar, fraction: Scalar) -> Bool[Array, ""]:
    """Whether the level that was found keeps the fraction."""
    return jnp.abs(mass - fraction) <= _MASS_TOLERANCE * fraction


def is_sharp(error: Plane, student: Plane) -> Bool[Array, ""]:
    """Whether the student is known to better than a percent."""
    return jnp.max(jnp.abs(error)) <= _ERROR_TOLERANCE * (1.0 + jnp.max(jnp.abs(student)))


def kept_level(law: LogisticLaw, fraction: Scalar, fine: Resolution, coarse: Resolution) -> Scalar:
    """The level at which ``fraction`` is kept: found on coarse nodes, polished on fine ones."""
    target = jnp.minimum(fraction, 1.0 - _ROOM)

    def surplus(resolution: Resolution, target: Scalar):
        return lambda level: jnp.sum(law.nodes(level, resolution).mass) - target

    still = jax.lax.stop_gradient(target)
    rough = solve_increasing(surplus(coarse, still), law.low, law.high, tolerance=_ROUGH)
    return polish(surplus(fine, target), rough - _NEAR, rough + _NEAR)


def objective_on(law: LogisticLaw, nodes: KeptNodes, penalty: Scalar) -> Objective:
    """The objective of a learner on nodes along the axes of a law."""
    return Objective(nodes, penalty, jnp.array([0.0, 1.0 if law.flat else 0.0]))


def minimise_in_two(fine: Objective, coarse: Objective) -> tuple[Plane, Bool[Array, ""]]:
    """Newton on the coarse nodes, then on the fine ones, whose last steps are differentiable."""
    still_fine, still_coarse = jax.lax.stop_gradient((fine, coarse))
    start, _ = minimise(still_coarse, jnp.zeros(2), tolerance=1e-4, steps=_STEPS)
    start = jnp.where(jnp.all(jnp.isfinite(start)), start, 0.0)
    student, met = minimise(still_fine, start, tolerance=1e-8, steps=_STEPS)
    return polish_minimiser(fine, student), met


def motion(
    weighted: Callable[[Scalar], tuple[KeptNodes, Scalar]],
    level: Scalar,
    objective: Objective,
    student: Plane,
    moving: Bool[Array, ""],
) -> Motion:
    """w' and w'' from the stationarity of the objective along the path of levels.

    Args:
        weighted: level -> nodes of the objective, and the mass in which to differentiate.
        level, objective, student: where.
        moving: False sets the derivatives to 0.
    """
    one = jnp.ones_like(level)

    def state(level, student):
        nodes, mass = weighted(level)
        return objective._replace(nodes=nodes).gradient(student), mass

    def back(vector):
        return -solve(objective.hessian(student), vector)

    pull, rate = jax.jvp(lambda level: state(level, student), (level,), (one,))[1]
    by_level = back(pull)

    def speed(level, student):
        return jax.jvp(state, (level, student), (one, by_level))[1]

    bend, turn = jax.jvp(speed, (level, student), (one, by_level))[1]
    moving = moving & (rate > 0.0)
    rate = jnp.where(moving, rate, jnp.inf)
    slope = by_level / rate
    turned = jnp.where(moving, turn, 0.0)
    return Motion(slope, jnp.where(moving, (back(bend) - slope * turned) / rate**2, 0.0))


def coarse_error(fine: Objective, coarse: Objective, student: Plane, slope: Plane) -> Plane:
    """Where the coarse nodes would put the student, to first order, minus where it is."""
    gap = jnp.sum(coarse.nodes.mass) - jnp.sum(fine.nodes.mass)
    return -solve(fine.hessian(student), coarse.gradient(student)) - gap * slope
