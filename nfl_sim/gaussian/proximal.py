"""Convex losses of a margin and their proximal maps."""

import abc
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import sigmoid
from jaxtyping import Array, Float

Real = Float[Array, "..."]
Scalar = Float[Array, ""]
_TOLERANCE = 1e-13
_STEPS = 60


class ConvexLoss(eqx.Module):
    """A convex loss l(h) of a margin h, given by its proximal map.

    prox(p; V) = argmin_h l(h) + (h - p)^2 / (2 V).
    """

    @abc.abstractmethod
    def value(self, margin: Real) -> Real:
        """l(h)."""

    @abc.abstractmethod
    def proximal(self, point: Real, step: Real) -> Real:
        """prox(p; V) for V > 0, differentiable in both."""

    @abc.abstractmethod
    def features(self, step: Real) -> list[tuple[Real, Scalar]]:
        """Points at which the proximal map bends, and over what width: 0 for a kink."""


@final
class SquareLoss(ConvexLoss):
    """(1 - h)^2 / 2."""

    def value(self, margin: Real) -> Real:
        """Half the square of 1 - h."""
        return 0.5 * (1.0 - margin) ** 2

    def proximal(self, point: Real, step: Real) -> Real:
        """(p + V) / (1 + V)."""
        return (point + step) / (1.0 + step)

    def features(self, step: Real) -> list[tuple[Real, Scalar]]:
        """None: it is linear."""
        return []


@final
class HingeLoss(ConvexLoss):
    """max(0, 1 - h)."""

    def value(self, margin: Real) -> Real:
        """The positive part of 1 - h."""
        return jnp.maximum(1.0 - margin, 0.0)

    def proximal(self, point: Real, step: Real) -> Real:
        """p beyond 1, p + V below 1 - V, and 1 between."""
        return jnp.maximum(jnp.minimum(point + step, 1.0), point)

    def features(self, step: Real) -> list[tuple[Real, Scalar]]:
        """Kinks at 1 and 1 - V."""
        return [(jnp.ones_like(step), jnp.zeros(())), (1.0 - step, jnp.zeros(()))]


@final
class LogisticLoss(ConvexLoss):
    """log(1 + exp(-h))."""

    def value(self, margin: Real) -> Real:
        """The softplus of -h."""
        return jnp.logaddexp(0.0, -margin)

    def proximal(self, point: Real, step: Real) -> Real:
        """The root of h - p = V sigma(-h)."""
        return _logistic_proximal(point, step)

    def features(self, step: Real) -> list[tuple[Real, Scalar]]:
        """It bends about 0, and about -V, over a few units."""
        return [(jnp.zeros_like(step), jnp.asarray(3.0)), (-step, jnp.asarray(3.0))]


@jax.custom_jvp
def _logistic_proximal(point: Real, step: Real) -> Real:
    """Newton's method from min(max(0, p), p + V), from where it is monotone.

    h - p - V sigma(-h) is convex left of 0 and concave right of it.
    """

    def unfinished(state):
        count, margin, move = state
        return (count < _STEPS) & jnp.any(jnp.abs(move) > _TOLERANCE * (1.0 + jnp.abs(margin)))

    def improve(state):
        count, margin, _ = state
        pull = sigmoid(-margin)
        move = (point + step * pull - margin) / (1.0 + step * pull * (1.0 - pull))
        return count + 1, margin + move, move

    start = jnp.minimum(jnp.maximum(0.0, point), point + step)
    return jax.lax.while_loop(unfinished, improve, (0, start, start + jnp.inf))[1]


@_logistic_proximal.defjvp
def _logistic_proximal_jvp(primals, tangents):
    point, step = primals
    margin = _logistic_proximal(point, step)
    pull = sigmoid(-margin)
    slope = 1.0 / (1.0 + step * pull * (1.0 - pull))
    return margin, slope * (tangents[0] + pull * tangents[1])
