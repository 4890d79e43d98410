"""The 1/n terms: one formula for every kept law."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.validation import Scalar


def finite_size(cut: Scalar, *, slope: Scalar, curvature: Scalar, sampling: Scalar) -> Scalar:
    """C in E[excess] = l(p) + C/n + o(1/n) for a rule that knows the top k = pn of n samples.

    C = (1 - p) l'(p) + p (1 - p) l''(p) / 2 + sampling.

    Given the score of the first sample below the top, those in the top are i.i.d. from the law of
    the top at a random cut with law Beta(k + 1, n - k), and those below are i.i.d. from the rest:
    the first two terms average l over it.

    Args:
        cut: p in [0, 1]; the kept fraction, if only the top is kept.
        slope, curvature: l'(p) and l''(p), where l is the population excess risk at fixed counts.
        sampling: the coefficient c in l + c/n for samples that are i.i.d. in each stratum.

    Returns:
        C, as accurate as the arguments.

    References: {eq}`eq-finite-size` in theory_notes/03_linear.md.
    """
    rest = 1.0 - cut
    return rest * slope + 0.5 * cut * rest * curvature + sampling


def top_covariance(
    cut: Scalar,
    dim: Scalar | int,
    *,
    plane: Float[Array, "2 2"],
    perpendicular: Scalar,
    slope: Float[Array, " 2"],
) -> Float[Array, "3 3"]:
    """lim n Cov of the student: the sampling of rows, and the threshold's own p (1 - p) w' w'^T.

    Args:
        cut: p in [0, 1], the fraction beyond the threshold.
        dim: dimension; rows of directions that do not exist are nan.
        plane, perpendicular: n Cov of the student on samples that are i.i.d. in each stratum, in
            the plane (e_1, e_2) and along any further direction.
        slope: w'(p) in the plane.

    References: {eq}`eq-random-threshold` in theory_notes/03_linear.md.
    """
    threshold = cut * (1.0 - cut) * jnp.outer(slope, slope)
    full = jnp.zeros((3, 3)).at[:2, :2].set(plane + threshold)
    full = full.at[2, 2].set(perpendicular)
    missing = np.arange(3.0) >= dim
    return jnp.where(missing[:, None] | missing[None, :], jnp.nan, full)
