"""Proofs about the hull of the rows y x: how far from 0 it is, and that it holds 0."""

import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Bool, Float

from nfl_sim.learners._signed import ROUNDING, Signed
from nfl_sim.validation import Scalar

_INSIDE = 0.25  # squared radius in Dikin's ellipsoid, 1 at its surface
_WELL_POSED = 0.01


def hull_bound(sample: Signed, dual: Float[Array, " m"]) -> Scalar:
    """Length of a convex combination of the rows, which no margin exceeds."""
    mass = jnp.sum(jnp.where(sample.counts, dual, 0.0))
    return jnp.linalg.norm(dual @ sample.rows) / mass


def relative_gap(sample: Signed, weights: Float[Array, " d"], dual: Float[Array, " m"]) -> Scalar:
    """How far the margin of ``weights`` stays below that bound."""
    bound = hull_bound(sample, dual)
    margin = sample.least(sample.rows @ weights) / jnp.linalg.norm(weights)
    return (bound - margin) / bound


def hull_holds_zero(sample: Signed, dual: Float[Array, " m"]) -> Bool[Array, ""]:
    """Whether some convex combination of the rows provably vanishes.

    With r = sum z_i a_i and M = sum z_i^2 a_i a_i', the change -z_i^2 a_i.M^-1 r of z_i makes the
    sum vanish, and no z_i changes sign if r.M^-1 r < 1, for that is the squared radius of the
    change in the ellipsoid sum (change_i / z_i)^2 <= 1.
    """
    shares = jnp.where(sample.counts, dual, 0.0)
    scaled, remainder = shares[:, None] * sample.rows, shares @ sample.rows
    moment = scaled.T @ scaled
    ridge = ROUNDING * len(moment) * jnp.trace(moment)
    factor = jnp.linalg.cholesky(moment + ridge * jnp.eye(len(moment)))
    inverse = jsl.cho_solve((factor, True), jnp.eye(len(moment)))
    well_posed = ridge * jnp.trace(inverse) <= _WELL_POSED
    return well_posed & (jnp.sum((remainder @ inverse) * remainder) <= _INSIDE)
