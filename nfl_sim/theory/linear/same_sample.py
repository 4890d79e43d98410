"""Least squares whose probe was fitted: the limit and its 1/n term at fixed dimension."""

import dataclasses
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.pruning import ExactCalibration, KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import (
    EL2N,
    GraNd,
    Influence,
    IteratedProbe,
    Loss,
    PointwiseScore,
    Probe,
    SameSampleProbe,
    Uncertainty,
)
from nfl_sim.theory.linear.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.linear.laws import kept_law, quadrature_refinement
from nfl_sim.theory.linear.node_moments import NodeMoments
from nfl_sim.theory.linear.student import linear_model, ridge_penalty
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.theory.same_sample import Response, diagonal_covariance
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

_EVEN = EL2N | GraNd | Influence | Loss | Uncertainty
_EVEN_FEATURES = {"loss", "norm", "probe_margin", "influence"}
_OF_THE_PROBE = {"probe_margin"}


def predict_fitted_probe(problem: Problem, regime: FixedDimension) -> Prediction:
    """The limit is that of the probe's own limit w0/(1 + penalty); the 1/n term knows the fit.

    The term is known without penalty, for random pruning, exact calibration and sharp rules whose
    score is even in the residual (EL2N, Loss, GraNd, Influence, Uncertainty, and scores of the
    user's own that see the loss, the margin and the length only); else it is nan.

    Raises:
        NoTheoryError: nothing is known of this kind of probe, of the learner or of the rule.

    References: {eq}`eq-probe-limit`, {eq}`eq-even-rule`, {eq}`eq-probe-family` in
    theory_notes/10_same_sample.md.
    """
    penalty, probe, rule = ridge_penalty(problem), problem.score.probe, problem.rule
    assert probe is not None
    if not isinstance(rule, KeepHardest | KeepEasiest | KeepRandom | ExactCalibration):
        raise NoTheoryError(f"no theory for {type(rule).__name__} with {type(probe).__name__}")
    plain = not is_traced(penalty) and float(penalty) == 0.0
    if isinstance(probe, IteratedProbe) and not plain:
        raise NoTheoryError("IteratedProbe is known without a penalty only")
    limit = at_limit(problem, penalty)
    found = predict_fixed_dimension(limit, regime)
    size, covariance = found.finite_size, found.covariance
    if not isinstance(rule, ExactCalibration):
        size, covariance = jnp.asarray(jnp.nan), jnp.full((3, 3), jnp.nan)
        if isinstance(rule, KeepRandom) or is_even(problem.score):
            dim, noise = regime.dim, linear_model(problem).noise_std ** 2
            variance = noise * respond(limit, dim, quadrature_refinement(limit)).variance(probe)
            covariance = diagonal_covariance(variance, dim)
            size = variance[0] + (dim - 1) * jnp.where(dim > 1, variance[1], 0.0)
    known = penalty == 0.0
    fields = {
        "problem": problem,
        "finite_size": jnp.where(known, size, jnp.nan),
        "covariance": jnp.where(known, covariance, jnp.nan),
    }
    return nan_unless(found.converged, dataclasses.replace(found, **fields))


@eqx.filter_jit
def respond(limit: Problem, dim: int, refinement: int) -> Response:
    """Of least squares, in units of the noise variance; ``limit`` has the perfect probe.

    T_0 = A^-1 S and T_p = 1 - T_0, with A = E[x x' 1{kept}] and S = E[xi^2 x x' 1{kept}].
    """
    law = kept_law(limit, jnp.zeros(()), dim, refinement=refinement)
    fraction = limit.rule.fraction
    family, noise = law.nested(), linear_model(limit).noise_std ** 2
    nodes = family.top(family.level(fraction))
    moments, _ = NodeMoments((nodes,), jnp.ones(()), dim).second()
    kept = jnp.diag(family.axes.T @ moments @ family.axes)
    oracle = jnp.diag(law.expand(fraction).fluctuation.covariance) / noise
    by_teacher = oracle * kept
    return Response(oracle, jnp.ones(2), by_teacher, 1.0 - by_teacher)


def require_residuals(
    problem: Problem, what: str, scores: tuple[type[PointwiseScore], ...] = (EL2N, Loss)
) -> Scalar:
    """The penalty of a problem that ranks by the residuals of its own least squares.

    Raises:
        NoTheoryError: the probe, the rule, the score or the learner is another.
    """
    penalty, probe, rule = ridge_penalty(problem), problem.score.probe, problem.rule
    names = ", ".join(cls.__name__ for cls in scores)
    refusals = {
        f"{type(probe).__name__}": not isinstance(probe, SameSampleProbe),
        f"{type(rule).__name__}": not isinstance(rule, KeepHardest | KeepEasiest | KeepRandom),
        f"{type(problem.score).__name__}": not isinstance(problem.score, scores),
        "a penalty": not is_traced(penalty) and float(penalty) != 0.0,
    }
    only = (
        "with a fitted probe only for KeepHardest, KeepEasiest and KeepRandom of "
        f"{names} with SameSampleProbe and Ridge(penalty=0)"
    )
    refuse(f"no {what} for", refusals, only)
    return penalty


def refuse(without: str, refusals: Mapping[str, bool], only: str) -> None:
    """Raise ``NoTheoryError`` with the name of the first that is refused, and what there is."""
    for name, refused in refusals.items():
        if refused:
            raise NoTheoryError(f"{without} {name}: {only}")


def at_limit(problem: Problem, penalty: Scalar) -> Problem:
    """The problem with the probe that the fitted one tends to."""
    signal, score = linear_model(problem).signal, problem.score
    if score.needs & _OF_THE_PROBE and not is_traced(signal) and float(signal) == 0.0:
        raise NoTheoryError(
            f"at signal 0 a fitted probe has no limiting direction, which "
            f"{type(score).__name__} asks for"
        )
    probe = Probe(jnp.zeros(()), signal / (1.0 + penalty))
    return eqx.tree_at(lambda p: p.score.probe, problem, probe)


def is_even(score: PointwiseScore) -> bool:
    """In the residual, whatever x and the probe are."""
    return isinstance(score, _EVEN) or score.sees <= _EVEN_FEATURES
