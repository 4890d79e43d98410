"""Expectations under a kept law that is given by weighted nodes."""

from typing import NamedTuple, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.theory.linear.law import Fluctuation, Matrix, Plane
from nfl_sim.validation import Scalar


class KeptNodes(NamedTuple):
    """The kept law as weighted nodes; all arrays broadcast to one shape.

    With y = w0.x + noise_std * xi, a node stands for a point x and for the law of xi there. The
    residual s = y - w_ref.x is that of a fixed reference student w_ref: the probe, if there is
    one, so that nothing cancels where only small residuals are kept.

    Args:
        first, second: coordinates of x along the two axes of the plane.
        rest: squared length of x off the plane.
        mass, noise, residual, square: the weight of the node times E[1{kept}], E[xi 1{kept}],
            E[s 1{kept}] and E[s^2 1{kept}] there.
        resolved: whether the kept set was followed at every node.
    """

    first: Float[Array, "..."]
    second: Float[Array, "..."]
    rest: Float[Array, "..."]
    mass: Float[Array, "..."]
    noise: Float[Array, "..."]
    residual: Float[Array, "..."]
    square: Float[Array, "..."]
    resolved: Bool[Array, ""]


@final
class NodeMoments(eqx.Module):
    """Expectations under the kept law, in the axes of the nodes."""

    nodes: KeptNodes
    fraction: Scalar
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

    def solve(self, pull: Float[Array, "..."], student: Plane, penalty: Scalar) -> Plane:
        """(A + penalty)^-1 (E[x pull] - penalty student): w_inf minus that student.

        ``pull`` is the residual of the student at the nodes, times the mass.
        """
        matrix, _ = self.second()
        target = self.vector(pull) - penalty * student
        return jnp.linalg.solve(matrix + penalty * jnp.eye(2), target)

    def vector(self, values: Float[Array, "..."]) -> Plane:
        """E[x values] in the plane."""
        return jnp.stack(
            [self.mean(values * self.nodes.first), self.mean(values * self.nodes.second)]
        )

    def fluctuation(self, reference: Plane, penalty: Scalar) -> Fluctuation:
        """Covariance, bias and residual of ridge, by the residual of the reference student."""
        n = self.nodes
        gap = self.solve(n.residual, reference, penalty)
        student = reference + gap
        matrix, off_plane = self.second()
        shrink = jnp.linalg.inv(matrix + penalty * jnp.eye(2))
        across = 1.0 / (off_plane + penalty)
        moved = gap[0] * n.first + gap[1] * n.second
        residual = n.residual - moved * n.mass
        squared = n.square - 2.0 * moved * n.residual + moved**2 * n.mass
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
