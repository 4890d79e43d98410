"""A standard normal vector kept by its length: the radial law."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import gammainc, gammaincc, gammaln

from nfl_sim.gaussian.chi_square import chi_square_cdf
from nfl_sim.gaussian.roots import bisect
from nfl_sim.validation import Scalar

_BISECTIONS = 70


class RadialMoments(NamedTuple):
    """Moments of x ~ N(0, I_dim) given that |x| lies below, or above, a threshold.

    Args:
        threshold: the length at the cut.
        second: m = E[x_1^2 | kept].
        excess: m - 1.
        fourth: m_2 = E[|x|^4 | kept] / (dim (dim + 2)), so E[x_i x_j (D.x)^2 | kept] =
            m_2 (|D|^2 delta_ij + 2 D_i D_j).
    """

    threshold: Scalar
    second: Scalar
    excess: Scalar
    fourth: Scalar


def radial_beyond(threshold: Scalar, dim: int) -> tuple[Scalar, RadialMoments]:
    """P(|x| > threshold) for a threshold > 0, and the moments of a normal vector x there.

    Accuracy: 1e-15 absolute once multiplied by the mass.
    """
    square = threshold**2
    mass, second, fourth = (1.0 - chi_square_cdf(square, dim + k) for k in (0, 2, 4))
    return mass, RadialMoments(threshold, second / mass, (second - mass) / mass, fourth / mass)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def radial_moments(fraction: Scalar, dim: int, outside: bool) -> RadialMoments:
    """Moments of a normal vector of which the ``fraction`` longest, or shortest, is kept.

    m = P(chi2_{dim+2} kept) / r,   m_2 = P(chi2_{dim+4} kept) / r.

    Args:
        fraction: kept mass r in (0, 1].
        dim: dimension >= 1.
        outside: keep the longest (True) or the shortest (False).

    Returns:
        `RadialMoments`, accurate to about 1e-12 relative for r and 1 - r >= 1e-8;
        differentiable to any order for r < 1.

    References: {eq}`eq-radial-moments` in theory_notes/02_gaussian_lemmas.md.
    """
    half = 0.5 * dim
    x = _half_square(fraction, half, outside)
    finite = jnp.minimum(x, 700.0 + 10.0 * half)
    # P(a + 1, x) = P(a, x) - x^a e^-x / Gamma(a + 1), and plus for the upper tail.
    jump = jnp.exp(half * jnp.log(finite) - finite - gammaln(half + 1.0)) / fraction
    jump = jnp.where(finite > 0.0, jump, 0.0)
    sign = 1.0 if outside else -1.0
    tail = gammaincc if outside else gammainc
    second = tail(half + 1.0, x) / fraction
    fourth = tail(half + 2.0, x) / fraction
    return RadialMoments(jnp.sqrt(2.0 * x), second, sign * jump, fourth)


@radial_moments.defjvp
def _radial_moments_jvp(dim, outside, primals, tangents):
    """dm/dr = (c^2/dim - m)/r, and the like for m_2; dc/dr = -+ 1/density of |x| at c."""
    (fraction,), (tangent,) = primals, tangents
    moments = radial_moments(fraction, dim, outside)
    c = moments.threshold
    square = c**2
    log_density = (
        (dim - 1) * jnp.log(c)
        - 0.5 * square
        - (0.5 * dim - 1.0) * jnp.log(2.0)
        - gammaln(0.5 * dim)
    )
    sign = -1.0 if outside else 1.0
    second = (square / dim - moments.second) / fraction * tangent
    fourth = (square**2 / (dim * (dim + 2)) - moments.fourth) / fraction * tangent
    return moments, RadialMoments(sign * jnp.exp(-log_density) * tangent, second, second, fourth)


def _half_square(fraction: Scalar, half: float, outside: bool) -> Scalar:
    """The x at which the regularised incomplete gamma function of shape ``half`` cuts.

    Bisection in log x on the smaller of the two tails.
    """
    lower = 1.0 - fraction if outside else fraction
    upper = fraction if outside else 1.0 - fraction

    def is_left(log_x):
        x = jnp.exp(log_x)
        use_lower = lower < 0.5
        return jnp.where(use_lower, gammainc(half, x) < lower, gammaincc(half, x) > upper)

    low = jnp.full_like(fraction, -700.0 / max(half, 1.0) - 40.0)
    high = jnp.full_like(fraction, jnp.log(800.0 + 4.0 * half))
    low, high = bisect(is_left, low, high, steps=_BISECTIONS)
    x = jnp.exp(0.5 * (low + high))
    x = jnp.where(lower <= 0.0, 0.0, x)
    return jnp.where(upper <= 0.0, jnp.inf, x)
