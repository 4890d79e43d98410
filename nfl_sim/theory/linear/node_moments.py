"""Expectations under a kept law that is given by weighted nodes."""

from typing import NamedTuple, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.theory.linear.law import Fluctuation, Matrix, Plane
from nfl_sim.validation import Scalar


class KeptNodes(NamedTuple):
    """The kept law as weighted nodes; all arrays broadcast to one shape.

    With y = w0.x + noise_std * xi, a node stands for a point x and for the law of xi there.

    Args:
        first, second: coordinates of x along the two axes of the plane.
        rest: squared length of x off the plane.
        mass, noise, square: E[xi^j 1{kept}] at the node for j = 0, 1, 2, times its weight.
        resolved: whether the kept set was followed at every node.
    """

    first: Float[Array, "..."]
    second: Float[Array, "..."]
    rest: Float[Array, "..."]
    mass: Float[Array, "..."]
    noise: Float[Array, "..."]
    square: Float[Array, "..."]
    resolved: Bool[Array, ""]


@final
class NodeMoments(eqx.Module):
    """Expectations under the kept law, in the axes of the nodes."""

    nodes: KeptNodes
    fraction: Scalar
    noise_std: Scalar
    dim: int

    def mean(self, values: Float[Array, "..."]) -> Scalar:
        """Sum over the nodes of values that already carry the mass."""
        return jnp.sum(values) / self.fraction

    def second(self) -> tuple[Matrix, Scalar]:
        """A: its plane block, and its value along any further direction.

        Directions that do not exist in this dimension get a value that multiplies zeros only.
        """
        n = self.nodes
        cross = self.mean(n.mass * n.first * n.second)
        across = self.mean(n.mass * n.second**2) if self.dim > 1 else jnp.ones(())
        off_plane = self.mean(n.mass * n.rest) / (self.dim - 2) if self.dim > 2 else across
        return _symmetric(self.mean(n.mass * n.first**2), cross, across), off_plane

    def deviation(self, teacher: Plane, penalty: Scalar) -> Plane:
        """(A + penalty)^-1 (g - penalty w0)."""
        n = self.nodes
        pull = self.noise_std * self.vector(n.noise)
        matrix, _ = self.second()
        return jnp.linalg.solve(matrix + penalty * jnp.eye(2), pull - penalty * teacher)

    def vector(self, values: Float[Array, "..."]) -> Plane:
        """E[x values] in the plane."""
        return jnp.stack(
            [self.mean(values * self.nodes.first), self.mean(values * self.nodes.second)]
        )

    def fluctuation(self, gap: Plane, student: Plane, penalty: Scalar) -> Fluctuation:
        """Covariance, bias and residual of ridge at the deviation ``gap``."""
        n = self.nodes
        matrix, off_plane = self.second()
        shrink = jnp.linalg.inv(matrix + penalty * jnp.eye(2))
        across = 1.0 / (off_plane + penalty)
        missed = gap[0] * n.first + gap[1] * n.second
        residual = self.noise_std * n.noise - missed * n.mass
        squared = (
            self.noise_std**2 * n.square
            - 2.0 * self.noise_std * missed * n.noise
            + missed**2 * n.mass
        )
        cross = self.mean(squared * n.first * n.second)
        scores = _symmetric(
            self.mean(squared * n.first**2), cross, self.mean(squared * n.second**2)
        ) - penalty**2 * jnp.outer(student, student)
        length = (
            shrink[0, 0] * n.first**2
            + 2.0 * shrink[0, 1] * n.first * n.second
            + shrink[1, 1] * n.second**2
            + across * n.rest
        )
        cubic = self.vector(length * residual)
        return Fluctuation(
            covariance=shrink @ scores @ shrink,
            perpendicular=across**2 * self.mean(squared * n.rest) / max(self.dim - 2, 1),
            bias=-shrink @ (cubic - penalty * matrix @ shrink @ student),
            residual=self.mean(squared),
        )


def _symmetric(top: Scalar, cross: Scalar, bottom: Scalar) -> Matrix:
    return jnp.stack([jnp.stack([top, cross]), jnp.stack([cross, bottom])])
