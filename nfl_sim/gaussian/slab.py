"""A standard normal kept inside or outside a symmetric interval: the slab law of one score."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import erf, erfinv, ndtri
from jaxtyping import Array, Float

from nfl_sim.gaussian.normal import cdf, erfcx, pdf
from nfl_sim.validation import Scalar

_SERIES_TERMS = 24


class SlabMoments(NamedTuple):
    """Moments of T ~ N(0, 1) given that T lies inside, or outside, [-threshold, threshold].

    Args:
        threshold: c, the half-width of the interval.
        second: kappa = E[T^2 | kept].
        excess: kappa - 1, free of cancellation where kappa is near 1.
        fourth: kappa_4 = E[T^4 | kept].
    """

    threshold: Scalar
    second: Scalar
    excess: Scalar
    fourth: Scalar


def slab_beyond(threshold: Scalar) -> tuple[Scalar, SlabMoments]:
    """P(|T| > threshold), and the moments of a normal T there, to 1e-13 relative."""
    mass = 2.0 * cdf(-threshold)
    excess = 2.0 * threshold * pdf(threshold) / mass
    second = 1.0 + excess
    return mass, SlabMoments(threshold, second, excess, 3.0 * second + threshold**2 * excess)


def slab_second(threshold: Float[Array, "..."], outside: bool) -> Float[Array, "..."]:
    """kappa = E[T^2 | kept] at a threshold, however far out, to 1e-13 relative."""
    if outside:
        scaled = threshold / math.sqrt(2.0)
        return 1.0 + threshold * math.sqrt(2.0 / math.pi) / erfcx(scaled)
    near, small = jnp.minimum(threshold, 1.5), threshold < 1.5
    far = jnp.where(small, 1.5, threshold)
    second = 1.0 - 2.0 * far * pdf(far) / erf(far / math.sqrt(2.0))
    return jnp.where(small, near**2 / 3.0 * _kummer(2.5, near) / _kummer(1.5, near), second)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def slab_moments(fraction: Scalar, outside: bool) -> SlabMoments:
    """Moments of a normal of which the ``fraction`` farthest from 0, or nearest to 0, is kept.

    kappa = 1 +- 2 c phi(c) / r,   kappa_4 = 3 kappa +- 2 c^3 phi(c) / r.

    Args:
        fraction: kept mass r in (0, 1].
        outside: keep |T| > c (True) or |T| < c (False).

    Returns:
        `SlabMoments`, each accurate to 1e-13 relative for 1e-100 <= r and 1 - r >= 1e-16;
        differentiable to any order for r < 1.

    References: {eq}`eq-kappa`, {eq}`eq-kappa4`, {eq}`eq-kappa-derivative` in
    theory_notes/02_gaussian_lemmas.md.
    """
    return _outside(fraction) if outside else _inside(fraction)


@slab_moments.defjvp
def _slab_moments_jvp(outside, primals, tangents):
    """dc/dr = -+ 1 / (2 phi(c)), dkappa/dr = (c^2 - kappa)/r, dkappa_4/dr = (c^4 - kappa_4)/r."""
    (fraction,), (tangent,) = primals, tangents
    moments = slab_moments(fraction, outside)
    square = moments.threshold**2
    sign = -1.0 if outside else 1.0
    second = (square - moments.second) / fraction * tangent
    return moments, SlabMoments(
        threshold=sign / (2.0 * pdf(moments.threshold)) * tangent,
        second=second,
        excess=second,
        fourth=(square**2 - moments.fourth) / fraction * tangent,
    )


def _outside(fraction: Scalar) -> SlabMoments:
    threshold = -ndtri(0.5 * fraction)
    excess = 2.0 * threshold * pdf(threshold) / fraction
    second = 1.0 + excess
    return SlabMoments(threshold, second, excess, 3.0 * second + threshold**2 * excess)


def _inside(fraction: Scalar) -> SlabMoments:
    threshold = jnp.where(
        fraction < 0.5,
        math.sqrt(2.0) * erfinv(jnp.minimum(fraction, 0.5)),
        -ndtri(0.5 * (1.0 - fraction)),
    )
    finite = jnp.minimum(threshold, 40.0)
    excess = -2.0 * finite * pdf(finite) / fraction
    second = 1.0 + excess
    fourth = 3.0 * second + finite**2 * excess
    near = jnp.minimum(threshold, 1.5)
    small = threshold < 1.5
    base = _kummer(1.5, near)
    return SlabMoments(
        threshold,
        jnp.where(small, near**2 / 3.0 * _kummer(2.5, near) / base, second),
        excess,
        jnp.where(small, near**4 / 5.0 * _kummer(3.5, near) / base, fourth),
    )


def _kummer(shape: float, threshold: Float[Array, "..."]) -> Float[Array, "..."]:
    """M(1, shape, x) at x = threshold^2 / 2 by its series, for threshold <= 1.5.

    The ratio P(a + 1, x) / P(a, x) of incomplete gamma functions is
    x M(1, a + 2, x) / ((a + 1) M(1, a + 1, x)): all terms are positive, so nothing cancels.
    """
    x = 0.5 * threshold**2
    total = jnp.ones_like(x)
    for k in range(_SERIES_TERMS, 0, -1):
        total = 1.0 + x / (shape + k - 1.0) * total
    return total
