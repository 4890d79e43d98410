"""Maximum likelihood on samples that were kept for their residual, which knows that they were."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import special, stats

_STEPS = 100
_TOLERANCE = 1e-10
_LONGEST = 1.0  # step of an output, in units of the noise


def kept_information(fraction: float, *, hardest: bool) -> float:
    """kappa = E[xi^2 | kept], xi ~ N(0, 1) kept for its size: what a kept sample knows."""
    if fraction == 1.0:
        return 1.0
    cut = float(stats.norm.isf(0.5 * fraction if hardest else 0.5 * (1.0 - fraction)))
    edge = 2.0 * cut * float(stats.norm.pdf(cut)) / fraction
    return 1.0 + edge if hardest else 1.0 - edge


class Truncated(NamedTuple):
    """Kept samples of replicates, in units of the noise; the last is that at the edge.

    Given the last, the others are independent draws of the law truncated there.

    Args:
        covariates, residuals: x and y - w_p.x, shapes (r, m, d) and (r, m).
        hardest: whether the others are larger in size than the last.
    """

    covariates: Float[np.ndarray, "r m d"]
    residuals: Float[np.ndarray, "r m"]
    hardest: bool

    @property
    def cut(self) -> Float[np.ndarray, "r 1"]:
        """c, the size of the residual at the edge."""
        return np.abs(self.residuals[:, -1:])

    def least_squares(self) -> Float[np.ndarray, "r d"]:
        """The offset w - w_p over sigma of least squares, which takes the samples as they come."""
        second = np.einsum("rmd,rme->rde", self.covariates, self.covariates)
        first = np.einsum("rmd,rm->rd", self.covariates, self.residuals)
        return np.linalg.solve(second, first[:, :, None])[:, :, 0]

    def moments(
        self, output: Float[np.ndarray, "r m"]
    ) -> tuple[Float[np.ndarray, "r m"], Float[np.ndarray, "r m"]]:
        """Mean and variance of a kept residual ({eq}`eq-truncated-moments`)."""
        near, far = (stats.norm.pdf(self.cut + side * output) for side in (-1.0, 1.0))
        size, turn = np.abs(output), 1.0 if self.hardest else -1.0
        # Beyond the edge, or between the edges, from the tail that does not cancel.
        mass = special.ndtr(turn * (size - self.cut)) + turn * special.ndtr(-size - self.cut)
        first = turn * (near - far) / mass
        second = turn * ((self.cut - output) * near + (self.cut + output) * far) / mass
        return output + first, 1.0 + second - first**2

    def fit(self) -> tuple[Float[np.ndarray, "r d"], Bool[np.ndarray, " r"]]:
        """The offset w - w_p of highest likelihood over sigma, and whether Newton's steps ended.

        The likelihood is concave; a step that would move an output by more than one noise is
        shortened.
        """
        rows, residuals = self.covariates[:, :-1], self.residuals[:, :-1]
        students = np.zeros((len(rows), rows.shape[2]))
        size = np.full(len(students), np.inf)
        for _ in range(_STEPS):
            output = np.einsum("rmd,rd->rm", rows, students)
            mean, variance = self.moments(output)
            push = np.einsum("rmd,rm->rd", rows, residuals - mean)
            weighted = variance[:, :, None] * rows
            hessian = np.einsum("rmd,rme->rde", weighted, rows)
            step = np.linalg.solve(hessian, push[:, :, None])[:, :, 0]
            moved = np.max(np.abs(np.einsum("rmd,rd->rm", rows, step)), axis=1)
            students = students + step / np.maximum(moved / _LONGEST, 1.0)[:, None]
            size = moved
            if np.max(size) < _TOLERANCE:
                break
        return students, size < 1e-6


def draw_kept(
    rng: np.random.Generator,
    count: int,
    num_samples: int,
    num_kept: int,
    dim: int,
    *,
    hardest: bool,
) -> Truncated:
    """What is kept of ``num_samples`` residuals xi ~ N(0, 1), with their x ~ N(0, I), in law.

    The mass beyond the edge is that of an order statistic of uniform numbers, and the others are
    uniform beyond it: so many rows are drawn as are kept.
    """
    edge = rng.beta(num_kept, num_samples - num_kept + 1, size=(count, 1))
    inside = edge * rng.uniform(size=(count, num_kept - 1))
    mass = np.concatenate([inside, edge], axis=1)
    sizes = -special.ndtri(0.5 * mass if hardest else 0.5 * (1.0 - mass))
    signs = np.where(rng.uniform(size=sizes.shape) < 0.5, 1.0, -1.0)
    return Truncated(rng.normal(size=(count, num_kept, dim)), signs * sizes, hardest)
