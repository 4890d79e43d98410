"""A kept law by quadrature: nodes in x, with the noise integrated in closed form."""

from collections.abc import Callable
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp

from nfl_sim.gaussian import bisect, polish
from nfl_sim.theory.linear.gaussian_nodes import elliptic_nodes
from nfl_sim.theory.linear.law import (
    Expansion,
    Fluctuation,
    Jet,
    KeptNodes,
    LinearLaw,
    Matrix,
    Nested,
    Plane,
    jet_in_mass,
    numbers_agree,
)
from nfl_sim.theory.linear.node_moments import NodeMoments
from nfl_sim.theory.second_order import Cut
from nfl_sim.validation import Scalar

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
        deviation, moving = jet_in_mass(lambda at: self._deviation(self.fine.nodes(at)), level)
        coarse, coarse_mass = self._deviation(self.coarse.nodes(level))
        drift = (coarse_mass - fraction) * deviation.slope
        excess = jnp.sum(deviation.value**2)
        error = jnp.abs(excess - jnp.sum((coarse - drift) ** 2))
        scale = jnp.sum(self.teacher**2) + self.noise_std**2
        # Where nothing is discarded the level moves no mass, and 1 - r multiplies the slopes.
        moving |= fraction >= 1.0
        return Expansion(
            threshold=self.sign * level,
            cut=Cut.of_top(fraction),
            deviation=Jet(*(vector @ self.axes for vector in deviation)),
            fluctuation=self._fluctuation(nodes, fraction).times(1.0 / fraction),
            numerical_error=error,
            converged=numbers_agree(nodes, fraction, excess, error, scale) & moving,
        )

    def nested(self) -> Nested:
        """On the same grids."""
        offset = self.axes @ (self.teacher - self.reference)
        one = jnp.ones(())
        return Nested(
            top=self.fine.nodes,
            coarse=self.coarse.nodes,
            level=lambda mass: _level(self.fine, mass),
            threshold=lambda level: self.sign * level,
            whole=elliptic_nodes(one, one, offset, self.noise_std, self.dim),
            axes=self.axes,
            reference=self.reference,
            teacher=self.teacher,
            noise_std=self.noise_std,
            beyond=self.fine.nodes,
            coarse_beyond=self.coarse.nodes,
        )

    def _deviation(self, nodes: KeptNodes) -> tuple[Plane, Scalar]:
        """w_inf - w0 along the axes, and the kept mass."""
        moments = NodeMoments((nodes,), jnp.sum(nodes.mass), self.dim)

        def pull(nodes):
            return self.noise_std * nodes.noise

        return moments.solve(pull, self.axes @ self.teacher, self.penalty), moments.total

    def _fluctuation(self, nodes: KeptNodes, fraction: Scalar) -> Fluctuation:
        moments = NodeMoments((nodes,), fraction, self.dim)
        gap = moments.solve(lambda n: n.residual, self.axes @ self.reference, self.penalty)
        matrix, off_plane = moments.second()
        shrink = jnp.linalg.inv(matrix + self.penalty * jnp.eye(2))
        across = 1.0 / (off_plane + self.penalty)
        return moments.fluctuation(gap, shrink, across).in_frame(self.axes)


def _level(grid: Grid, fraction: Scalar) -> Scalar:
    """The level above which the mass ``fraction`` is kept."""
    # At fraction 1 every level below all scores would do; stop where the mass falls short of it.
    target = jnp.minimum(fraction, 1.0 - 1e-13)
    still = jax.lax.stop_gradient(target)

    low, high = (jax.lax.stop_gradient(end) for end in (grid.low, grid.high))
    bracket = bisect(lambda level: grid.mass(level) > still, low, high, steps=_BISECTIONS)
    return polish(lambda level: grid.mass(level) - target, *bracket)
