"""The hard-margin student of a kept law, and the sample ratio up to which there is one."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.gaussian import pdf
from nfl_sim.theory.proportional.constants import margin_constant
from nfl_sim.theory.proportional.law import SignedLaw, Student
from nfl_sim.theory.proportional.newton import (
    Root,
    Unknowns,
    newton,
    refine,
)
from nfl_sim.theory.proportional.panels import COARSE, FINE
from nfl_sim.validation import Scalar

_BORDER = 12
_TOLERANCE, _ACCURATE, _ROUGH, _GUESS = 1e-9, 1e-8, 1e-8, 0.03
_STEPS = 30
_SLOWER = (0.3, 0.1, 0.03, 0.01, 1e-3)
_FASTER = (3.0, 30.0, 300.0, 3e3, 3e4)


class MarginSolution(NamedTuple):
    """The unit student of largest margin.

    Args:
        student: of norm 1.
        margin: kappa > 0, the smallest y w.x of a kept sample.
        support_fraction: share of the kept samples at that margin.
        moved: the student that coarser nodes give.
        converged: whether the last step to it was below 1e-8.
    """

    student: Student
    margin: Scalar
    support_fraction: Scalar
    moved: Student
    converged: Bool[Array, ""]


def solve_margin(fine: SignedLaw, coarse: SignedLaw, ratio: Scalar) -> MarginSolution:
    """The student of largest margin on ``ratio`` kept samples a dimension.

    It is the one solution of {eq}`eq-margin-direction` and {eq}`eq-margin-norm`.

    Args:
        fine, coarse: the same law on more and on fewer nodes.
        ratio: kept samples a dimension, below that of {eq}`eq-separability-ratio`.
    """
    rough = _search(*jax.lax.stop_gradient((coarse, ratio))).unknowns
    root = refine(lambda x: _equations(fine, ratio, x, FINE), rough, _units, tolerance=_TOLERANCE)
    point = root.unknowns
    found = _student(point)
    mass = jnp.sum(fine.ramps(found, jnp.ones_like(fine.places), FINE).mass)
    return MarginSolution(
        student=_unit(found),
        margin=1.0 / found.norm,
        support_fraction=mass,
        moved=_unit(_student(jax.lax.stop_gradient(rough))),
        converged=root.is_within(_ACCURATE),
    )


def separable_ratio(law: SignedLaw) -> Scalar:
    """Kept samples a dimension up to which a large sample is separable, if that is finite.

    1 / min_a E[(a.G + Z)_+^2], {eq}`eq-separability-ratio`.
    """
    root = _most_separable(jax.lax.stop_gradient(law), _BORDER)
    # At the minimum the derivative of the point does not matter.
    student = Student(root.unknowns[0], root.unknowns[1], jnp.ones(()))
    second = jnp.sum(law.ramps(student, jnp.zeros_like(law.places), _BORDER).second)
    return jnp.where(root.is_within(_ACCURATE), 1.0 / second, jnp.nan)


def _most_separable(law: SignedLaw, order: int) -> Root:
    """The a of the least E[(a.G + Z)_-^2]: the direction that is separated last."""

    def slope(x: Unknowns) -> Unknowns:
        below = law.ramps(Student(x[0], x[1], jnp.ones(())), jnp.zeros_like(law.places), order)
        return jnp.stack([jnp.sum(law.places * below.first), jnp.sum(below.across)])

    def units(x: Unknowns) -> Unknowns:
        return 1.0 + jnp.abs(x)

    return newton(slope, jnp.zeros(2), units, tolerance=_ROUGH, steps=4 * _STEPS)


def _equations(law: SignedLaw, ratio: Scalar, x: Unknowns, order: int) -> Unknowns:
    """Of a student of margin 1 with components x[0], x[1] and rest exp(x[2])."""
    student = _student(x)
    below = law.ramps(student, jnp.ones_like(law.places), order)
    first, norm = jnp.sum(below.first), student.norm
    steep = norm / student.rest
    return jnp.stack(
        [
            steep * (student.along / norm - norm * jnp.sum(law.places * below.first) / first),
            steep * (student.across / norm - norm * jnp.sum(below.across) / first),
            2.0 * x[2] - jnp.log(ratio * jnp.sum(below.second)),
        ]
    )


def _search(law: SignedLaw, ratio: Scalar) -> Root:
    """Newton from the best of three guesses, and if that fails from others.

    At small ratios the student is Hebb's, sqrt(ratio) E[G]; at large ones it tends to the teacher
    as fast as the density of kept samples at its boundary lets it; near capacity it is the
    direction that is separated last.
    """
    mean, _ = law.plane_moments()
    hebb = jnp.sqrt(ratio) * mean
    edge = ratio * _edge_density(law) / (math.pi * margin_constant())
    teacher = edge * jnp.stack([law.cosine, law.sine])

    def solve(direction: Float[Array, " 2"]) -> Root:
        scale = _margin_of(law, ratio, direction)
        start = jnp.stack([direction[0] / scale, direction[1] / scale, -jnp.log(scale)])
        return newton(
            lambda x: _equations(law, ratio, x, COARSE),
            start,
            _units,
            tolerance=_ROUGH,
            steps=_STEPS,
        )

    guesses = jnp.stack([hebb, teacher, hebb + teacher])
    scales = jax.lax.map(lambda guess: _margin_of(law, ratio, guess), guesses)
    margins = scales / jnp.sqrt(1.0 + jnp.sum(guesses**2, axis=1))
    best = guesses[jnp.argmax(jnp.where(jnp.isfinite(margins), margins, -jnp.inf))]
    slower = hebb[None, :] + jnp.outer(jnp.asarray(_SLOWER), teacher)
    axes = (jnp.stack([law.cosine, law.sine]), hebb)
    faster = [jnp.outer(jnp.asarray(_FASTER), axis) for axis in axes]
    directions = jnp.concatenate([best[None, :], slower, *faster, hebb[None, :]])

    def again(state):
        count, root = state
        return (count < len(directions)) & ~root.is_within(_ROUGH)

    def attempt(state):
        count, _ = state
        found = jax.lax.cond(
            count == len(directions) - 1,
            lambda: _most_separable(law, COARSE).unknowns,
            lambda: directions[count],
        )
        return count + 1, solve(found)

    start = (jnp.asarray(0), Root(jnp.zeros(3), jnp.asarray(jnp.inf)))
    return jax.lax.while_loop(again, attempt, start)[1]


def _margin_of(law: SignedLaw, ratio: Scalar, direction: Float[Array, " 2"]) -> Scalar:
    """The k with ratio E[(k - direction.G - Z)_+^2] = 1: Newton from the right, where it falls."""
    mean, _ = law.plane_moments()
    student = Student(direction[0], direction[1], jnp.ones(()))
    length = jnp.sqrt(jnp.sum(direction**2))
    start = 1.0 / jnp.sqrt(ratio) + jnp.abs(jnp.sum(direction * mean)) + 0.01 * length

    def improve(state):
        count, bound, _ = state
        below = law.ramps(student, bound * jnp.ones_like(law.places), COARSE)
        root = jnp.sqrt(ratio * jnp.sum(below.second))
        step = (root - 1.0) * root / (ratio * jnp.sum(below.first))
        return count + 1, bound - step, step

    def unfinished(state):
        count, bound, step = state
        return (count < 40) & (jnp.abs(step) > _GUESS * jnp.abs(bound))

    return jax.lax.while_loop(unfinished, improve, (jnp.asarray(0), start, start))[1]


def _edge_density(law: SignedLaw) -> Scalar:
    """Density of the kept law at the teacher's boundary, in units of that of the full data."""
    sine = jnp.maximum(law.sine, 1e-6)
    at = pdf(law.places * law.cosine / sine) / sine
    return jnp.sum(law.masses * at) / (2.0 * pdf(jnp.zeros(())))


def _units(x: Unknowns) -> Unknowns:
    norm = _student(x).norm
    return jnp.stack([norm, norm, jnp.ones(())])


def _student(x: Unknowns) -> Student:
    return Student(x[0], x[1], jnp.exp(x[2]))


def _unit(student: Student) -> Student:
    return Student(*(part / student.norm for part in student))
