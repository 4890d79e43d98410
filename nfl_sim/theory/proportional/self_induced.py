"""The penalty that least squares in high dimension induces on itself."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.gaussian import polish, solve_increasing
from nfl_sim.validation import Scalar

Shares = Float[Array, " k"]
_TOLERANCE = 1e-12


def self_induced_penalty(penalty: Scalar, inverse: Scalar) -> Scalar:
    """The root kappa >= 0 of penalty = kappa - inverse kappa / (1 + kappa).

    Args:
        penalty: lambda >= 0.
        inverse: dimensions a kept sample.

    References: {eq}`eq-self-induced-penalty` in theory_notes/05_proportional_limit.md.
    """
    surplus = penalty + inverse - 1.0
    root = jnp.sqrt(surplus**2 + 4.0 * penalty)
    bottom = jnp.where(surplus < 0.0, root - surplus, 1.0)
    return jnp.where(surplus < 0.0, 2.0 * penalty / bottom, 0.5 * (surplus + root))


def stiffness(shares: Shares, weights: Shares, ratio: Scalar, ridge: Scalar) -> Scalar:
    """The largest root s = 1/V of s = ridge + ratio E[omega s / (s + omega)].

    The right side is concave in s, so that Newton's method falls to the root from that of equal
    weights, which is above it by Jensen's inequality.

    Args:
        shares: of the kept samples, of sum 1.
        weights: omega > 0 of each share.
        ratio: kept samples a dimension.
        ridge: penalty times ratio times E[omega], >= 0.

    Returns:
        s >= 0, which is 0 where the student interpolates.

    References: {eq}`eq-calibrated-stiffness` in theory_notes/08_calibration.md.
    """

    def surplus(shares: Shares, weights: Shares, ratio: Scalar, ridge: Scalar):
        def of(root: Scalar) -> Scalar:
            return root - ridge - ratio * jnp.sum(shares * weights * (root / (root + weights)))

        return of

    given = (shares, weights, ratio, ridge)
    still = jax.lax.stop_gradient(given)
    mean = jnp.sum(still[0] * still[1])
    equal = mean * self_induced_penalty(still[3] / mean, still[2])
    rough = solve_increasing(surplus(*still), jnp.zeros(()), 2.0 * equal, tolerance=_TOLERANCE)
    return polish(surplus(*given), rough, rough)
