"""Expectations under a kept law that is given by weighted nodes."""

from collections.abc import Callable
from typing import final

import equinox as eqx
import jax.numpy as jnp

from nfl_sim.theory.linear.law import Fluctuation, KeptNodes, Matrix, Plane, Values
from nfl_sim.validation import Scalar

Integrand = Callable[[KeptNodes], Values]


@final
class NodeMoments(eqx.Module):
    """Expectations under a stratum of the samples, in the axes of the nodes.

    Args:
        parts: nodes whose measures add up to the stratum; a difference is a part of negative mass.
        total: the mass of the stratum.
        dim: dimension of the covariates.
    """

    parts: tuple[KeptNodes, ...]
    total: Scalar
    dim: int

    def mean(self, integrand: Integrand) -> Scalar:
        """Of values that already carry the mass of their node."""
        return sum((jnp.sum(integrand(part)) for part in self.parts), jnp.zeros(())) / self.total

    def vector(self, integrand: Integrand) -> Plane:
        """E[x values] in the plane."""
        first = self.mean(lambda n: integrand(n) * n.first)
        return jnp.stack([first, self.mean(lambda n: integrand(n) * n.second)])

    def matrix(self, integrand: Integrand) -> Matrix:
        """E[x x' values] in the plane."""
        cross = self.mean(lambda n: integrand(n) * n.first * n.second)
        top = self.mean(lambda n: integrand(n) * n.first**2)
        bottom = self.mean(lambda n: integrand(n) * n.second**2)
        return jnp.stack([top, cross, cross, bottom]).reshape(2, 2)

    def off_plane(self, integrand: Integrand) -> Scalar:
        """E[x_j^2 values] for a direction off the plane; 0 if there is none."""
        return self.mean(lambda n: integrand(n) * n.rest) / max(self.dim - 2, 1)

    def second(self) -> tuple[Matrix, Scalar]:
        """A: its plane block, and its value along any further direction.

        Directions that do not exist in this dimension get a value that multiplies zeros only.
        """
        plane = self.matrix(_mass)
        if self.dim == 1:
            plane = plane.at[1, 1].set(1.0)
        return plane, self.off_plane(_mass) if self.dim > 2 else plane[1, 1]

    def solve(self, pull: Integrand, student: Plane, penalty: Scalar) -> Plane:
        """(A + penalty)^-1 (E[x pull] - penalty student): w_inf minus that student.

        ``pull`` is the residual of the student at the nodes, times the mass.
        """
        matrix, _ = self.second()
        target = self.vector(pull) - penalty * student
        return jnp.linalg.solve(matrix + penalty * jnp.eye(2), target)

    def pull(self, gap: Plane) -> Plane:
        """E[x e] in the plane, e the residual of the reference student plus ``gap``."""
        return self.vector(_residual(gap))

    @property
    def mass(self) -> Scalar:
        """E[1]: 1 if the stratum is normalised."""
        return self.mean(_mass)

    def residual(self, gap: Plane) -> Scalar:
        """E[e^2]; see `pull`."""
        return self.mean(_square(gap))

    def score(self, gap: Plane, still: Plane) -> Plane:
        """E[x e] - still: minus the gradient of the penalised loss; ``still`` is its penalty's."""
        return self.pull(gap) - self.mass * still

    def fluctuation(self, gap: Plane, shrink: Matrix, across: Scalar) -> Fluctuation:
        """Second order of a student from i.i.d. samples of this stratum alone, fixed in number.

        Args:
            gap: the student minus the reference student of the nodes.
            shrink, across: the inverse of the Hessian of the student's objective, in the plane
                and off it; other strata may have a part in it.
        """
        pull = self.pull(gap)
        scores = self.matrix(_square(gap)) - jnp.outer(pull, pull)
        cubic = self.vector(_length(gap, shrink, across)) - self.matrix(_mass) @ shrink @ pull
        return self._fluctuation(gap, shrink, across, scores, cubic)

    def loose_fluctuation(
        self, gap: Plane, shrink: Matrix, across: Scalar, *, still: Plane, penalty: Scalar
    ) -> Fluctuation:
        """The same where coins choose the samples: their number is random.

        Args:
            gap, shrink, across: as in `fluctuation`.
            still: penalty times the student.
            penalty: of the problem.
        """
        score = self.score(gap, still)
        cross = jnp.outer(self.pull(gap), still)
        scores = self.matrix(_square(gap)) - cross - cross.T + self.mass * jnp.outer(still, still)
        cubic = self.vector(_length(gap, shrink, across)) - self.matrix(_mass) @ shrink @ still
        return self._fluctuation(gap, shrink, across, scores, cubic + penalty * shrink @ score)

    def _fluctuation(
        self, gap: Plane, shrink: Matrix, across: Scalar, scores: Matrix, cubic: Plane
    ) -> Fluctuation:
        square = _square(gap)
        return Fluctuation(
            covariance=shrink @ scores @ shrink,
            perpendicular=across**2 * self.off_plane(square),
            bias=-shrink @ cubic,
            residual=self.residual(gap),
        )


def _residual(gap: Plane) -> Integrand:
    def residual(n: KeptNodes) -> Values:
        return n.residual - (gap[0] * n.first + gap[1] * n.second) * n.mass

    return residual


def _square(gap: Plane) -> Integrand:
    def square(n: KeptNodes) -> Values:
        moved = gap[0] * n.first + gap[1] * n.second
        return n.square - 2.0 * moved * n.residual + moved**2 * n.mass

    return square


def _length(gap: Plane, shrink: Matrix, across: Scalar) -> Integrand:
    """x' H^-1 x times the residual."""
    (a, b), (_, c) = shrink
    residual = _residual(gap)

    def length(n: KeptNodes) -> Values:
        inner = a * n.first**2 + 2.0 * b * n.first * n.second + c * n.second**2
        return (inner + across * n.rest) * residual(n)

    return length


def _mass(nodes: KeptNodes) -> Values:
    return nodes.mass
