"""Sampling error of logistic regression on samples of kept laws, to leading order."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.nn import sigmoid

from nfl_sim.gaussian import softplus_curvature, softplus_slope
from nfl_sim.models import Logistic
from nfl_sim.theory.logistic.law import KeptNodes, Matrix, Plane, Values
from nfl_sim.theory.logistic.minimiser import Objective, gram, solve
from nfl_sim.validation import Scalar


class Stratum(NamedTuple):
    """Samples that are drawn i.i.d. from one law, in fixed number or by coins.

    Args:
        nodes: of the law, of any total mass.
        share: their number over n, times the square of their weight.
        counted: whether their number is fixed.
    """

    nodes: KeptNodes
    share: Scalar
    counted: bool = True


class Fluctuation(NamedTuple):
    """Second order of the student on n samples before pruning, to leading order in 1/n.

    Args:
        covariance: n Cov of the student in the plane.
        perpendicular: n Var of the student along any further direction.
        bias: n times the bias of the student in the plane.
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


def fluctuation(
    objective: Objective, strata: tuple[Stratum, ...], student: Plane, others: Scalar
) -> Fluctuation:
    """A^-1 B A^-1, and the bias A^-1 (Cov(hess, A^-1 psi) - E[l''' z (z' S z)] / 2).

    Args:
        objective: whose minimiser the student is; its masses are those of the weighted law.
        strata: what is drawn; B and Cov add up over them.
        student: along the axes of the nodes.
        others: number of directions off the plane.

    References: {eq}`eq-logistic-covariance`, {eq}`eq-logistic-finite-size` in
    theory_notes/04_logistic.md.
    """
    covariance, perpendicular, turn = jnp.zeros((2, 2)), jnp.zeros(()), jnp.zeros(2)
    for stratum in strata:
        scatter = _scatter(stratum, objective, student, others)
        covariance += scatter[0]
        perpendicular += scatter[1]
        turn += scatter[2]
    nodes, missed = objective.nodes, sigmoid(-objective.margin(student))
    square = _quadratic(covariance, nodes.first, nodes.second)
    bend = nodes.mass * square + others * nodes.rest * perpendicular
    bend *= 0.5 * missed * (1.0 - missed) * (2.0 * missed - 1.0)
    drive = turn - jnp.stack([jnp.sum(bend * nodes.first), jnp.sum(bend * nodes.second)])
    return Fluctuation(covariance, perpendicular, solve(objective.hessian(student), drive))


def _scatter(
    stratum: Stratum, objective: Objective, student: Plane, others: Scalar
) -> tuple[Matrix, Scalar, Plane]:
    """A^-1 B A^-1 in the plane and off it, and Cov(hess, A^-1 psi), of one stratum."""
    hessian, across = objective.hessian(student), objective.perpendicular(student)
    nodes, share, counted = stratum
    total = jnp.sum(nodes.mass)
    mass, rest = nodes.mass / total, nodes.rest / total
    missed = sigmoid(-(student[0] * nodes.first + student[1] * nodes.second))
    pull, weight = -missed, missed * (1.0 - missed)
    first = pull * nodes.first + objective.penalty * student[0]
    second = pull * nodes.second + objective.penalty * student[1]
    mean = jnp.stack([jnp.sum(mass * first), jnp.sum(mass * second)])
    centre = mean if counted else jnp.zeros(2)
    scores = gram(mass, first, second) - jnp.outer(centre, centre)
    covariance = solve(hessian, solve(hessian, scores).T)
    perpendicular = jnp.sum(rest * pull**2) / across**2
    moved = solve(hessian, jnp.stack([first, second]) - centre[:, None])
    turn = mass * (nodes.first * moved[0] + nodes.second * moved[1])
    turn = weight * (turn + others * rest * pull / across)
    drive = jnp.stack([jnp.sum(turn * nodes.first), jnp.sum(turn * nodes.second)])
    # The penalty's part of the Hessian is random only with the number of samples.
    drive += 0.0 if counted else objective.penalty * solve(hessian, mean)
    return share * covariance, share * perpendicular, share * drive


def sampling_coefficient(second: Fluctuation, risk: RiskJet, others: Scalar) -> Scalar:
    """c in E[excess] = l + c/n + o(1/n) for samples that are i.i.d. in each stratum."""
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
