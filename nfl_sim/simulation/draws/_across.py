"""What a sample with a given signed margin holds across the probe."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import log_sigmoid, sigmoid
from jax.scipy.special import erfinv, ndtri
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from nfl_sim.gaussian import bisect, cdf
from nfl_sim.models import Logistic, Model, Perceptron
from nfl_sim.validation import Scalar

Values = Float[Array, " m"]
_BISECTIONS = 50
_LOWEST = 2.0**-25  # of single chances, so that their quantiles are finite
_ROOT_TWO = float(np.sqrt(2.0))
_SMALLEST = 1e-300


class Tangents(NamedTuple):
    """Tangents of log sigma(t), from above: height + slope t, for labels as they are and flipped.

    Args:
        slopes, heights: at the place of a sample, shape (2, k).
    """

    slopes: Float[Array, "2 k"]
    heights: Float[Array, "2 k"]


def tangents_at_modes(level: Values, reach: Scalar) -> Tangents:
    """Where phi(v) sigma(t), t = level + reach v, is largest: t = level + reach^2 sigma(-t)."""
    levels = jnp.stack([level, -level])

    def is_left(logit: Float[Array, "2 k"]) -> Bool[Array, "2 k"]:
        return logit < levels + reach**2 * sigmoid(-logit)

    low, high = bisect(is_left, levels, levels + reach**2, steps=_BISECTIONS)
    mode = 0.5 * (low + high)
    slopes = sigmoid(-mode)
    return Tangents(slopes, -jnp.logaddexp(0.0, -mode) - slopes * mode)


def across_given(
    key: PRNGKeyArray,
    model: Model,
    tangents: Tangents | None,
    along: Values,
    cosine: Scalar,
    sine: Scalar,
) -> Values:
    """Draw v given z, where the agreeing x = z u + v u' has x_1 = cosine z + sine v.

    Its density is phi(v) P(y = 1 | x_1) up to a factor.

    Args:
        key: of the draws.
        model: `Logistic` or `Perceptron`.
        tangents: of each sample, for `Logistic`.
        along: z of each sample.
        cosine, sine: of the angle from u to the teacher.

    References: {eq}`eq-draw-across` in theory_notes/12_fast_draws.md.
    """
    if isinstance(model, Logistic):
        assert tangents is not None
        logits = model.signal * cosine * along, model.signal * sine
        return _tilted(key, model.flip_probability, tangents, *logits)
    assert isinstance(model, Perceptron)
    return _beyond_step(key, model.flip_probability, along, cosine, sine)


def _beyond_step(key: PRNGKeyArray, flip: Scalar, along: Values, cosine, sine) -> Values:
    """Of the two half lines, one by the odds, and a normal variable on it by its quantile."""
    choice_key, place_key = jax.random.split(key)
    edge = cosine * along / jnp.maximum(jnp.abs(sine), _SMALLEST)
    right, wrong = (1.0 - flip) * cdf(edge), flip * cdf(-edge)
    chance = jax.random.uniform(choice_key, along.shape, along.dtype)
    side = jnp.where(chance * (right + wrong) < wrong, -1.0, 1.0)
    mass = 1.0 - jax.random.uniform(place_key, along.shape, along.dtype)
    return jnp.where(sine < 0.0, side, -side) * ndtri(mass * cdf(side * edge))


def _tilted(
    key: PRNGKeyArray, flip: Scalar, tangents: Tangents, level: Values, reach: Scalar
) -> Values:
    """By rejection from the normal laws to which the tangents tilt phi(v); t = level + reach v."""
    sides = jnp.asarray([[1.0], [-1.0]])
    slopes, heights = tangents
    log_masses = heights + slopes * sides * level[None, :] + 0.5 * (slopes * reach) ** 2
    log_odds = jnp.log(flip) - jnp.log1p(-flip) + log_masses[1] - log_masses[0]
    wrong = sigmoid(log_odds).astype(jnp.float32)

    def unfinished(state: tuple[Array, Values, Bool[Array, " m"]]) -> Bool[Array, ""]:
        return ~jnp.all(state[2])

    def propose(state: tuple[Array, Values, Bool[Array, " m"]]):
        index, value, done = state
        # One array of bits a round: to make keys takes longer than to use them.
        shape = (*level.shape, 3)
        lots = jax.random.uniform(jax.random.fold_in(key, index), shape, jnp.float32, _LOWEST)
        flipped = lots[:, 0] < wrong
        side = jnp.where(flipped, -1.0, 1.0)
        slope, height = (jnp.where(flipped, part[1], part[0]) for part in (slopes, heights))
        normal = _ROOT_TWO * erfinv(2.0 * lots[:, 1] - 1.0).astype(jnp.float64)
        place = slope * side * reach + normal
        logit = side * (level + reach * place)
        share = jnp.exp(log_sigmoid(logit) - height - slope * logit)
        rejected = lots[:, 2].astype(jnp.float64) >= share  # a nan is not, and ends the loop
        return index + 1, jnp.where(done, value, place), done | ~rejected

    start = (jnp.asarray(0), jnp.zeros_like(level), jnp.zeros(level.shape, bool))
    return jax.lax.while_loop(unfinished, propose, start)[1]
