"""Newton's method for the weighted log-loss, and the proofs that end it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jax.nn import sigmoid, softplus
from jaxtyping import Array, Bool, Float, Int

from nfl_sim.learners._signed import ROUNDING, separates
from nfl_sim.validation import Scalar

SMALL_STEP = 1e-5  # in logits; that step and one more leave less than rounding does
_MOST_STEPS = 100
_SUFFICIENT = 0.1
_TINY = 1e-300
_WELL_POSED = 0.01
_CONTRACTION = 0.15  # 1/(2e), less what rounding may add


class Sample(NamedTuple):
    """The data of the objective: rows y x (0 if they do not count) and shares omega/sum(omega)."""

    rows: Float[Array, "m d"]
    shares: Float[Array, " m"]
    penalty: Scalar

    @classmethod
    def of(cls, covariates, labels, weights, penalty) -> "Sample":
        signed = labels.astype(jnp.float64)[:, None] * covariates.astype(jnp.float64)
        weights = weights.astype(jnp.float64)
        rows = jnp.where(weights[:, None] > 0.0, signed, 0.0)
        return cls(rows, weights / jnp.sum(weights), penalty)

    def objective(self, weights: Float[Array, " d"]) -> Scalar:
        loss = self.shares @ softplus(-(self.rows @ weights))
        return loss + 0.5 * self.penalty * jnp.sum(weights**2)

    def slope(self, weights: Float[Array, " d"], logits: Float[Array, " m"]) -> Float[Array, " d"]:
        """Gradient of the objective, given the ``logits`` rows @ weights."""
        residuals = self.shares * sigmoid(-logits)
        return self.penalty * weights - residuals @ self.rows

    def is_separated_by(self, weights: Float[Array, " d"]) -> Bool[Array, ""]:
        """Whether every row lies on the positive side, beyond what rounding may feign."""
        return separates(weights, self.rows, self.shares != 0.0)


class Local(NamedTuple):
    """Newton's model of the objective at a point, a trifle ``ridge`` added to the Hessian."""

    gradient: Float[Array, " d"]
    factor: Float[Array, "d d"]
    ridge: Scalar
    step: Float[Array, " d"]


class State(NamedTuple):
    """Where the iteration is; ``reach`` is the largest change of a logit in the last step."""

    weights: Float[Array, " d"]
    reach: Scalar
    separated: Bool[Array, ""]
    steps: Int[Array, ""]


def minimise(sample: Sample, start: Float[Array, " d"]) -> State:
    """Newton's method, until a step is small or, without a penalty, the rows are separated."""

    def unfinished(state):
        return (state.reach > SMALL_STEP) & ~state.separated & (state.steps < _MOST_STEPS)

    def advance(state):
        local = expand(sample, state.weights)
        reach = jnp.max(jnp.abs(sample.rows @ local.step))
        weights = state.weights + _length(sample, state.weights, local, reach) * local.step
        separated = (sample.penalty == 0.0) & sample.is_separated_by(weights)
        return State(weights, reach, separated, state.steps + 1)

    far, not_yet = jnp.asarray(jnp.inf), jnp.asarray(False)
    return jax.lax.while_loop(unfinished, advance, State(start, far, not_yet, jnp.asarray(0)))


def gradient(sample: Sample, weights: Float[Array, " d"]) -> Float[Array, " d"]:
    """Of the objective."""
    return sample.slope(weights, sample.rows @ weights)


def expand(sample: Sample, weights: Float[Array, " d"]) -> Local:
    margins = sample.rows @ weights
    slope = gradient(sample, weights)
    curved = (sample.shares * sigmoid(-margins) * sigmoid(margins))[:, None] * sample.rows
    hessian = curved.T @ sample.rows + sample.penalty * jnp.eye(len(weights))
    ridge = jax.lax.stop_gradient(ROUNDING * len(weights) * jnp.trace(hessian))
    factor = jnp.linalg.cholesky(hessian + ridge * jnp.eye(len(weights)))
    return Local(slope, factor, ridge, -jsl.cho_solve((factor, True), slope))


def _length(sample: Sample, weights: Float[Array, " d"], local: Local, reach: Scalar) -> Scalar:
    """The first of 1, 1/2, 1/4, ... of the step that descends as it should (Armijo).

    At least log(1 + t)/t, t = ``reach``, which always descends: where no logit moves by more than
    s, the Hessian grows by a factor exp(s) at the most, and this length minimises the bound.
    """
    least = jnp.log1p(reach) / jnp.maximum(reach, _TINY)
    slope = _SUFFICIENT * jnp.sum(local.gradient * local.step)
    start = sample.objective(weights)

    def too_long(length):
        value = sample.objective(weights + length * local.step)
        return (length > least) & ~(value <= start + length * slope)

    longest = jax.lax.while_loop(too_long, lambda length: 0.5 * length, jnp.ones(()))
    return jnp.maximum(longest, least)


def holds_minimiser(sample: Sample, local: Local) -> Bool[Array, ""]:
    """Whether a neighbourhood provably holds a minimiser.

    With the decrement D = |gradient| and K = max |row| in the norm of the inverse Hessian, no
    logit moves by more than 1 within the ellipsoid of radius 1/K, so that the Hessian shrinks by
    1/e there at the most; if D K < 1/(2e), the objective is larger all over its surface than at
    its centre.
    """
    inverse = jsl.cho_solve((local.factor, True), jnp.eye(len(local.gradient)))
    decrement = -jnp.sum(local.gradient * local.step)
    largest = jnp.max(jnp.sum((sample.rows @ inverse) * sample.rows, axis=1))
    well_posed = local.ridge * jnp.trace(inverse) <= _WELL_POSED
    return well_posed & (decrement * largest <= _CONTRACTION**2)
