"""Scores that see z along the probe and its length: GraNd, and Leverage, which asks no probe."""

import math
from typing import NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import (
    bisect,
    chi_square_cdf,
    on_intervals,
    panel_nodes,
    pdf,
    polish,
    unit_panels,
)
from nfl_sim.models import Logistic
from nfl_sim.theory.logistic.law import KeptNodes, LogisticLaw, Matrix, Resolution, density
from nfl_sim.theory.logistic.margin_law import REACH, spread, whole_line
from nfl_sim.validation import Scalar

_WIDEST = 9.0
_BISECTIONS = 50
_ANGLES = 6
_GRADED = np.array([0.0, 0.02, 0.08, 0.3, 1.0, 2.0, 3.5, 5.0, 7.0, REACH])
_EVEN = np.linspace(0.0, 1.0, 8)
_ROOTS = np.array([0.0, 0.1, 0.35, 1.0])

Values = Float[Array, "..."]


@final
class BallLaw(LogisticLaw):
    """GraNd, sigma(-b s) |z| against q: at fixed s, a ball of squared radius R^2 across the probe.

    R(s)^2 = (q (1 + exp(b s)))^2 - s^2.

    The hardest are everything minus the balls, the easiest are the balls. The level is log q for
    the easiest and -log q for the hardest.

    Args:
        dim: dimension of the covariates, >= 2.
        norm: b, the length of the probe; 0 makes it |z|/2.
        hardest: which side is kept.
    """

    model: Logistic
    axes: Matrix
    others: Scalar
    flat: bool
    dim: int
    norm: Scalar
    hardest: bool
    low: Scalar
    high: Scalar
    complete: float = math.inf

    @classmethod
    def of(
        cls, model: Logistic, axes: Matrix, dim: int, norm: Scalar, *, hardest: bool
    ) -> "BallLaw":
        """The law with its range of levels."""
        top = float(np.log(np.sqrt(dim) + 12.0))
        low, high = (-top, 30.0) if hardest else (-30.0, top)
        others = jnp.asarray(dim - 2.0)
        low, high = jnp.asarray(low), jnp.asarray(high)
        return cls(
            model=model,
            axes=axes,
            others=others,
            flat=False,
            dim=dim,
            norm=norm,
            hardest=hardest,
            low=low,
            high=high,
        )

    def nodes(self, level: Scalar, resolution: Resolution) -> KeptNodes:
        """Everything minus the balls, or the balls."""
        balls = self._balls(self.cut(level), resolution)
        if not self.hardest:
            return balls
        whole = spread(self, whole_line(resolution.along), resolution)
        balls = balls._replace(mass=-balls.mass, rest=-balls.rest)
        joined = [jnp.concatenate(pair) for pair in zip(whole[:4], balls[:4], strict=True)]
        return KeptNodes(joined[0], joined[1], joined[2], joined[3], jnp.asarray(True))

    def separator(self, nodes: KeptNodes) -> Scalar:
        """None from dimension 2 on: both signs of every direction are kept."""
        return jnp.zeros(())

    def cut(self, level: Scalar) -> Scalar:
        """q."""
        return jnp.exp(-level if self.hardest else level)

    def _balls(self, cut: Scalar, resolution: Resolution) -> KeptNodes:
        """Nodes s on the intervals where R > 0; across them v = min(R, 9) sin(angle)."""
        along, share = _along(_edges(cut, self.norm), resolution)
        reach = cut * (1.0 + jnp.exp(jnp.minimum(self.norm * along, 50.0)))
        square = jnp.maximum((reach - along) * (reach + along), 0.0)
        count = _ANGLES * resolution.across
        edges = np.linspace(-0.5 * np.pi, 0.5 * np.pi, count + 1)
        angles, lengths = (a[None, :] for a in panel_nodes(edges, resolution.order))
        square, along, share = square[:, None], along[:, None], share[:, None]
        width2 = jnp.minimum(square, _WIDEST**2)
        width = jnp.where(width2 > 0.0, jnp.sqrt(jnp.where(width2 > 0.0, width2, 1.0)), 0.0)
        second = width * np.sin(angles)
        left = (square - width2) + width2 * np.cos(angles) ** 2
        left = jnp.where(left > 0.0, left, 1e-30)
        first = jnp.broadcast_to(along, second.shape)
        weight = share * pdf(first) * pdf(second) * width * (np.cos(angles) * lengths)
        weight = weight * density(self.model, self.axes, first, second)
        mass, rest = (weight * chi_square_cdf(left, dim) for dim in (self.dim - 2, self.dim))
        return KeptNodes.flat(first, second, mass, rest, jnp.asarray(True))


