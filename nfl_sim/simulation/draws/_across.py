"""What a sample with a given signed margin holds across the probe."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid, sigmoid
from jax.scipy.special import ndtri
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from nfl_sim.gaussian import bisect, cdf
from nfl_sim.models import Logistic, Model, Perceptron
from nfl_sim.simulation.draws._normals import central_quantile
from nfl_sim.validation import Scalar

Values = Float[Array, " m"]
_BISECTIONS = 50
_LOWEST = 2.0**-25  # of single chances, so that their quantiles are finite
_SMALLEST = 1e-300


class Tilts(NamedTuple):
    """Multiples of normal laws that lie above phi(v) sigma(+-t), where t = level + reach v.

    They touch at the modes: phi(v) times the tangents of log sigma there. The first is for labels
    as they are, the second for flipped ones.

    Args:
        levels: of each sample.
        log_slopes, log_rests: log sigma(-t) and log sigma(t) at the mode in +-t.
        log_odds: log of the mass of the second over that of the first.
    """

    levels: Values
    log_slopes: Float[Array, "2 m"]
    log_rests: Float[Array, "2 m"]
    log_odds: Values


def tilts_at(levels: Values, reach: Scalar) -> Tilts:
    """Those of these levels: the modes solve t = +-level + reach^2 sigma(-t)."""
    both = jnp.stack([levels, -levels])

    def is_left(logit: Float[Array, "2 k"]) -> Bool[Array, "2 k"]:
        return logit < both + reach**2 * sigmoid(-logit)

    low, high = bisect(is_left, both, both + reach**2, steps=_BISECTIONS)
    mode = 0.5 * (low + high)
    log_slopes, log_rests = log_sigmoid(-mode), log_sigmoid(mode)
    log_masses = log_rests - 0.5 * (jnp.exp(log_slopes) * reach) ** 2
    log_odds = log_masses[1] - log_masses[0]
    return Tilts(levels, log_slopes.astype(jnp.float32), log_rests.astype(jnp.float32), log_odds)


def across_given(
    key: PRNGKeyArray,
    model: Model,
    tilts: Tilts | None,
    along: Values,
    cosine: Scalar,
    sine: Scalar,
) -> Values:
    """Draw v given z, where the agreeing x = z u + v u' has x_1 = cosine z + sine v.

    Its density is phi(v) P(y = 1 | x_1) up to a factor.

    Args:
        key: of the draws.
        model: `Logistic` or `Perceptron`.
        tilts: of each sample, for `Logistic`.
        along: z of each sample.
        cosine, sine: of the angle from u to the teacher.

    References: {eq}`eq-draw-across` in theory_notes/12_fast_draws.md.
    """
    if isinstance(model, Logistic):
        assert tilts is not None
        logits = model.signal * cosine * along, model.signal * sine
        return _tilted(key, model.flip_probability, tilts, *logits)
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


def _tilted(key: PRNGKeyArray, flip: Scalar, tilts: Tilts, level: Values, reach: Scalar) -> Values:
    """By rejection from the tilts, which may be those of a level nearby; in single precision.

    References: {eq}`eq-draw-accept` in theory_notes/12_fast_draws.md.
    """
    gap, reach = level - tilts.levels, reach.astype(jnp.float32)
    slopes = jnp.exp(tilts.log_slopes)
    log_odds = tilts.log_odds - (slopes[0] + slopes[1]).astype(jnp.float64) * gap
    flipped_share = sigmoid(jnp.log(flip) - jnp.log1p(-flip) + log_odds).astype(jnp.float32)
    gap = gap.astype(jnp.float32)

    def unfinished(state: tuple[Array, Float[Array, " m"], Bool[Array, " m"]]) -> Bool[Array, ""]:
        return ~jnp.all(state[2])

    def propose(state: tuple[Array, Float[Array, " m"], Bool[Array, " m"]]):
        index, value, done = state
        # One array of bits a round: to make keys takes longer than to use them.
        shape = (3, *level.shape)
        lots = jax.random.uniform(jax.random.fold_in(key, index), shape, jnp.float32, _LOWEST)
        flipped = lots[0] < flipped_share
        side = jnp.where(flipped, -1.0, 1.0).astype(jnp.float32)
        slope, log_slope, log_rest = (
            jnp.where(flipped, part[1], part[0])
            for part in (slopes, tilts.log_slopes, tilts.log_rests)
        )
        normal = central_quantile(2.0 * lots[1] - 1.0)
        beyond = side * (gap + reach * normal)  # the mode, in logits
        rising, falling = log_rest + slope * beyond, log_slope + (slope - 1.0) * beyond
        share = 1.0 / (jnp.exp(rising) + jnp.exp(falling))
        rejected = lots[2] >= share  # a nan is not, and ends the loop
        value = jnp.where(done, value, slope * side * reach + normal)
        return index + 1, value, done | ~rejected

    start = (jnp.asarray(0), jnp.zeros_like(gap), jnp.zeros(level.shape, bool))
    return jax.lax.while_loop(unfinished, propose, start)[1].astype(jnp.float64)
