"""Newton's method for a few equations, damped until the residual falls."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Unknowns = Float[Array, " u"]
Map = Callable[[Unknowns], Unknowns]
_SHORTEST = 1e-8
_SUFFICIENT = 1e-4
_CHORDS = 8


class Root(NamedTuple):
    """Where Newton's method ended, and its last step in units of the unknowns."""

    unknowns: Unknowns
    step: Float[Array, ""]

    def is_within(self, tolerance: float) -> Bool[Array, ""]:
        """Whether the last step was that small; nan is not."""
        return self.step <= tolerance


def newton(equations: Map, start: Unknowns, units: Map, *, tolerance: float, steps: int) -> Root:
    """Solve equations(x) = 0.

    The step to the root, and not the residual, says how far it is: it does not depend on how the
    equations are scaled.

    Args:
        equations: as many as unknowns.
        start: first guess.
        units: sizes of the unknowns at a point.
        tolerance: of the last step, in these units.
        steps: the most iterations.

    Returns:
        The last iterate; its step is nan or large where the method failed.
    """

    def unfinished(state):
        count, _, size, stuck = state
        return (count < steps) & ~(size <= tolerance) & ~stuck

    def improve(state):
        count, point, _, _ = state
        slope, residual = jax.jacfwd(_twice(equations), has_aux=True)(point)
        step = -jnp.linalg.solve(slope, residual)
        size = jnp.max(jnp.abs(step) / units(point))
        before = jnp.where(size <= tolerance, jnp.inf, jnp.sum(residual**2))
        length = _shorten(equations, point, step, before)
        return count + 1, point + length * step, size, length < _SHORTEST

    first = (jnp.asarray(0), start, jnp.asarray(jnp.inf), jnp.asarray(False))
    _, point, size, _ = jax.lax.while_loop(unfinished, improve, first)
    return Root(point, size)


def refine(equations: Map, start: Unknowns, units: Map, *, tolerance: float) -> Root:
    """The root near ``start``, by steps that all use the slope there.

    Args:
        equations: as many as unknowns.
        start: the root of nearly the same equations.
        units: sizes of the unknowns at a point.
        tolerance: of the last step, in these units.

    Returns:
        A `Root` that carries the derivatives of the root in all that ``equations`` closes over.
    """
    start = jax.lax.stop_gradient(start)
    slope, residual = jax.jacfwd(_twice(equations), has_aux=True)(start)
    inverse, residual = jax.lax.stop_gradient((jnp.linalg.inv(slope), residual))

    def unfinished(state):
        count, _, step = state
        size = jnp.max(jnp.abs(step) / units(start))
        return (count < _CHORDS) & ~(size <= tolerance)

    def improve(state):
        count, point, step = state
        point = point + step
        return count + 1, point, -inverse @ jax.lax.stop_gradient(equations(point))

    first = (jnp.asarray(0), start, -inverse @ residual)
    _, point, _ = jax.lax.while_loop(unfinished, improve, first)
    point = jax.lax.stop_gradient(point)
    step = -inverse @ equations(point)
    size = jax.lax.stop_gradient(jnp.max(jnp.abs(step) / units(start)))
    return Root(point + step, size)


def _shorten(
    equations: Map, point: Unknowns, step: Unknowns, before: Float[Array, ""]
) -> Float[Array, ""]:
    """The length of step, 1, 1/2, ..., at which the sum of squares falls enough."""

    def too_long(state):
        length, after = state
        return ~(after < (1.0 - _SUFFICIENT * length) * before) & (length >= _SHORTEST)

    def halve(state):
        length = 0.5 * state[0]
        return length, jnp.sum(equations(point + length * step) ** 2)

    return jax.lax.while_loop(too_long, halve, (jnp.asarray(2.0), jnp.asarray(jnp.nan)))[0]


def _twice(equations: Map) -> Callable[[Unknowns], tuple[Unknowns, Unknowns]]:
    def both(x: Unknowns) -> tuple[Unknowns, Unknowns]:
        found = equations(x)
        return found, found

    return both
