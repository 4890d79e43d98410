"""Bracketed roots whose derivatives are exact, for one unknown or an array of them.

Bisection looks at signs only, so no derivative flows through it; k Newton steps from the root then
make its first 2^k - 1 derivatives, in everything that the function depends on, exact. (An implicit
adjoint would do the same for one root, but raises for a whole batch when one member is nan.)
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Real = Float[Array, "..."]
_NEWTON_STEPS = 2


def bisect(
    is_left: Callable[[Real], Array], low: Real, high: Real, *, steps: int
) -> tuple[Real, Real]:
    """Halve the brackets [low, high] ``steps`` times.

    Args:
        is_left: whether points lie left of the root, elementwise.
        low, high: brackets, any shape.
        steps: number of halvings.

    Returns:
        The final brackets.
    """

    def halve(_, bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        left = is_left(middle)
        return jnp.where(left, middle, low), jnp.where(left, high, middle)

    return jax.lax.fori_loop(0, steps, halve, (low, high))


def polish(function: Callable[[Real], Real], low: Real, high: Real) -> Real:
    """The root of ``function`` in the narrow bracket [low, high], with exact derivatives.

    Args:
        function: acts elementwise; its root is where it vanishes.
        low, high: brackets from `bisect`.

    Returns:
        The root; the middle of the bracket where Newton's steps leave its neighbourhood (a kink
        or a jump), and then its derivative is 0.
    """
    start = jax.lax.stop_gradient(0.5 * (low + high))
    reach = jax.lax.stop_gradient(4.0 * (high - low) + 1e-9 * (1.0 + jnp.abs(start)))

    def step(root, _):
        value, slope = jax.jvp(function, (root,), (jnp.ones_like(root),))
        return root - value / jnp.where(slope == 0.0, 1.0, slope), None

    root, _ = jax.lax.scan(step, start, length=_NEWTON_STEPS)
    return jnp.where(jnp.abs(root - start) <= reach, root, start)


def solve_increasing(
    function: Callable[[Real], Real], low: Real, high: Real, *, tolerance: float, steps: int = 60
) -> Real:
    """The root of an increasing function of one scalar, by Newton's method kept in its bracket.

    Args:
        function: increasing on [low, high].
        low, high: the bracket; where there is no root, the nearer end is approached.
        tolerance: relative width of the bracket, or size of a step, at which to stop.
        steps: the most evaluations.

    Returns:
        The root, without derivatives; see `polish`.
    """
    low, high = jax.lax.stop_gradient(low), jax.lax.stop_gradient(high)

    def unfinished(state):
        count, low, high, point, step = state
        small = tolerance * (jnp.abs(point) + 1e-30)
        return (count < steps) & (jnp.abs(step) > small) & (high - low > small)

    def improve(state):
        count, low, high, point, _ = state
        value, slope = jax.jvp(function, (point,), (jnp.ones_like(point),))
        low, high = jnp.where(value < 0.0, point, low), jnp.where(value < 0.0, high, point)
        newton = point - value / jnp.where(slope > 0.0, slope, 1.0)
        inside = (slope > 0.0) & (newton > low) & (newton < high)
        nearer = jnp.where(inside, newton, 0.5 * (low + high))
        return count + 1, low, high, nearer, nearer - point

    middle = 0.5 * (low + high)
    start = (jnp.asarray(0), low, high, middle, high - low)
    return jax.lax.while_loop(unfinished, improve, start)[3]
