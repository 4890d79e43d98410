"""Scores that see z along the probe and its length: GraNd, Influence, and Leverage (no probe)."""

import math
from collections.abc import Callable
from typing import NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np

from nfl_sim.gaussian import (
    Rule,
    chi_square_cdf,
    chi_square_pdf,
    disc_rule,
    on_intervals,
    panel_nodes,
    pdf,
    polish,
    unit_panels,
)
from nfl_sim.models import Logistic
from nfl_sim.theory.logistic.law import KeptNodes, LogisticLaw, Matrix, Resolution, Values, density
from nfl_sim.theory.logistic.margin_law import spread_line
from nfl_sim.validation import Scalar

_FAR = 9.0  # beyond it lies 1e-19 of N(0, 1)
_WIDEST = 8.5  # half-width of the balls: beyond it lies 1e-17 of N(0, 1)
_BEYOND = 8.3  # |N(0, I_m)| exceeds sqrt(m) by more with probability 1e-16
_FLATTEST = 1e-12  # stands for the null probe's norm, whose outer roots are infinite
_OVERFLOW = 50.0  # the largest exponent: any ball is everything by then
_LOWEST = 30.0  # |z| > exp(-30) but for a probability of 1e-26
_TINY = 1e-30  # a squared radius that a chi-square density can be taken at
_NEWTON_STEPS = 4  # of the edges; from their starts the last one corrects less than 1e-9
# Nodes of each rule for one of `Resolution.order`: 12 of it make 1e-10 for a signal of 2 and a
# student of norm 15. Where R rises, the ball fills over a stretch of log R of 1/sqrt(dim).
_INNER, _FULL, _WHOLE, _ACROSS = 4, 3, 5, 5
_OUTER, _STEEPER = 3.0, 0.45

Pair = tuple[Values, Values]


@final
class BallLaw(LogisticLaw):
    """sigma(-b s) |z| against q: at fixed s, a ball of squared radius R^2 across the probe.

    R(s)^2 = stretch ((q (1 + exp(b s)))^2 - s^2): in a metric in which what lies across the probe
    counts 1 / stretch as much as what lies along it.

    The hardest are everything minus the balls, the easiest are the balls. The level is log q for
    the easiest and -log q for the hardest.

    Args:
        dim: dimension of the covariates, >= 2.
        norm: b, the length of the probe; 0 makes it |z|/2.
        stretch: 1 for the length of z itself.
        hardest: which side is kept.
    """

    model: Logistic
    axes: Matrix
    others: Scalar
    flat: bool
    dim: int
    norm: Scalar
    stretch: Scalar
    hardest: bool
    low: Scalar
    high: Scalar
    complete: float = math.inf

    @classmethod
    def of(
        cls,
        model: Logistic,
        axes: Matrix,
        dim: int,
        norm: Scalar,
        *,
        hardest: bool,
        stretch: Scalar | None = None,
    ) -> "BallLaw":
        """The law with its range of levels."""
        top = jnp.log(jnp.sqrt(jnp.asarray(float(dim))) + 12.0)
        bottom = -(_LOWEST + _FAR * norm)
        low, high = (-top, -bottom) if hardest else (bottom, top)
        others = jnp.asarray(dim - 2.0)
        return cls(
            model=model,
            axes=axes,
            others=others,
            flat=False,
            dim=dim,
            norm=norm,
            stretch=jnp.ones(()) if stretch is None else stretch,
            hardest=hardest,
            low=low,
            high=high,
        )

    def nodes(self, level: Scalar, resolution: Resolution) -> KeptNodes:
        """Everything minus the balls, or the balls."""
        cut = self.cut(level)
        edges = _edges(cut, self.norm, self.dim)
        scale = jax.lax.stop_gradient(1.0 / (1.0 + self.norm))
        inner = _sine_rule(edges.left, edges.inner, scale, _INNER * resolution.order)
        rising = round((_OUTER + _STEEPER * math.sqrt(self.dim)) * resolution.order)
        outer = _rising_rule(edges.outer, edges.full, rising)
        along, lengths = (jnp.concatenate(pair) for pair in zip(inner, outer, strict=True))
        balls = self._balls(cut, along, lengths, resolution)
        if self.hardest:
            balls = balls.times(-jnp.ones(()))
            line = _graded_rule(-_FAR, edges.full, scale, _WHOLE * resolution.order)
        else:
            beyond = unit_panels(1, _FULL * resolution.order)
            line = on_intervals(edges.full, jnp.asarray(_FAR), beyond)
        return spread_line(self, *line, resolution).joined(balls)

    def separator(self, nodes: KeptNodes) -> Scalar:
        """None from dimension 2 on: both signs of every direction are kept."""
        return jnp.zeros(())

    def cut(self, level: Scalar) -> Scalar:
        """q."""
        return jnp.exp(-level if self.hardest else level)

    def _balls(
        self, cut: Scalar, along: Values, lengths: Values, resolution: Resolution
    ) -> KeptNodes:
        """The balls at these s; across them v runs over |v| < min(R, 8.5)."""
        across = disc_rule(_ACROSS * resolution.order, odd=self.dim % 2 == 1)
        reach = cut * (1.0 + jnp.exp(jnp.minimum(self.norm * along, _OVERFLOW)))
        square = jnp.maximum(self.stretch * (reach - along) * (reach + along), _TINY)
        inside = jnp.minimum(square, _WIDEST**2)
        width = jnp.sqrt(inside)
        nodes, weights = map(jnp.asarray, across)
        second = jnp.outer(width, nodes)
        left = jnp.outer(inside, 1.0 - nodes**2) + (square - inside)[:, None]
        left = jnp.maximum(left, _TINY)
        first = jnp.broadcast_to(along[:, None], second.shape)
        weight = jnp.outer(lengths * pdf(along) * width, weights) * pdf(second)
        weight = weight * density(self.model, self.axes, first, second)
        kept = chi_square_cdf(left, self.dim - 2)
        rest = kept - 2.0 * chi_square_pdf(left, self.dim)
        return KeptNodes.flat(first, second, weight * kept, weight * rest, jnp.asarray(True))


