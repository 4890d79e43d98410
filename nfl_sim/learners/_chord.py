"""The minimiser of a penalised log-loss by steps that share a Hessian of single precision."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jax.nn import sigmoid
from jaxtyping import Array, Bool, Float, Int

from nfl_sim.learners._logistic_newton import Sample
from nfl_sim.validation import Scalar

_ROUNDING = 4.0 * 2.0**-23
_CLEAR = 20.0  # times what rounding may do to the Hessian, at least, must the penalty be
_SHRINKS = 0.05  # in 50 dimensions a new Hessian costs as much as five steps
_NEAR = 0.5  # in logits: the Hessian then changes by a factor exp(1/2) at the most
_LAST_STEP = 1e-13  # in logits
_SMALL = 1e-6  # relative to the largest logit
_SLOWEST = 0.2  # what is left of a slow direction while a faster one rules the steps
_TINY = 1e-30
_MOST_HESSIANS = 8
_DESCENTS = 6  # in 50 dimensions they cost less than a Hessian


class Approach(NamedTuple):
    """The minimiser, to rounding, if it is settled; a place to start from if not."""

    weights: Float[Array, " d"]
    settled: Bool[Array, ""]
    hessians: Int[Array, ""]


class _Chords(NamedTuple):
    """Steps with one Hessian: the last two in logits, and all of them together."""

    weights: Float[Array, " d"]
    logits: Float[Array, " m"]
    reach: Scalar
    before: Scalar
    drift: Scalar

    @property
    def is_last(self) -> Bool[Array, ""]:
        """Whether the next step would be negligible, if it shrinks as this one did, or by 1/5."""
        shrinks = jnp.where(jnp.isfinite(self.before), self.reach / self.before, 1.0)
        size = jnp.minimum(jnp.max(jnp.abs(self.logits)), 1.0)
        negligible = self.reach * jnp.clip(shrinks, _SLOWEST, 1.0) <= _LAST_STEP
        return negligible & (self.reach <= _SMALL * size)


def approach(sample: Sample) -> Approach:
    """Undamped steps, whose gradient alone is of double precision, from where descent has led.

    A Hessian serves as long as each step is much shorter than the one before. With H between
    exp(-1/2) and exp(1/2) times that of the last steps, which rounding alters by a twentieth of
    the penalty at the most, each step leaves less of the distance than is there; they end where
    the next would be negligible. Where the penalty is too small for that, or the steps do not
    shrink, nothing is settled.
    """
    single = sample.rows.astype(jnp.float32)
    blur = _blur(sample)
    clear = sample.penalty >= _CLEAR * blur

    def unfinished(state: Approach) -> Bool[Array, ""]:
        return clear & ~state.settled & (state.hessians < _MOST_HESSIANS)

    def advance(state: Approach) -> Approach:
        logits = sample.rows @ state.weights
        factor = _factor(sample, single, logits, blur)
        last = _steps(sample, factor, state.weights, logits)
        settled = last.is_last & (last.drift <= _NEAR)
        return Approach(last.weights, settled, state.hessians + 1)

    start = Approach(_descend(sample, single), jnp.asarray(False), jnp.asarray(0))
    last = jax.lax.while_loop(unfinished, advance, start)
    return last._replace(weights=jnp.where(last.settled, last.weights, 0.0))


def _descend(sample: Sample, single: Float[Array, "m d"]) -> Float[Array, " d"]:
    """Conjugate gradients from 0, in single precision.

    Each step minimises the majorant of the objective along its direction whose curvature is that
    of logits 0, and so descends.
    """
    shares, penalty = sample.shares.astype(jnp.float32), sample.penalty.astype(jnp.float32)
    rounded = Sample(single, shares, penalty)

    def advance(_, state):
        weights, logits, down, direction = state
        moved = single @ direction
        bend = 0.25 * jnp.sum(shares * moved**2) + penalty * jnp.sum(direction**2)
        length = jnp.sum(down * direction) / jnp.maximum(bend, _TINY)
        weights, logits = weights + length * direction, logits + length * moved
        new = -rounded.slope(weights, logits)
        turn = jnp.sum(new * (new - down)) / jnp.maximum(jnp.sum(down**2), _TINY)
        return weights, logits, new, new + jnp.maximum(turn, 0.0) * direction

    count, dim = single.shape
    weights, logits = jnp.zeros(dim, jnp.float32), jnp.zeros(count, jnp.float32)
    down = -rounded.slope(weights, logits)
    last = jax.lax.fori_loop(0, _DESCENTS, advance, (weights, logits, down, down))
    return last[0].astype(jnp.float64)


def _blur(sample: Sample) -> Scalar:
    """What single precision may do to the Hessian, whose trace is largest where logits are 0."""
    count, dim = sample.rows.shape
    trace = 0.25 * jnp.sum(sample.shares @ sample.rows**2) + dim * sample.penalty
    return _ROUNDING * (dim + count**0.5) * trace


def _factor(
    sample: Sample, single: Float[Array, "m d"], logits: Float[Array, " m"], blur: Scalar
) -> Float[Array, "d d"]:
    chance = sigmoid(logits)
    curvature = (sample.shares * chance * (1.0 - chance)).astype(jnp.float32)
    unit = jnp.eye(single.shape[1], dtype=jnp.float32)
    diagonal = (sample.penalty + blur).astype(jnp.float32) * unit
    return jnp.linalg.cholesky((curvature[:, None] * single).T @ single + diagonal)


def _steps(
    sample: Sample,
    factor: Float[Array, "d d"],
    start: Float[Array, " d"],
    logits: Float[Array, " m"],
) -> _Chords:
    def shrinking(state: _Chords) -> Bool[Array, ""]:
        return ~state.is_last & (state.reach <= _SHRINKS * state.before)

    def advance(state: _Chords) -> _Chords:
        slope = sample.slope(state.weights, state.logits).astype(jnp.float32)
        step = -jsl.cho_solve((factor, True), slope).astype(jnp.float64)
        moved = sample.rows @ step
        reach = jnp.max(jnp.abs(moved))
        weights, logits = state.weights + step, state.logits + moved
        return _Chords(weights, logits, reach, state.reach, state.drift + reach)

    far = jnp.asarray(jnp.inf)
    return jax.lax.while_loop(shrinking, advance, _Chords(start, logits, far, far, jnp.zeros(())))
