"""The signed margin y u.x of labels that are signs: its quantiles."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nfl_sim.gaussian import cdf, mean_sigmoid, panel_nodes
from nfl_sim.models import Logistic, Perceptron
from nfl_sim.simulation.draws._across import Tilts, tilts_at
from nfl_sim.simulation.draws._latent import basis_from

Values = Float[Array, " m"]
_REACH = 20.0
_FINEST = 1e-12  # places about 0 are told apart to this
_RATIO = 0.02  # of neighbouring places, beyond that
_NODES = 4
_SMALLEST = 1e-300


class MarginLaw(NamedTuple):
    """Quantiles of t = z, or of t = -z where small signed margins are preferred.

    Args:
        places: of t, in order.
        logits: log(M / (1 - M)) of the mass M beyond each.
        slopes: dt / dlogit.
        tilts: of what is across, given the place; None where the labels are steps.
    """

    places: Float[Array, " k"]
    logits: Float[Array, " k"]
    slopes: Float[Array, " k"]
    tilts: Tilts | None

    def tilts_at(self, found: "Quantile") -> Tilts | None:
        """Those of samples with about these signed margins."""
        if self.tilts is None:
            return None
        return Tilts(*(part[..., found.place] for part in self.tilts))


class Quantile(NamedTuple):
    """A quantile of z itself, and the place of the law at or below its t."""

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
    tilts = None
    if isinstance(model, Logistic):
        cosine, *sine = basis_from(axis)[0]
        level = model.signal * cosine * _signed(places, outward)
        tilts = tilts_at(level, model.signal * sum(sine, jnp.zeros(())))
    return MarginLaw(jnp.asarray(places), logits, slopes, tilts)


def _signed(place: np.ndarray, outward: bool) -> Float[Array, " k"]:
    return jnp.asarray(place if outward else -place)


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

    To 4e-7 of the mass, and 2e-17 beside: less than rounding does to float32 covariates.
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
