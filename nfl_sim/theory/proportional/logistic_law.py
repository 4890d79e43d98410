"""The kept samples of a logistic teacher, whose labels may be flipped."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import sigmoid_moments, trapezoidal_normal_rule
from nfl_sim.models import Logistic
from nfl_sim.theory.proportional.law import REACH, Places, Ramps, SignedLaw, Student, Values
from nfl_sim.theory.proportional.panels import Bend
from nfl_sim.theory.proportional.ramps import cross_ramps
from nfl_sim.validation import Scalar

_GENTLE = 0.2
_FINEST_PAIRS = 0.02  # finer ones are of signals that `sigmoid_moments` does not take


@final
class LogisticLaw(SignedLaw):
    """A logistic teacher: P(label y | z, v) = link(signal (cosine z + sine v)).

    Args:
        places, masses, weights, cosine, sine: see `SignedLaw`.
        model: the teacher.
        step: of the trapezoidal rule across; its error is exp(-2 pi^2 / (step signal)).

    References: {eq}`eq-logistic-tilt` in theory_notes/05_proportional_limit.md.
    """

    places: Places
    masses: Places
    weights: Places
    cosine: Scalar
    sine: Scalar
    model: Logistic
    step: float = eqx.field(static=True)

    def chance(self, places: Values) -> Values:
        """The link averaged over v."""
        return self.tilt(places, jnp.zeros_like(places), jnp.zeros(()), jnp.ones(()))[0]

    def tilt(self, places: Values, x: Values, lean: Scalar, open_: Scalar) -> tuple[Values, Values]:
        """The link averaged over Y, and v times it."""
        known = self.cosine * places + self.sine * lean * x
        tilt, moment = self._link_moments(known, self.sine * open_)
        return tilt, lean * x * tilt + open_ * moment

    def _link_moments(self, known: Values, std: Scalar) -> tuple[Values, Values]:
        """Averages over Y of the link at ``known`` + ``std`` Y, and of Y times it."""
        model, signal = self.model, self.model.signal
        if self.step < _FINEST_PAIRS:
            y, weights = trapezoidal_normal_rule(self.step)
            open_part = np.reshape(y, (1,) * known.ndim + (-1,)) * std
            link = model.link(signal * (known[..., None] + open_part))
            return link @ weights, link @ (weights * y)
        mean, moment = sigmoid_moments(signal * known, signal * std, self.step)
        clear = 1.0 - 2.0 * model.flip_probability
        return model.flip_probability + clear * mean, clear * moment

    def bends(self, lean: Scalar, open_: Scalar) -> list[Bend]:
        """Where the teacher is undecided, if it turns fast."""
        if self.step > _GENTLE:
            return []
        steep = jnp.maximum(self.model.signal * self.sine * jnp.abs(lean), 1e-3)
        lean = jnp.where(jnp.abs(lean) < 1e-3, 1e-3, lean)
        turn = jnp.maximum(self.sine * lean, 1e-3)
        return [Bend(-self.cosine * self.places / turn, 1.0 / steep)]

    def plane_moments(self) -> tuple[Float[Array, " 2"], Float[Array, "2 2"]]:
        """By the trapezoidal rule in v."""
        v, weights = trapezoidal_normal_rule(self.step)
        margin = self.cosine * self.places[:, None] + self.sine * v[None, :]
        mass = (self.masses * self.weights)[:, None] * self.model.link(self.model.signal * margin)
        zero, one, two = (mass @ (weights * v**k) for k in range(3))
        z = self.places
        mean = jnp.stack([jnp.sum(zero * z), jnp.sum(one)])
        cross = jnp.sum(one * z)
        second = jnp.stack([jnp.sum(zero * z**2), cross, cross, jnp.sum(two)])
        return mean, second.reshape(2, 2)

    def ramps(self, student: Student, bound: Places, order: int) -> Ramps:
        """The link is the tilt of v."""
        floor = jnp.full_like(self.places, -REACH)
        bends = self.bends(jnp.ones(()), jnp.zeros(()))
        return cross_ramps(self, student, bound, order, floor=floor, tilt=self._link, bends=bends)

    def _link(self, places: Values, across: Values) -> Values:
        return self.model.link(self.model.signal * (self.cosine * places + self.sine * across))
