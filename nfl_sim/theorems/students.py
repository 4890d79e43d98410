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


def ridge(penalty: float) -> Student:
    """Least squares with penalty/2 |w|^2 beside half the mean square."""

    def fit(key: PRNGKeyArray, covariates: Covariates, labels: Labels) -> Predictor:
        count, dim = covariates.shape
        second = covariates.T @ covariates / count + penalty * jnp.eye(dim)
        weights = jnp.linalg.solve(second, covariates.T @ labels / count)
        return lambda fresh: fresh @ weights

    return fit


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
