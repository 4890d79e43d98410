"""Moments of a student's margin below a bound: the margin is normal given a point of the plane."""

from collections.abc import Callable, Sequence

import jax.numpy as jnp

from nfl_sim.gaussian import cdf, pdf
from nfl_sim.theory.proportional.law import Places, Ramps, SignedLaw, Student, Values
from nfl_sim.theory.proportional.panels import Bend, fill, insert

_FLAT = 1e-6


Tilt = Callable[[Values, Values], Values]


def cross_ramps(
    law: SignedLaw,
    student: Student,
    bound: Places,
    order: int,
    *,
    floor: Places,
    tilt: Tilt | None = None,
    bends: Sequence[Bend] = (),
) -> Ramps:
    """By quadrature in v, from ``floor`` upwards; all other directions in closed form.

    All terms are positive: nothing cancels, however thin the wedge between label and bound.

    Args:
        law, student, bound, order: see `SignedLaw.ramps`.
        floor: below it v has no density.
        tilt: density of v against the normal at z and v; None where it is 1.
        bends: where that density turns.

    References: {eq}`eq-ramp-moments` in theory_notes/06_perceptron.md.
    """
    gap = bound - student.along * law.places
    flat = jnp.abs(student.across) < _FLAT * student.rest
    slope = jnp.where(flat, _FLAT * student.rest, student.across)
    edges = insert([Bend(gap / slope, student.rest / jnp.abs(slope)), *bends], floor)
    v, share = fill(edges, order)
    mass = share * pdf(v) * law.masses[:, None]
    if tilt is not None:
        mass = mass * tilt(jnp.broadcast_to(law.places[:, None], v.shape), v)
    zero, one, two = ramp((gap[:, None] - student.across * v) / student.rest)
    first, rest = mass * one, student.rest
    return Ramps(
        jnp.sum(mass * zero, axis=1),
        rest * jnp.sum(first, axis=1),
        rest**2 * jnp.sum(mass * two, axis=1),
        rest * jnp.sum(first * v, axis=1),
    )


def full_ramps(law: SignedLaw, student: Student, bound: Places) -> Ramps:
    """For v a standard normal, untilted: in closed form given z."""
    spread = student.spread
    zero, one, two = ramp((bound - student.along * law.places) / spread)
    mass = law.masses
    return Ramps(
        mass * zero, spread * mass * one, spread**2 * mass * two, -student.across * mass * zero
    )


def ramp(bound: Values) -> tuple[Values, Values, Values]:
    """E[(b - Z)_+^k] for k = 0, 1, 2 and Z ~ N(0, 1)."""
    mass, density = cdf(bound), pdf(bound)
    first = bound * mass + density
    return mass, first, mass + bound * first
