"""Logistic regression whose probe was fitted: the limit, its covariance, its direction."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import sigmoid

from nfl_sim.models import Logistic
from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.pruning import ExactCalibration, KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, IteratedProbe, Loss, Margin, Probe
from nfl_sim.theory.logistic.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.logistic.laws import kept_law, logistic_model, quadrature_refinement
from nfl_sim.theory.logistic.solution import logistic_penalty, solve_law
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.same_sample import Response, diagonal_covariance
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

_LABEL_FREE = {"probe_margin", "norm"}


def predict_fitted_probe(problem: Problem, regime: FixedDimension) -> Prediction:
    """The limit is that of a probe at the minimiser on all rows; the covariance knows the fit.

    The covariance is known without penalty and flips, and so is ``finite_size`` where the limit is
    the teacher: label-free scores, random pruning, exact calibration. Elsewhere the log-loss has a
    gradient at the limit, so that its 1/n term asks for the bias of the student: nan.

    Raises:
        NoTheoryError: nothing is known of this kind of probe, of the learner or of the rule.

    References: {eq}`eq-probe-limit`, {eq}`eq-logistic-response`, {eq}`eq-logistic-same` in
    theory_notes/10_same_sample.md.
    """
    penalty, probe, rule = logistic_penalty(problem), problem.score.probe, problem.rule
    assert probe is not None
    if not isinstance(rule, KeepHardest | KeepEasiest | KeepRandom | ExactCalibration):
        raise NoTheoryError(f"no theory for {type(rule).__name__} with {type(probe).__name__}")
    if isinstance(probe, IteratedProbe) and probe.rounds > 1:
        raise NoTheoryError("no theory for IteratedProbe of more than one round on Logistic")
    limit = _at_limit(problem, regime, penalty)
    found = predict_fixed_dimension(limit, regime)
    size, covariance = found.finite_size, found.covariance
    free = isinstance(rule, KeepRandom | ExactCalibration) or problem.score.sees <= _LABEL_FREE
    if not free:
        oracle = jnp.diag(covariance)[:2]
        response = respond(limit, regime.dim, quadrature_refinement(limit), oracle)
        size = jnp.asarray(jnp.nan)
        covariance = diagonal_covariance(response.variance(probe), regime.dim)
    known = (penalty == 0.0) & (logistic_model(problem).flip_probability == 0.0)
    fields = {
        "problem": problem,
        "finite_size": jnp.where(known, size, jnp.nan),
        "covariance": jnp.where(known & found.exists, covariance, jnp.nan),
    }
    return nan_unless(found.converged, dataclasses.replace(found, **fields))


@eqx.filter_jit
def respond(limit: Problem, dim: int, refinement: int, oracle: jax.Array) -> Response:
    """Of unpenalised logistic regression; ``limit`` has the teacher as its probe.

    Across the teacher T_0 = S / H, S = E[psi psi_0 1{kept}], and T_0 + T_p = c / beta: turning
    teacher and probe together turns the student. Along it T_p is the derivative in the norm of the
    probe, 0 where the norm ranks nothing.
    """
    model, fraction = logistic_model(limit), limit.rule.fraction

    def along(norm: Scalar) -> Scalar:
        moved = eqx.tree_at(lambda p: p.score.probe.norm, limit, norm)
        return solve_law(kept_law(moved, dim).law, fraction, jnp.zeros(()), refinement).weights[0]

    norm = limit.score.probe.norm  # pyright: ignore
    law = kept_law(limit, dim).law
    solution = solve_law(law, fraction, jnp.zeros(()), refinement)
    nodes, student = solution.objective.nodes, solution.weights[0]
    place = law.axes[0, 0] * nodes.first
    missed, known = sigmoid(-student * place), sigmoid(-model.signal * place)
    curvature = missed * (1.0 - missed)
    across = jnp.sum(nodes.mass * nodes.second**2 * missed * known)
    across /= jnp.sum(nodes.mass * nodes.second**2 * curvature)
    hessian = jnp.sum(nodes.mass * place**2 * curvature)
    slope = (solution.motion.slope @ law.axes)[0]
    at_threshold = -hessian * slope  # E[psi | threshold], as w' = -m / H
    pull = -missed * place - at_threshold
    parallel = jnp.sum(nodes.mass * pull * -known * place) / hessian
    moves = jnp.zeros(())
    if not isinstance(limit.score, EL2N | Loss | Margin):
        moves = jax.jvp(along, (norm,), (jnp.ones_like(norm),))[1]
    return Response(
        oracle=oracle,
        full=1.0 / jnp.stack(model.curvatures(model.signal)),
        by_teacher=jnp.stack([parallel, across]),
        by_probe=jnp.stack([moves, student / model.signal - across]),
    )


def direction_coefficient(prediction: Prediction) -> Scalar:
    """c in E[excess_error] = excess_error + c/n + o(1/n) of a student in the teacher's direction.

    c = beta phi(0) (d - 1) V / (4 w^2), with V the variance across the teacher, w the student.

    Args:
        prediction: of the model Logistic at fixed dimension, with a ``covariance``, whose student
            is along the teacher; nan where it is against it or across it.

    Raises:
        NoTheoryError: another model or regime.

    References: {eq}`eq-direction-coefficient` in theory_notes/10_same_sample.md.
    """
    model, regime = prediction.problem.model, prediction.regime
    if not isinstance(model, Logistic) or not isinstance(regime, FixedDimension):
        raise NoTheoryError(
            "a direction coefficient is known for Logistic in FixedDimension, got "
            f"{type(model).__name__} in {type(regime).__name__}"
        )
    if regime.dim == 1:
        return jnp.zeros(())
    straight = (jnp.abs(prediction.orthogonal) <= 1e-9) & (prediction.parallel > 0.0)
    angle = prediction.covariance[1, 1] / prediction.parallel**2
    scale = model.signal * (regime.dim - 1) / (4.0 * math.sqrt(2.0 * math.pi))
    return jnp.where(straight, scale * angle, jnp.nan)


def _at_limit(problem: Problem, regime: FixedDimension, penalty: Scalar) -> Problem:
    """The problem with the probe that the fitted one tends to."""
    model = logistic_model(problem)
    if not is_traced(model.signal) and float(model.signal) == 0.0:
        raise NoTheoryError("at signal 0 a fitted probe has no limiting direction")
    norm = model.best_norm
    if is_traced(penalty) or float(penalty) != 0.0:
        whole = Problem(model, problem.score, KeepRandom(jnp.ones(())), problem.learner)
        whole = eqx.tree_at(lambda p: p.score.probe, whole, Probe(jnp.zeros(()), norm))
        norm = predict_fixed_dimension(whole, regime).parallel
    return eqx.tree_at(lambda p: p.score.probe, problem, Probe(jnp.zeros(()), norm))
