"""The signed margin y u.x of labels that are signs: its quantiles, and the sample given it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import sigmoid
from jax.scipy.special import erfinv, ndtri
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from nfl_sim.gaussian import bisect, cdf, mean_sigmoid, panel_nodes
from nfl_sim.models import Logistic, Model, Perceptron
from nfl_sim.simulation.draws._latent import basis_from
from nfl_sim.validation import Scalar

Values = Float[Array, " m"]
_REACH = 20.0
_FINEST = 1e-12  # places about 0 are told apart to this
_RATIO = 0.02  # of neighbouring places, beyond that
_NODES = 4
_SMALLEST = 1e-300
_LOWEST = 2.0**-25  # of single chances, so that their quantiles are finite
_ROOT_TWO = float(np.sqrt(2.0))
_BISECTIONS = 50


class Tangents(NamedTuple):
    """Tangents of log sigma(t), from above: height + slope t, for labels as they are and flipped.

    Args:
        slopes, heights: at the place of a sample, shape (2, k).
    """

    slopes: Float[Array, "2 k"]
    heights: Float[Array, "2 k"]


class MarginLaw(NamedTuple):
    """Quantiles of t = z, or of t = -z where small signed margins are preferred.

    Args:
        places: of t, in order.
        logits: log(M / (1 - M)) of the mass M beyond each.
        slopes: dt / dlogit.
        tangents: at the modes of what is across, given the place; None where the labels are steps.
    """

    places: Float[Array, " k"]
    logits: Float[Array, " k"]
    slopes: Float[Array, " k"]
    tangents: Tangents | None


class Quantile(NamedTuple):
    """A quantile of z itself, and the place of the law at or below it."""

    value: Values
    place: Int[Array, " m"]


def margin_law(
    model: Logistic | Perceptron, axis: Float[Array, " p"], *, outward: bool
) -> MarginLaw:
    """The law of z = y u.x, whose density is 2 phi(z) P(y = 1 | u.x = z).

    Args:
        model: of the labels.
        axis: u in the plane of teacher and probe, a unit vector.
        outward: whether large ones are preferred.

    References: {eq}`eq-draw-signed` in theory_notes/12_fast_draws.md.
    """
    edges = np.arcsinh(_REACH / _FINEST) * np.linspace(-1.0, 1.0, _count())
    nodes, lengths = panel_nodes(edges, _NODES)
    places, points = _FINEST * np.sinh(edges), _FINEST * np.sinh(nodes)
    lengths *= _FINEST * np.cosh(nodes)

    def density(place: np.ndarray) -> Float[Array, " k"]:
        normal = np.sqrt(2.0 / np.pi) * np.exp(-0.5 * place**2)
        return jnp.maximum(normal * _agreement(model, axis, _signed(place, outward)), _SMALLEST)

    pieces = jnp.sum(jnp.reshape(lengths * density(points), (-1, _NODES)), axis=1)
    below = jnp.concatenate([jnp.zeros(1), jnp.cumsum(pieces)])
    above = jnp.concatenate([jnp.cumsum(pieces[::-1])[::-1], jnp.zeros(1)])
    logits = jnp.log(jnp.maximum(above, _SMALLEST)) - jnp.log(jnp.maximum(below, _SMALLEST))
    slopes = -above * below / density(places)
    tangents = None
    if isinstance(model, Logistic):
        basis = basis_from(axis)[0]
        level = model.signal * basis[0] * _signed(places, outward)
        tangents = _tangents_at_modes(level, model.signal * jnp.sum(basis[1:]))
    return MarginLaw(jnp.asarray(places), logits, slopes, tangents)


def _signed(place: np.ndarray, outward: bool) -> Float[Array, " k"]:
    return jnp.asarray(place if outward else -place)


def _tangents_at_modes(level: Values, reach: Scalar) -> Tangents:
    """Where phi(v) sigma(t), t = level + reach v, is largest: t = level + reach^2 sigma(-t)."""
    levels = jnp.stack([level, -level])

    def is_left(logit: Float[Array, "2 k"]) -> Bool[Array, "2 k"]:
        return logit < levels + reach**2 * sigmoid(-logit)

    low, high = bisect(is_left, levels, levels + reach**2, steps=_BISECTIONS)
    mode = 0.5 * (low + high)
    slopes = sigmoid(-mode)
    return Tangents(slopes, -jnp.logaddexp(0.0, -mode) - slopes * mode)


def _count() -> int:
    """An odd number of places, so that 0 is one."""
    return 2 * int(np.ceil(np.arcsinh(_REACH / _FINEST) / _RATIO)) + 1


def _agreement(model: Logistic | Perceptron, axis: Float[Array, " p"], place: Values) -> Values:
    """P(y = 1 | u.x = place)."""
    along, across = axis[0], jnp.sqrt(jnp.sum(axis[1:] ** 2))
    if isinstance(model, Logistic):
        signal = model.signal
        clean = mean_sigmoid(signal * along * place, signal * across, at_most=signal)
    else:
        clean = cdf(along * place / jnp.maximum(across, _SMALLEST))
    return model.flip_probability + (1.0 - 2.0 * model.flip_probability) * clean


def quantiles(law: MarginLaw, masses: Values, *, outward: bool) -> Quantile:
    """The z that a mass of the law surpasses: cubic in the logit between places.

    To 2e-7 of the mass, which is less than rounding does to float32 covariates.
    """
    logit = jnp.log(masses) - jnp.log1p(-masses)
    first = jnp.clip(jnp.searchsorted(-law.logits, -logit) - 1, 0, len(law.logits) - 2)
    low, high = first, first + 1
    width = law.logits[high] - law.logits[low]
    share = jnp.clip((logit - law.logits[low]) / jnp.where(width < 0.0, width, -1.0), 0.0, 1.0)
    rest, left, right = 1.0 - share, law.places[low], law.places[high]
    chord = rest**2 * (1.0 + 2.0 * share) * left + share**2 * (1.0 + 2.0 * rest) * right
    bend = share * rest * width * (rest * law.slopes[low] - share * law.slopes[high])
    place = jnp.clip(chord + bend, left, right)
    return Quantile(place if outward else -place, first)


def across_given(
    key: PRNGKeyArray, model: Model, law: MarginLaw, found: Quantile, cosine: Scalar, sine: Scalar
) -> Values:
    """Draw v given z, where the agreeing x = z u + v u' has x_1 = cosine z + sine v.

    Its density is phi(v) P(y = 1 | x_1) up to a factor.

    References: {eq}`eq-draw-across` in theory_notes/12_fast_draws.md.
    """
    if isinstance(model, Logistic):
        assert law.tangents is not None
        tangents = jax.tree.map(lambda part: part[:, found.place], law.tangents)
        logits = model.signal * cosine * found.value, model.signal * sine
        return _tilted(key, model.flip_probability, tangents, *logits)
    assert isinstance(model, Perceptron)
    return _beyond_step(key, model.flip_probability, found.value, cosine, sine)


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
    odds = flip * jnp.exp(log_masses[1] - log_masses[0]) / (1.0 - flip)
    wrong = (odds / (1.0 + odds)).astype(jnp.float32)

    def unfinished(state: tuple[Array, Values, Bool[Array, " m"]]) -> Bool[Array, ""]:
        return ~jnp.all(state[2])

    def propose(state: tuple[Array, Values, Bool[Array, " m"]]):
        index, value, done = state
        # One array of bits a round: to make keys takes longer than to use them.
        shape = (3, *level.shape)
        lots = jax.random.uniform(jax.random.fold_in(key, index), shape, jnp.float32, _LOWEST)
        flipped = lots[0] < wrong
        side = jnp.where(flipped, -1.0, 1.0)
        slope, height = (jnp.where(flipped, part[1], part[0]) for part in (slopes, heights))
        normal = _ROOT_TWO * erfinv(2.0 * lots[1] - 1.0).astype(jnp.float64)
        place = slope * side * reach + normal
        logit = side * (level + reach * place)
        share = sigmoid(logit) * jnp.exp(-height - slope * logit)
        rejected = lots[2].astype(jnp.float64) >= share
        return index + 1, jnp.where(done, value, place), done | ~rejected

    start = (jnp.asarray(0), jnp.zeros_like(level), jnp.zeros(level.shape, bool))
    return jax.lax.while_loop(unfinished, propose, start)[1]
