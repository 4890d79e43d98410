"""Scores that see z along the probe only: EL2N, Loss, Margin, Uncertainty, and no score at all."""

import abc
import math
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.gaussian import on_intervals, pdf, trapezoidal_normal_rule, unit_panels
from nfl_sim.models import Logistic
from nfl_sim.theory.logistic.law import (
    KeptNodes,
    LogisticLaw,
    Matrix,
    Resolution,
    Values,
    density,
)
from nfl_sim.validation import Scalar

REACH = 9.5
_FINEST = 1e-7
_PANELS = 6

Edges = Float[Array, " p"]


class MarginLaw(LogisticLaw):
    """Kept where z along the first axis lies in a union of intervals, whatever lies across."""

    model: eqx.AbstractVar[Logistic]
    axes: eqx.AbstractVar[Matrix]
    others: eqx.AbstractVar[Scalar]
    flat: eqx.AbstractVar[bool]

    @abc.abstractmethod
    def panels(self, level: Scalar, refinement: int) -> tuple[Edges, Edges]:
        """Lower and upper ends of panels that fill the kept intervals."""

    def nodes(self, level: Scalar, resolution: Resolution) -> KeptNodes:
        """Gauss-Legendre along the first axis, the trapezoidal rule across it."""
        return spread(self, self.panels(level, resolution.along), resolution)

    def separator(self, nodes: KeptNodes) -> Scalar:
        """The side of the boundary that holds no mass, {eq}`eq-separability-fraction`."""
        return probe_side(nodes)


def probe_side(nodes: KeptNodes) -> Scalar:
    """-1 or 1 if all mass lies on that side of the first axis, else 0."""
    above = jnp.sum(jnp.where(nodes.first > 0.0, nodes.mass, 0.0))
    below = jnp.sum(jnp.where(nodes.first < 0.0, nodes.mass, 0.0))
    return jnp.where(below == 0.0, 1.0, 0.0) - jnp.where(above == 0.0, 1.0, 0.0)


def spread(law: LogisticLaw, panels: tuple[Edges, Edges], resolution: Resolution) -> KeptNodes:
    """The nodes of z on panels along the first axis."""
    along, lengths = on_intervals(*panels, unit_panels(1, resolution.order))
    return spread_line(law, along.ravel(), lengths.ravel(), resolution)


def spread_line(
    law: LogisticLaw, along: Values, lengths: Values, resolution: Resolution
) -> KeptNodes:
    """The nodes of z from those of its first coordinate and their Lebesgue weights."""
    share = lengths * pdf(along)
    across = trapezoidal_normal_rule(resolution.step if not law.flat else None)
    first, second = jnp.meshgrid(along, jnp.asarray(across.nodes), indexing="ij")
    mass = jnp.outer(share, jnp.asarray(across.weights)) * density(
        law.model, law.axes, first, second
    )
    return KeptNodes.flat(first, second, mass, mass, jnp.asarray(True))


def whole_line(refinement: int) -> tuple[Edges, Edges]:
    """Panels of the whole line, graded about 0."""
    outer = np.linspace(1.0, REACH, _PANELS * refinement + 1)
    half = np.concatenate([[0.0, 0.02, 0.08, 0.3], outer])
    edges = jnp.asarray(np.concatenate([-half[:0:-1], half]))
    return edges[:-1], edges[1:]


@final
class HalfLine(MarginLaw):
    """Kept where z along the first axis is below the level."""

    model: Logistic
    axes: Matrix
    others: Scalar
    flat: bool
    low: Scalar = eqx.field(default_factory=lambda: jnp.asarray(-REACH))
    high: Scalar = eqx.field(default_factory=lambda: jnp.asarray(REACH))
    complete: float = math.inf

    def panels(self, level: Scalar, refinement: int) -> tuple[Edges, Edges]:
        """Panels graded from the level down: near separation the student is as steep as 1/level."""
        scale = jax.lax.stop_gradient(jnp.clip(jnp.abs(level), _FINEST, 1.0))
        grades = np.linspace(0.0, 1.0, 8 * refinement + 1)
        fine = scale * jnp.sinh(grades * jnp.arcsinh(1.5 / scale))
        wide = jnp.linspace(1.5, REACH, _PANELS * refinement + 1)
        below = jnp.minimum(level, 0.0) - jnp.concatenate([fine, wide[1:]])
        above = jnp.maximum(level, 0.0) * jnp.linspace(0.0, 1.0, _PANELS * refinement + 1)
        low = jnp.concatenate([below[1:], above[:-1]])
        return low, jnp.concatenate([below[:-1], above[1:]])


@final
class Slab(MarginLaw):
    """Kept where |z| along the first axis is below the level, or (outside) above -level."""

    model: Logistic
    axes: Matrix
    others: Scalar
    flat: bool
    outside: bool
    low: Scalar
    high: Scalar
    complete: float

    @classmethod
    def of(
        cls, model: Logistic, axes: Matrix, others: Scalar, flat: bool, *, outside: bool
    ) -> "Slab":
        """The slab with its range of levels."""
        low, high = (-REACH, 0.0) if outside else (0.0, REACH)
        complete = 0.0 if outside else math.inf
        low, high = jnp.asarray(low), jnp.asarray(high)
        return cls(
            model=model,
            axes=axes,
            others=others,
            flat=flat,
            outside=outside,
            low=low,
            high=high,
            complete=complete,
        )

    def panels(self, level: Scalar, refinement: int) -> tuple[Edges, Edges]:
        """Even panels of the interval, or of the two tails."""
        count = _PANELS * refinement
        if not self.outside:
            edges = level * jnp.linspace(-1.0, 1.0, 2 * count + 1)
            return edges[:-1], edges[1:]
        tail = -level + jnp.linspace(0.0, REACH, 2 * count + 1)
        low, high = tail[:-1], tail[1:]
        return jnp.concatenate([low, -high]), jnp.concatenate([high, -low])


@final
class Everything(LogisticLaw):
    """No score has a say: the law of all samples, at the kept fraction ``level``."""

    model: Logistic
    axes: Matrix
    others: Scalar
    flat: bool
    low: Scalar = eqx.field(default_factory=lambda: jnp.asarray(0.0))
    high: Scalar = eqx.field(default_factory=lambda: jnp.asarray(1.0))
    complete: float = 1.0

    def nodes(self, level: Scalar, resolution: Resolution) -> KeptNodes:
        """All nodes, each with the same part of its mass."""
        nodes = spread(self, whole_line(resolution.along), resolution)
        return nodes._replace(mass=level * nodes.mass, rest=level * nodes.rest)

    def separator(self, nodes: KeptNodes) -> Scalar:
        """None: 0."""
        return jnp.zeros(())
