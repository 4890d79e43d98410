"""The kept samples of a sign teacher, whose labels may be flipped."""

from typing import final

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.gaussian import cdf, pdf
from nfl_sim.theory.proportional.law import REACH, Places, Ramps, SignedLaw, Student, Values
from nfl_sim.theory.proportional.panels import Bend
from nfl_sim.theory.proportional.ramps import cross_ramps, full_ramps
from nfl_sim.validation import Scalar

_SATURATED = 38.0


@final
class PerceptronLaw(SignedLaw):
    """A sign teacher: P(label y | z, v) = flip + (1 - 2 flip) 1{cosine z + sine v > 0}.

    Args:
        places, masses, weights, cosine, sine: see `SignedLaw`.
        flip: probability of a flipped label.

    References: {eq}`eq-perceptron-tilt` in theory_notes/05_proportional_limit.md.
    """

    places: Places
    masses: Places
    weights: Places
    cosine: Scalar
    sine: Scalar
    flip: Scalar

    def chance(self, places: Values) -> Values:
        """flip + (1 - 2 flip) Phi(z cot)."""
        return self.flip + (1.0 - 2.0 * self.flip) * cdf(self._steep(places))

    def tilt(self, places: Values, x: Values, lean: Scalar, open_: Scalar) -> tuple[Values, Values]:
        """flip + (1 - 2 flip) Phi(e) with e = (lean X + z cot) / open."""
        excess = jnp.clip((lean * x + self._steep(places)) / open_, -_SATURATED, _SATURATED)
        tilt = self.flip + (1.0 - 2.0 * self.flip) * cdf(excess)
        return tilt, lean * x * tilt + (1.0 - 2.0 * self.flip) * open_ * pdf(excess)

    def bends(self, lean: Scalar, open_: Scalar) -> list[Bend]:
        """Where e = 0, over a width of open / lean."""
        lean = jnp.where(jnp.abs(lean) < 1e-3, 1e-3, lean)
        return [Bend(-self._steep(self.places) / lean, open_ / jnp.abs(lean))]

    def plane_moments(self) -> tuple[Float[Array, " 2"], Float[Array, "2 2"]]:
        """By the one-sided moments of v."""
        steep, clean = self._steep(self.places), 1.0 - 2.0 * self.flip
        mass = self.masses * self.weights
        zero = mass * self.chance(self.places)
        one = mass * clean * pdf(steep)
        two = zero - clean * mass * steep * pdf(steep)
        z = self.places
        mean = jnp.stack([jnp.sum(zero * z), jnp.sum(one)])
        cross = jnp.sum(one * z)
        second = jnp.stack([jnp.sum(zero * z**2), cross, cross, jnp.sum(two)])
        return mean, second.reshape(2, 2)

    def ramps(self, student: Student, bound: Places, order: int) -> Ramps:
        """A flipped share that sees no label, and the rest above the line where it turns."""
        floor = jnp.clip(-self._steep(self.places), -REACH, REACH)
        agreeing = cross_ramps(self, student, bound, order, floor=floor)
        everything = full_ramps(self, student, bound)
        return Ramps(
            *(
                (1.0 - 2.0 * self.flip) * a + self.flip * e
                for a, e in zip(agreeing, everything, strict=True)
            )
        )

    def _steep(self, places: Values) -> Values:
        """z cot(angle), within what a normal can tell from infinity."""
        steep = places * self.cosine / jnp.maximum(self.sine, 1e-12)
        return jnp.clip(steep, -_SATURATED, _SATURATED)
