"""Sampling error of logistic regression on i.i.d. samples of a kept law, to leading order."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.nn import sigmoid

from nfl_sim.gaussian import softplus_curvature, softplus_slope
from nfl_sim.models import Logistic
from nfl_sim.theory.logistic.law import Matrix, Plane, Values
from nfl_sim.theory.logistic.minimiser import Objective, gram, solve
from nfl_sim.validation import Scalar


class Fluctuation(NamedTuple):
    """Second order on m i.i.d. samples of the kept law, to leading order in 1/m.

    Args:
        covariance: m Cov of the student in the plane.
        perpendicular: m Var of the student along any further direction.
        bias: m times the bias of the student in the plane.
    """

    covariance: Matrix
    perpendicular: Scalar
    bias: Plane


class RiskJet(NamedTuple):
    """Gradient and Hessian of the risk at a student: in the plane, and across it.

    Args:
        gradient: in the plane; 0 across it.
        hessian: in the plane.
        perpendicular: second derivative along any further direction.
    """

    gradient: Plane
    hessian: Matrix
    perpendicular: Scalar


def fluctuation(objective: Objective, student: Plane, others: Scalar) -> Fluctuation:
    """A^-1 B A^-1, and the bias A^-1 (E[hess A^-1 psi] - E[l''' z (z' S z)] / 2).

    References: {eq}`eq-logistic-covariance`, {eq}`eq-logistic-finite-size` in
    theory_notes/04_logistic.md.
    """
    nodes, penalty = objective.nodes, objective.penalty
    total = jnp.sum(nodes.mass)
    mass, rest = nodes.mass / total, nodes.rest / total
    chance = sigmoid(objective.margin(student))
    pull, weight = chance - 1.0, chance * (1.0 - chance)
    hessian = objective.hessian(student) / total
    across = jnp.sum(rest * weight) + penalty
    first = pull * nodes.first + penalty * student[0]
    second = pull * nodes.second + penalty * student[1]
    covariance = solve(hessian, solve(hessian, gram(mass, first, second)).T)
    perpendicular = jnp.sum(rest * pull**2) / across**2
    # hess = l'' z z' + penalty I, and E[psi] = 0: the penalty adds nothing to E[hess A^-1 psi].
    moved = solve(hessian, jnp.stack([first, second]))
    turn = mass * (nodes.first * moved[0] + nodes.second * moved[1])
    turn = weight * (turn + others * rest * pull / across)
    square = _quadratic(covariance, nodes.first, nodes.second)
    bend = weight * (1.0 - 2.0 * chance) * (mass * square + others * rest * perpendicular)
    drive = turn - 0.5 * bend
    drive = jnp.stack([jnp.sum(drive * nodes.first), jnp.sum(drive * nodes.second)])
    return Fluctuation(covariance, perpendicular, solve(hessian, drive))


def iid_coefficient(second: Fluctuation, risk: RiskJet, others: Scalar) -> Scalar:
    """c in E[excess] = l + c/m + o(1/m) for m i.i.d. samples of the kept law."""
    trace = jnp.sum(risk.hessian * second.covariance)
    trace += others * risk.perpendicular * second.perpendicular
    return jnp.sum(risk.gradient * second.bias) + 0.5 * trace


def risk_jet(model: Logistic, teacher: Plane, student: Plane) -> RiskJet:
    """Of L(w) = S(|w|) - kappa w.teacher, {eq}`eq-logistic-risk-derivatives`.

    Args:
        model: the logistic model.
        teacher: its unit direction in the coordinates of ``student``.
        student: w; at 0 the limit of the formula, S''(0) I, is taken.
    """
    square = jnp.sum(student**2)
    norm = jnp.sqrt(jnp.where(square > 0.0, square, 1e-20))
    unit = student / norm
    slope, curvature = softplus_slope(norm), softplus_curvature(norm)
    radial = jnp.outer(unit, unit)
    hessian = curvature * radial + slope / norm * (jnp.eye(2) - radial)
    return RiskJet(slope * unit - model.pull * teacher, hessian, slope / norm)


def _quadratic(matrix: Matrix, first: Values, second: Values) -> Values:
    return matrix[0, 0] * first**2 + 2.0 * matrix[0, 1] * first * second + matrix[1, 1] * second**2
