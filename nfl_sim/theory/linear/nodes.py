"""A kept law by quadrature: nodes in x, with the noise integrated in closed form."""

from collections.abc import Callable
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.gaussian import bisect, polish
from nfl_sim.theory.linear.law import (
    Expansion,
    Fluctuation,
    Jet,
    LinearLaw,
    Matrix,
    Plane,
)
from nfl_sim.theory.linear.node_moments import KeptNodes, NodeMoments
from nfl_sim.validation import Scalar

_MASS_TOLERANCE = 1e-9
_ERROR_TOLERANCE = 1e-2
_BISECTIONS = 50


class Grid(eqx.Module):
    """A quadrature of what a score sees: the kept nodes above a level of its priority.

    Args:
        nodes: level -> `KeptNodes`.
        mass: level -> their total mass.
        low, high: levels between which the kept mass falls from 1 to 0.
    """

    nodes: Callable[[Scalar], KeptNodes]
    mass: Callable[[Scalar], Scalar]
    low: Scalar
    high: Scalar


@final
class NodesLaw(LinearLaw):
    """The law of the kept samples from a fine grid, its error from a coarse one.

    Args:
        fine, coarse: grids with the full and with half the nodes a panel.
        axes: rows are the two axes of the nodes' plane in the frame (e_1, e_2).
        sign: score of a priority level; 1 for keep-hardest, -1 for keep-easiest.
        reference: the student whose residual the nodes carry.
        teacher, noise_std, penalty, dim: of the problem.

    References: {eq}`eq-generic-nodes` in theory_notes/03_linear.md.
    """

    fine: Grid
    coarse: Grid
    axes: Matrix
    sign: Scalar
    reference: Plane
    teacher: Plane
    noise_std: Scalar
    penalty: Scalar
    dim: int

    def expand(self, fraction: Scalar) -> Expansion:
        """Moments over the fine grid; the error is its difference from the coarse one."""
        level = _level(self.fine, fraction)
        nodes = self.fine.nodes(level)
        deviation, moving = self._deviation_jet(level)
        coarse, coarse_mass = self._deviation(self.coarse.nodes(level))
        drift = (coarse_mass - fraction) * deviation.slope
        excess = jnp.sum(deviation.value**2)
        error = jnp.abs(excess - jnp.sum((coarse - drift) ** 2))
        met = self._converged(nodes, fraction, excess, error)
        return Expansion(
            threshold=self.sign * level,
            deviation=Jet(*(vector @ self.axes for vector in deviation)),
            fluctuation=self._fluctuation(nodes, fraction),
            numerical_error=error,
            converged=met & (moving | (fraction >= 1.0)),
        )

    def _deviation(self, nodes: KeptNodes) -> tuple[Plane, Scalar]:
        """w_inf - w0 along the axes, and the kept mass."""
        moments = NodeMoments(nodes, jnp.sum(nodes.mass), self.dim)
        pull = self.noise_std * nodes.noise
        return moments.solve(pull, self.axes @ self.teacher, self.penalty), moments.fraction

    def _deviation_jet(self, level: Scalar) -> tuple[Jet, Bool[Array, ""]]:
        """Derivatives in the kept mass, by those in the level; and whether the level moves it."""
        one = jnp.ones_like(level)

        def at(level):
            return self._deviation(self.fine.nodes(level))

        def slopes(level):
            return jax.jvp(at, (level,), (one,))

        (value, _), (by_level, mass_by_level) = slopes(level)
        _, (_, (twice, mass_twice)) = jax.jvp(slopes, (level,), (one,))
        # Where nothing is discarded the level moves no mass, and 1 - r multiplies the slopes.
        moving = mass_by_level < 0.0
        rate = jnp.where(moving, mass_by_level, -jnp.inf)
        slope = by_level / rate
        return Jet(value, slope, (twice - slope * mass_twice) / rate**2), moving

    def _fluctuation(self, nodes: KeptNodes, fraction: Scalar) -> Fluctuation:
        moments = NodeMoments(nodes, fraction, self.dim)
        inner = moments.fluctuation(self.axes @ self.reference, self.penalty)
        covariance = self.axes.T @ inner.covariance @ self.axes
        return inner._replace(covariance=covariance, bias=inner.bias @ self.axes)

    def _converged(
        self, nodes: KeptNodes, fraction: Scalar, excess: Scalar, error: Scalar
    ) -> Bool[Array, ""]:
        """The level set was followed, it has the right mass, and the two grids agree."""
        gap = jnp.abs(jnp.sum(nodes.mass) - fraction)
        floor = 1e-12 * (jnp.sum(self.teacher**2) + self.noise_std**2)
        met = (gap <= _MASS_TOLERANCE * fraction) & (error <= _ERROR_TOLERANCE * excess + floor)
        return met & nodes.resolved


def _level(grid: Grid, fraction: Scalar) -> Scalar:
    """The level above which the mass ``fraction`` is kept."""
    # At fraction 1 every level below all scores would do; stop where the mass falls short of it.
    target = jnp.minimum(fraction, 1.0 - 1e-13)
    still = jax.lax.stop_gradient(target)

    low, high = (jax.lax.stop_gradient(end) for end in (grid.low, grid.high))
    bracket = bisect(lambda level: grid.mass(level) > still, low, high, steps=_BISECTIONS)
    return polish(lambda level: grid.mass(level) - target, *bracket)
