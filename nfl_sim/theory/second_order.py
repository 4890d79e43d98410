"""The 1/n terms: one formula for every kept law."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.validation import Scalar


class Cut(NamedTuple):
    """Where n samples cut: a random place about that of the limit.

    Args:
        drift: n times its bias.
        variance: n times its variance.
    """

    drift: Scalar
    variance: Scalar

    @classmethod
    def of_top(cls, fraction: Scalar) -> "Cut":
        """Of a rule that knows the top k = pn of n samples, with p = ``fraction``.

        Given the score of the first sample below the top, those in the top are i.i.d. from the law
        of the top at a random cut with law Beta(k + 1, n - k), and those below are i.i.d. from the
        rest.
        """
        rest = 1.0 - fraction
        return cls(rest, fraction * rest)


def finite_size(cut: Cut, *, slope: Scalar, curvature: Scalar, sampling: Scalar) -> Scalar:
    """C in E[excess] = l + C/n + o(1/n) for a student that moves with a random cut p.

    C = drift l'(p) + variance l''(p) / 2 + sampling: the first two terms average l over the cut.

    Args:
        cut: its noise.
        slope, curvature: l'(p) and l''(p), where l is the population excess risk at fixed counts.
        sampling: the coefficient c in l + c/n for samples at a fixed cut.

    Returns:
        C, as accurate as the arguments.

    References: {eq}`eq-finite-size` in theory_notes/03_linear.md.
    """
    return cut.drift * slope + 0.5 * cut.variance * curvature + sampling


def student_covariance(
    cut: Cut,
    dim: Scalar | int,
    *,
    plane: Float[Array, "2 2"],
    perpendicular: Scalar,
    slope: Float[Array, " 2"],
) -> Float[Array, "3 3"]:
    """lim n Cov of the student: the sampling of rows, and the cut's own variance times w' w'^T.

    Args:
        cut: its noise.
        dim: dimension; rows of directions that do not exist are nan.
        plane, perpendicular: n Cov of the student on samples that are i.i.d. in each stratum, in
            the plane (e_1, e_2) and along any further direction.
        slope: w'(p) in the plane.

    References: {eq}`eq-random-threshold` in theory_notes/03_linear.md.
    """
    threshold = cut.variance * jnp.outer(slope, slope)
    full = jnp.zeros((3, 3)).at[:2, :2].set(plane + threshold)
    full = full.at[2, 2].set(perpendicular)
    missing = np.arange(3.0) >= dim
    return jnp.where(missing[:, None] | missing[None, :], jnp.nan, full)
