"""Learners that T4 is tried on: each fits kept samples and returns a predictor."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

Covariates = Float[Array, "m d"]
Labels = Float[Array, " m"]
Predictor = Callable[[Covariates], Labels]
Student = Callable[[PRNGKeyArray, Covariates, Labels], Predictor]

_WIDTH, _STEPS, _RATE = 32, 300, 0.02
_NEWTON, _DAMPING = 40, 0.5


def ridge(penalty: float) -> Student:
    """Least squares with penalty/2 |w|^2 beside half the mean square."""

    def fit(key: PRNGKeyArray, covariates: Covariates, labels: Labels) -> Predictor:
        count, dim = covariates.shape
        second = covariates.T @ covariates / count + penalty * jnp.eye(dim)
        weights = jnp.linalg.solve(second, covariates.T @ labels / count)
        return lambda fresh: fresh @ weights

    return fit


def logistic(penalty: float) -> Student:
    """Logistic regression with penalty/2 |w|^2 beside the mean log-loss, by Newton's method."""

    def fit(key: PRNGKeyArray, covariates: Covariates, labels: Labels) -> Predictor:
        count, dim = covariates.shape

        def step(weights: Float[Array, " d"], _: None) -> tuple[Float[Array, " d"], None]:
            pull = labels * jax.nn.sigmoid(-labels * (covariates @ weights))
            chance = jax.nn.sigmoid(covariates @ weights)
            # A quarter bounds the curvature; half of it damps the steps.
            curvature = (1.0 - _DAMPING) * chance * (1.0 - chance) + _DAMPING * 0.25
            second = (curvature[:, None] * covariates).T @ covariates / count
            slope = covariates.T @ pull / count - penalty * weights
            return weights + jnp.linalg.solve(second + penalty * jnp.eye(dim), slope), None

        weights, _ = jax.lax.scan(step, jnp.zeros(dim, covariates.dtype), length=_NEWTON)
        return lambda fresh: fresh @ weights

    return fit


def log_odds(key: PRNGKeyArray, covariates: Covariates, labels: Labels) -> Predictor:
    """The logit of the share of labels 1, with one of each sign added."""
    total, mean = labels.shape[0] + 2.0, jnp.sum(labels)
    logit = jnp.log((total + mean) / (total - mean))
    return lambda fresh: jnp.full(fresh.shape[0], logit)


def constant(key: PRNGKeyArray, covariates: Covariates, labels: Labels) -> Predictor:
    """The mean label."""
    mean = jnp.mean(labels)
    return lambda fresh: jnp.full(fresh.shape[0], mean)


def random_features(key: PRNGKeyArray, covariates: Covariates, labels: Labels) -> Predictor:
    """Ridge regression on random rectified features, and on the covariates themselves."""
    dim = covariates.shape[1]
    directions = jax.random.normal(key, (dim, _WIDTH), covariates.dtype)

    def features(some: Covariates) -> Float[Array, "m p"]:
        return jnp.concatenate([some, jnp.maximum(some @ directions, 0.0)], axis=1)

    fitted = ridge(1e-3)(key, features(covariates), labels)
    return lambda fresh: fitted(features(fresh))


def network(key: PRNGKeyArray, covariates: Covariates, labels: Labels) -> Predictor:
    """A small network of one hidden layer, trained by Adam on the square loss."""
    first, second = jax.random.split(key)
    dim, dtype = covariates.shape[1], covariates.dtype
    start = {
        "into": jax.random.normal(first, (dim, _WIDTH), dtype) / jnp.sqrt(float(dim)),
        "bias": jnp.zeros((1, _WIDTH), dtype),
        "out": jax.random.normal(second, (_WIDTH,), dtype) / jnp.sqrt(float(_WIDTH)),
    }
    optimiser = optax.adam(_RATE)

    def predict(weights: Mapping[str, Array], some: Covariates) -> Labels:
        return jnp.tanh(some @ weights["into"] + weights["bias"]) @ weights["out"]

    def loss(weights: Mapping[str, Array]) -> Float[Array, ""]:
        return jnp.mean((predict(weights, covariates) - labels) ** 2)

    def step(state: tuple, _: None) -> tuple[tuple, None]:
        weights, moments = state
        updates, moments = optimiser.update(jax.grad(loss)(weights), moments)
        return (optax.apply_updates(weights, updates), moments), None

    with jax.numpy_dtype_promotion("standard"):  # the optimiser counts its steps in integers
        (trained, _), _ = jax.lax.scan(step, (start, optimiser.init(start)), length=_STEPS)
    return lambda fresh: predict(trained, fresh)


STUDENTS: Mapping[str, Student] = {
    "least squares": ridge(0.0),
    "ridge 0.1": ridge(0.1),
    "ridge 1": ridge(1.0),
    "random features": random_features,
    "network": network,
    "constant": constant,
}
# The predictions are logits here, whatever loss they were trained with.
SIGNED_STUDENTS: Mapping[str, Student] = {
    "logistic 0.001": logistic(0.001),
    "logistic 0.1": logistic(0.1),
    "least squares": ridge(0.0),
    "random features": random_features,
    "network": network,
    "log-odds": log_odds,
}
