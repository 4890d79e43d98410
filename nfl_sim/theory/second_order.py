"""The 1/n terms: one formula for every kept law."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.validation import Scalar


def finite_size(fraction: Scalar, *, slope: Scalar, curvature: Scalar, iid: Scalar) -> Scalar:
    """C in E[excess] = l(r) + C/n + o(1/n) for a rule that keeps the top m of n samples.

    C = (1 - r) l'(r) + r (1 - r) l''(r) / 2 + iid / r.

    Given the score of the first discarded sample, the kept ones are i.i.d. from the pruned law at
    a random fraction with law Beta(m + 1, n - m): the first two terms average l over it.

    Args:
        fraction: r in (0, 1].
        slope, curvature: l'(r) and l''(r), where l is the population excess risk.
        iid: the coefficient c in l + c/m for m i.i.d. samples of the pruned law.

    Returns:
        C, as accurate as the arguments.

    References: {eq}`eq-finite-size` in theory_notes/03_linear.md.
    """
    rest = 1.0 - fraction
    return rest * slope + 0.5 * fraction * rest * curvature + iid / fraction


def top_covariance(
    fraction: Scalar,
    dim: Scalar | int,
    *,
    plane: Float[Array, "2 2"],
    perpendicular: Scalar,
    slope: Float[Array, " 2"],
) -> Float[Array, "3 3"]:
    """lim n Cov of the student: the sampling of m rows, and the threshold's own r (1 - r) w' w'^T.

    Args:
        fraction: r in (0, 1].
        dim: dimension; rows of directions that do not exist are nan.
        plane, perpendicular: m Cov of the student on m i.i.d. samples of the pruned law, in the
            plane (e_1, e_2) and along any further direction.
        slope: w'(r) in the plane.

    References: {eq}`eq-random-threshold` in theory_notes/03_linear.md.
    """
    threshold = fraction * (1.0 - fraction) * jnp.outer(slope, slope)
    full = jnp.zeros((3, 3)).at[:2, :2].set(plane / fraction + threshold)
    full = full.at[2, 2].set(perpendicular / fraction)
    missing = np.arange(3.0) >= dim
    return jnp.where(missing[:, None] | missing[None, :], jnp.nan, full)
