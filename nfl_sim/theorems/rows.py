"""Samples of a problem with their gradients at the best student: the raw material of a check."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.special import expit

from nfl_sim.models import Linear, Logistic, Model
from nfl_sim.problem import Problem
from nfl_sim.simulation import score
from nfl_sim.theorems.misspecified import Cubic
from nfl_sim.theory import Prediction
from nfl_sim.validation import Scalar

_BATCHES = 100


class Rows(NamedTuple):
    """n samples, all in float64; the plane is that of teacher and probe.

    Args:
        plane: covariates in the plane, shape (n, 2).
        density: pi omega of each, shape (n,).
        gradients: of the reported loss at the best student, in the plane, shape (n, 2).
        energy: |gradient of the training loss|^2 in all dimensions, in the metric of the inverse
            Hessian of the risk, shape (n,).
        scores: shape (n,).
        labels: shape (n,).
    """

    plane: Float[np.ndarray, "n 2"]
    density: Float[np.ndarray, " n"]
    gradients: Float[np.ndarray, "n 2"]
    energy: Float[np.ndarray, " n"]
    scores: Float[np.ndarray, " n"]
    labels: Float[np.ndarray, " n"]

    def batches(self) -> "list[Rows]":
        """The rows in 100 parts, from which standard errors are told."""
        parts = [np.array_split(column, _BATCHES) for column in self]
        return [Rows(*part) for part in zip(*parts, strict=True)]

    @property
    def push(self) -> Float[np.ndarray, " 2"]:
        """b = E_nu grad l(w*): where training is pushed at the best student."""
        return self.density @ self.gradients / np.sum(self.density)


def best_student(model: Model) -> Float[np.ndarray, " 2"]:
    """w*, in the plane.

    Raises:
        ValueError: the model has no convex loss.
    """
    if isinstance(model, Linear | Cubic):
        return np.array([float(model.signal), 0.0])
    if isinstance(model, Logistic):
        return np.array([float(model.best_norm), 0.0])
    raise ValueError(f"{type(model).__name__} has no convex loss, and so no w*")


def draw(key: PRNGKeyArray, problem: Problem, dim: int, prediction: Prediction, count: int) -> Rows:
    """Samples of a problem, with what its rule does to each at the predicted level.

    Args:
        key: of the draw.
        problem: of Linear, Logistic or Cubic.
        dim: of the covariates, >= 2.
        prediction: of the problem, which knows the level of the score.
        count: how many.

    Raises:
        ValueError: the score of a sample is nan.
    """
    level = jnp.nan_to_num(prediction.threshold)  # a rule without one does not look at it
    rows = unpruned(key, problem, dim, count)
    scores = jnp.asarray(rows.scores)
    density = problem.rule.inclusion(scores, level) * problem.rule.weight(scores, level)
    return rows._replace(density=np.asarray(density))


def unpruned(key: PRNGKeyArray, problem: Problem, dim: int, count: int) -> Rows:
    """Samples of a problem, all with the density 1; see `draw`."""
    model = problem.model
    sample_key, score_key = jax.random.split(key)
    covariates, labels = model.sample(sample_key, count, dim, jnp.float64)
    scores = score(score_key, problem, covariates, labels)
    if bool(jnp.any(jnp.isnan(scores))):
        raise ValueError(f"the score {type(problem.score).__name__} is nan on some samples")
    best = jnp.asarray(best_student(model))
    residual = model.residual(covariates[:, :2] @ best, labels)
    energy = _energy(model, residual, covariates, best[0])
    gradients = -loss_factor(model) * residual[:, None] * covariates[:, :2]
    columns = (covariates[:, :2], jnp.ones(count), gradients, energy, scores, labels)
    return Rows(*(np.asarray(column) for column in columns))


def losses(model: Model, rows: Rows, student: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " n"]:
    """The reported loss of a student in the plane on each sample."""
    margin = jnp.asarray(rows.plane @ student)
    return loss_factor(model) * np.asarray(model.loss(margin, jnp.asarray(rows.labels)))


def loss_factor(model: Model) -> float:
    """The reported loss over the training loss: the reported square loss is not halved."""
    return 2.0 if isinstance(model, Linear | Cubic) else 1.0


def hessian(model: Model, rows: Rows, student: Float[np.ndarray, " 2"]) -> Float[np.ndarray, "2 2"]:
    """Of the reported loss under the kept law at a student, in the plane."""
    curvature = np.full(len(rows.density), loss_factor(model))
    if isinstance(model, Logistic):
        margin = rows.plane @ student
        curvature = expit(margin) * expit(-margin)
    weighted = (rows.density * curvature)[:, None] * rows.plane
    return weighted.T @ rows.plane / np.sum(rows.density)


def risk_curvatures(model: Model, student: Float[np.ndarray, " 2"]) -> tuple[float, float]:
    """Least and largest eigenvalue of the Hessian of the risk at a student."""
    if not isinstance(model, Logistic):
        return loss_factor(model), loss_factor(model)
    pair = model.curvatures(jnp.asarray(np.linalg.norm(student)))
    values = [float(value) for value in pair]
    return min(values), max(values)


def _energy(
    model: Model, residual: Float[Array, " n"], covariates: Float[Array, "n d"], length: Scalar
) -> Float[Array, " n"]:
    along, total = covariates[:, 0] ** 2, jnp.sum(covariates**2, axis=1)
    if isinstance(model, Logistic):
        first, second = model.curvatures(length)
        return residual**2 * (along / first + (total - along) / second)
    return residual**2 * total
