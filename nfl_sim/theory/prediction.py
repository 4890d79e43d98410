"""What `predict` returns."""

import dataclasses
from typing import Any, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.problem import Problem, Regime, is_valid
from nfl_sim.validation import Scalar, in_domain


def _nan() -> Any:
    return eqx.field(default_factory=lambda: jnp.asarray(jnp.nan))


@final
class Prediction(eqx.Module):
    """The asymptotic student of a problem and its error; nan where a quantity has no meaning.

    Student components are in the teacher's frame: the teacher is e_1, the probe lies in the
    plane (e_1, e_2) on the side of e_2 given by its angle.

    Attributes:
        problem, regime: what was predicted.
        excess_risk: risk above the teacher's, in the model's own loss.
        excess_error, error, noisy_error: 0-1 error above the teacher's, before and after flips.
        parallel, orthogonal: components of the student along e_1 and e_2.
        norm: length of the student.
        probe_overlap: component of the student along the probe's direction.
        threshold: the score at which the rule cuts (nan for random pruning).
        finite_size: C in E[excess] = excess_risk + C/n + o(1/n), n counted before pruning.
        covariance: lim n Cov of the student along (e_1, e_2, any further direction).
        margin, training_loss, support_fraction, calibration_slope, calibration_error: where the
            learner or model has them.
        exists: whether a finite minimiser exists.
        numerical_error: estimated absolute numerical error of ``excess_risk``.
        converged: whether every solve met its tolerance; if not, the numbers are nan.
    """

    problem: Problem
    regime: Regime
    excess_risk: Scalar = _nan()
    excess_error: Scalar = _nan()
    error: Scalar = _nan()
    noisy_error: Scalar = _nan()
    parallel: Scalar = _nan()
    orthogonal: Scalar = _nan()
    norm: Scalar = _nan()
    probe_overlap: Scalar = _nan()
    threshold: Scalar = _nan()
    finite_size: Scalar = _nan()
    covariance: Float[Array, "3 3"] = eqx.field(default_factory=lambda: jnp.full((3, 3), jnp.nan))
    margin: Scalar = _nan()
    training_loss: Scalar = _nan()
    support_fraction: Scalar = _nan()
    calibration_slope: Scalar = _nan()
    calibration_error: Scalar = _nan()
    exists: Bool[Array, ""] = eqx.field(default_factory=lambda: jnp.asarray(True))
    numerical_error: Scalar = _nan()
    converged: Bool[Array, ""] = eqx.field(default_factory=lambda: jnp.asarray(True))


def nan_unless(converged: Bool[Array, ""], prediction: Prediction) -> Prediction:
    """``prediction`` with every number nan where a solve did not converge, or the input is bad."""
    valid = is_valid(prediction.problem, prediction.regime.dim) & in_domain(prediction.regime)
    converged = converged & valid
    kept = ("problem", "regime", "exists", "converged")
    names = [f.name for f in dataclasses.fields(Prediction) if f.name not in kept]
    blanked = {n: jnp.where(converged, getattr(prediction, n), jnp.nan) for n in names}
    return dataclasses.replace(prediction, **blanked, converged=converged)
