"""Newton's method for a few equations, damped until the residual falls."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Unknowns = Float[Array, " u"]
Equations = Callable[[Unknowns], Unknowns]
_SHORTEST = 1e-8
_SUFFICIENT = 1e-4


class Root(NamedTuple):
    """Where Newton's method ended, and the size of the residual there."""

    unknowns: Unknowns
    residual: Float[Array, ""]


def newton(equations: Equations, start: Unknowns, *, tolerance: float, steps: int) -> Root:
    """Solve equations(x) = 0.

    Args:
        equations: as many as unknowns.
        start: first guess.
        tolerance: of the largest residual.
        steps: the most iterations.

    Returns:
        The last iterate; the residual is nan or large where the method failed.
    """

    def unfinished(state):
        count, _, size, stuck = state
        return (count < steps) & ~(size <= tolerance) & ~stuck

    def improve(state):
        count, point, _, _ = state
        slope, residual = jax.jacfwd(_twice(equations), has_aux=True)(point)
        step = -jnp.linalg.solve(slope, residual)
        length, residual = _shorten(equations, point, step, jnp.sum(residual**2))
        return count + 1, point + length * step, _size(residual), length < _SHORTEST

    first = (jnp.asarray(0), start, jnp.asarray(jnp.inf), jnp.asarray(False))
    _, point, size, _ = jax.lax.while_loop(unfinished, improve, first)
    return Root(point, size)


def finish(
    equations: Equations, others: Equations, point: Unknowns
) -> tuple[Unknowns, Unknowns]:
    """A root with its derivatives, and how far off the root of other equations lies.

    Args:
        equations: a Newton step on them carries the root's derivative in all that they close over.
        others: nearly the same equations.
        point: the root.
    """
    point = jax.lax.stop_gradient(point)
    slope, residual = jax.jacfwd(_twice(equations), has_aux=True)(point)
    slope = jax.lax.stop_gradient(slope)
    root = point - jnp.linalg.solve(slope, residual)
    return root, -jnp.linalg.solve(slope, jax.lax.stop_gradient(others(point)))


def converged(root: Root, tolerance: float) -> Bool[Array, ""]:
    """Whether the residual is below the tolerance; nan is not."""
    return root.residual <= tolerance


def _shorten(
    equations: Equations, point: Unknowns, step: Unknowns, before: Float[Array, ""]
) -> tuple[Float[Array, ""], Unknowns]:
    """Halve the step until the sum of squares falls enough."""

    def too_long(state):
        length, found = state
        falls = jnp.sum(found**2) < (1.0 - _SUFFICIENT * length) * before
        return ~falls & (length >= _SHORTEST)

    def halve(state):
        length = 0.5 * state[0]
        return length, equations(point + length * step)

    start = (jnp.asarray(2.0), jnp.full_like(point, jnp.inf))
    return jax.lax.while_loop(too_long, halve, start)


def _twice(equations: Equations) -> Callable[[Unknowns], tuple[Unknowns, Unknowns]]:
    def both(x: Unknowns) -> tuple[Unknowns, Unknowns]:
        found = equations(x)
        return found, found

    return both


def _size(residual: Unknowns) -> Float[Array, ""]:
    return jnp.max(jnp.abs(residual))