class _Edges(NamedTuple):
    """R^2 > 0 on (left, inner) and beyond outer; beyond full the ball is everything.

    Where the intervals are one, inner = outer is a place between them.
    """

    left: Scalar
    inner: Scalar
    outer: Scalar
    full: Scalar


def _edges(cut: Scalar, norm: Scalar, dim: int) -> _Edges:
    """The roots of q (1 + exp(b s)) = |s|: one is negative, none or two are positive.

    Each is approached from the side on which Newton's steps cannot leave its neighbourhood. The
    places that are no roots do not move: what one piece loses there, the next one gains.
    """
    norm = norm + _FLATTEST
    q, b = jax.lax.stop_gradient((cut, norm))
    left = _newton(lambda s: cut * (1.0 + jnp.exp(norm * s)) + s, -q)
    height = -jnp.log(b * q) - b * q - 1.0
    meets = height > 0.0
    safe = jnp.where(meets, cut, 0.1 / norm)

    def excess(place):
        """Concave in s > q, with its maximum, the height, at q + 1/b."""
        return jnp.log(place / safe - 1.0) - norm * place

    still = jax.lax.stop_gradient(safe)
    top, width = still + 1.0 / b, jnp.sqrt(2.0 * jnp.where(meets, height, 1.0)) / b
    inner = _newton(excess, jnp.maximum(2.0 * still, top - width))
    outer = _newton(excess, top + width)
    lowest = jnp.clip(-jnp.log(b * q) / b, 0.0, _FAR)
    inner = jnp.where(meets, jnp.minimum(inner, _FAR), lowest)
    outer = jnp.where(meets, jnp.minimum(outer, _FAR), lowest)
    widest = math.hypot(math.sqrt(dim - 1.0) + _BEYOND, _FAR)
    full = jnp.log(jnp.maximum(widest / q - 1.0, 1.0)) / b
    full = jnp.clip(full, jax.lax.stop_gradient(outer), _FAR)
    return _Edges(jnp.maximum(left, -_FAR), inner, outer, full)


def _newton(function: Callable[[Scalar], Scalar], start: Scalar) -> Scalar:
    """The root by Newton's method, with exact derivatives."""

    def improve(_, root):
        value, slope = jax.jvp(function, (root,), (jnp.ones_like(root),))
        return root - value / slope

    root = jax.lax.stop_gradient(jax.lax.fori_loop(0, _NEWTON_STEPS, improve, start))
    near = 1e-6 * jnp.abs(root)
    return polish(function, root - near, root + near)


def _sine_rule(low: Scalar, high: Scalar, scale: Scalar, count: int) -> Pair:
    """From low < 0 to high > 0: square roots at both ends, spaced as ``scale`` near 0."""
    angles, lengths = _angles(count, -0.5 * np.pi)
    start, end = jnp.arcsinh(low / scale), jnp.arcsinh(high / scale)
    middle, half = 0.5 * (start + end), 0.5 * (end - start)
    places = middle + half * np.sin(angles)
    return scale * jnp.sinh(places), scale * half * jnp.cosh(places) * (np.cos(angles) * lengths)


def _rising_rule(low: Scalar, high: Scalar, count: int) -> Pair:
    """From low, a square root, to high."""
    angles, lengths = _angles(count, 0.0)
    size = high - low
    return low + size * (1.0 - np.cos(angles)), size * (np.sin(angles) * lengths)


def _graded_rule(low: float, high: Scalar, scale: Scalar, count: int) -> Pair:
    """From low to high, spaced as ``scale`` near 0."""
    start, end = jnp.arcsinh(low / scale), jnp.arcsinh(high / scale)
    places, lengths = on_intervals(start, end, unit_panels(1, count))
    return scale * jnp.sinh(places), scale * jnp.cosh(places) * lengths


def _angles(count: int, start: float) -> Rule:
    """Gauss-Legendre from ``start`` to pi/2."""
    return Rule(*panel_nodes(np.array([start, 0.5 * np.pi]), count))