class _Edges(NamedTuple):
    """R^2 > 0 on (left, inner) and on (outer, 9.5)."""

    left: Scalar
    inner: Scalar
    outer: Scalar


def _edges(cut: Scalar, norm: Scalar) -> _Edges:
    """The roots of q (1 + exp(b s)) = |s|: one is negative, none or two are positive."""

    def excess(place):
        return cut * (1.0 + jnp.exp(jnp.minimum(norm * place, 50.0))) - jnp.abs(place)

    def root(low, high, *, falling):
        bracket = bisect(lambda s: (excess(s) > 0.0) == falling, low, high, steps=_BISECTIONS)
        return polish(excess, *bracket)

    still, slope = jax.lax.stop_gradient((cut, norm))
    steep = slope * still
    lowest = -jnp.log(jnp.where(steep > 0.0, steep, 1.0)) / jnp.where(slope > 0.0, slope, 1.0)
    lowest = jnp.where(steep > 0.0, jnp.clip(lowest, 1e-6, REACH), REACH)
    lowest = jnp.where(steep >= 1.0, 1.0, lowest)
    left = root(-2.0 * still - 1e-300, 0.0 * still, falling=False)
    meets = excess(lowest) < 0.0
    inner = jnp.where(meets, root(0.0 * still, lowest, falling=True), lowest)
    beyond = excess(jnp.asarray(REACH)) > 0.0
    outer = jnp.where(beyond, root(lowest, jnp.asarray(REACH), falling=False), REACH)
    outer = jnp.where(meets, outer, lowest)
    return _Edges(jnp.maximum(left, -REACH), inner, outer)


def _along(edges: _Edges, resolution: Resolution) -> tuple[Values, Values]:
    """Nodes and weights of s: graded about 0, and dense where R vanishes as a square root."""
    sides = [
        _panels_to(edges.left, resolution, from_zero=True),
        _panels_to(edges.inner, resolution, from_zero=True),
    ]
    points, weights = _panels_to(edges.outer - REACH, resolution, from_zero=False)
    nodes, lengths = zip(*sides, (REACH + points, weights), strict=True)
    return jnp.concatenate(nodes), jnp.concatenate(lengths)


def _panels_to(end: Scalar, resolution: Resolution, *, from_zero: bool) -> tuple[Values, Values]:
    """Nodes from 0 to ``end``, the last quarter, or less, as end - u^2."""
    size, count = jnp.abs(end), resolution.along
    last = jnp.minimum(0.25 * size, 1.0)
    grades = _refined(_GRADED if from_zero else _EVEN, count)
    grades = jnp.asarray(grades)
    grades = jnp.minimum(grades, size - last) if from_zero else grades * (size - last)
    inner, inner_weights = on_intervals(grades[:-1], grades[1:], unit_panels(1, resolution.order))
    roots, lengths = panel_nodes(_refined(_ROOTS, count), resolution.order)
    nodes = jnp.concatenate([inner.ravel(), size - last * roots**2])
    weights = jnp.concatenate([inner_weights.ravel(), 2.0 * last * roots * lengths])
    return jnp.sign(end) * nodes, weights


def _refined(edges: np.ndarray, count: int) -> np.ndarray:
    """Each panel cut into ``count``."""
    return np.interp(np.arange((len(edges) - 1) * count + 1) / count, np.arange(len(edges)), edges)
