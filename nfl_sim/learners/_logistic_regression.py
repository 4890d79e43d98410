"""Logistic regression, with or without a ridge penalty."""

from typing import ClassVar, NamedTuple, final

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jax.nn import sigmoid, softplus
from jaxtyping import Array, Bool, Float, Int

from nfl_sim.learners._base import Fit, Learner
from nfl_sim.validation import Scalar, scalar_field

_MOST_STEPS = 100
_SMALL_STEP = 1e-5  # in logits; that step and one more leave less than rounding does
_SUFFICIENT = 0.1
_ROUNDING = 4.0 * 2.0**-52  # times d: of a product of d terms, or of a factorisation
_WELL_POSED = 0.01
_CONTRACTION = 0.15  # 1/(2e), less what rounding may add


@final
class LogisticRegression(Learner):
    """Minimise sum(omega log(1 + exp(-y w.x))) / sum(omega) + (penalty / 2) |w|^2, y = +-1.

    Newton's method in float64. At penalty 0 it ends with a proof of what it says: a direction that
    separates the classes, so that no finite minimiser exists, or a neighbourhood that holds one.
    Failing both, as where rows do not span R^d, it is undecided.

    Args:
        penalty: lambda >= 0.

    Raises:
        ValueError: the penalty is not a finite scalar >= 0, or float64 is off.

    References: {eq}`eq-logistic-risk` in theory_notes/04_logistic.md.
    """

    binary: ClassVar[bool] = True
    penalty: Scalar = scalar_field("penalty", low=0.0)

    def fit(
        self,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
        *,
        underdetermined: bool | None = None,
    ) -> Fit:
        """The minimiser, to rounding; differentiable in the penalty and the data."""
        sample = _Sample.of(covariates, labels, weights, self.penalty)
        found = _minimise(jax.lax.stop_gradient(sample))
        local = _expand(sample, found.weights)
        separable = found.separated & (self.penalty == 0.0)
        proven = (self.penalty > 0.0) | _holds_minimiser(sample, jax.lax.stop_gradient(local))
        solved = proven & (found.reach <= _SMALL_STEP) & (self.penalty >= 0.0)
        student = jnp.where(solved & ~separable, found.weights + local.step, jnp.nan)
        return Fit(student, exists=~separable, converged=solved | separable)

    def training_loss(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Float[Array, ""]:
        """Weighted mean of log(1 + exp(-y w.x)) over the training rows, in float64."""
        sample = _Sample.of(covariates, labels, weights, jnp.zeros(()))
        return sample.objective(student)


class _Sample(NamedTuple):
    """The data of the objective: rows y x (0 if they do not count) and shares omega/sum(omega)."""

    rows: Float[Array, "m d"]
    shares: Float[Array, " m"]
    penalty: Scalar

    @classmethod
    def of(cls, covariates, labels, weights, penalty) -> "_Sample":
        signed = labels.astype(jnp.float64)[:, None] * covariates.astype(jnp.float64)
        weights = weights.astype(jnp.float64)
        rows = jnp.where(weights[:, None] > 0.0, signed, 0.0)
        return cls(rows, weights / jnp.sum(weights), penalty)

    def objective(self, weights: Float[Array, " d"]) -> Scalar:
        loss = self.shares @ softplus(-(self.rows @ weights))
        return loss + 0.5 * self.penalty * jnp.sum(weights**2)

    def is_separated_by(self, weights: Float[Array, " d"]) -> Bool[Array, ""]:
        """Whether every row lies on the positive side, beyond what rounding may feign."""
        slack = _ROUNDING * self.rows.shape[1] * jnp.linalg.norm(weights)
        clear = self.rows @ weights > slack * jnp.linalg.norm(self.rows, axis=1)
        return jnp.all(clear | (self.shares == 0.0))


class _Local(NamedTuple):
    """Newton's model of the objective at a point, a trifle ``ridge`` added to the Hessian."""

    gradient: Float[Array, " d"]
    factor: Float[Array, "d d"]
    ridge: Scalar
    step: Float[Array, " d"]


class _State(NamedTuple):
    """Where the iteration is; ``reach`` is the largest change of a logit in the last step."""

    weights: Float[Array, " d"]
    reach: Scalar
    separated: Bool[Array, ""]
    steps: Int[Array, ""]


def _minimise(sample: _Sample) -> _State:
    """Newton's method, until a step is small or, without a penalty, the rows are separated."""

    def unfinished(state):
        return (state.reach > _SMALL_STEP) & ~state.separated & (state.steps < _MOST_STEPS)

    def advance(state):
        local = _expand(sample, state.weights)
        reach = jnp.max(jnp.abs(sample.rows @ local.step))
        weights = state.weights + _length(sample, state.weights, local, reach) * local.step
        separated = (sample.penalty == 0.0) & sample.is_separated_by(weights)
        return _State(weights, reach, separated, state.steps + 1)

    start = jnp.zeros(sample.rows.shape[1])
    return jax.lax.while_loop(
        unfinished, advance, _State(start, jnp.asarray(jnp.inf), jnp.asarray(False), jnp.asarray(0))
    )


def _expand(sample: _Sample, weights: Float[Array, " d"]) -> _Local:
    margins = sample.rows @ weights
    residuals = sample.shares * sigmoid(-margins)
    gradient = sample.penalty * weights - residuals @ sample.rows
    curved = (residuals * sigmoid(margins))[:, None] * sample.rows
    hessian = curved.T @ sample.rows + sample.penalty * jnp.eye(len(weights))
    ridge = jax.lax.stop_gradient(_ROUNDING * len(weights) * jnp.trace(hessian))
    factor = jnp.linalg.cholesky(hessian + ridge * jnp.eye(len(weights)))
    return _Local(gradient, factor, ridge, -jsl.cho_solve((factor, True), gradient))


def _length(sample: _Sample, weights: Float[Array, " d"], local: _Local, reach: Scalar) -> Scalar:
    """The first of 1, 1/2, 1/4, ... of the step that descends as it should (Armijo).

    It is at least log(1 + t)/t, t = ``reach``: where no logit moves by more than s, the Hessian
    grows by a factor exp(s) at the most, and this length minimises the bound that follows.
    """
    least = jnp.log1p(reach) / reach
    slope = _SUFFICIENT * jnp.sum(local.gradient * local.step)
    start = sample.objective(weights)

    def too_long(length):
        value = sample.objective(weights + length * local.step)
        return (length > least) & ~(value <= start + length * slope)

    return jax.lax.while_loop(too_long, lambda length: 0.5 * length, jnp.ones(()))


def _holds_minimiser(sample: _Sample, local: _Local) -> Bool[Array, ""]:
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
