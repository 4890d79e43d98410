"""Integrals of the logistic function against a normal, held against mpmath."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp, mpf

from nfl_sim.gaussian import (
    half_normal_rule,
    mean_sigmoid,
    mean_softplus,
    softplus_curvature,
    softplus_divergence,
    softplus_slope,
)

SCALES = [0.0, 1e-9, 1e-3, 0.3, 1.0, 4.0, 30.0, 1e3, 1e5]
MEANS = [0.3, -1.7, 10.0, -300.0]


@pytest.fixture(autouse=True)
def precision():
    with mp.workdps(20):
        yield


def half_normal(function, scale):
    """2 int_0^inf phi(a) f(a) da, for an f that bends where ``scale`` a is of order 1."""
    bends = {mpf(k) / max(scale, 1) for k in (1, 4, 16, 64)} | {mpf(k) for k in (1, 3, 6, 12)}
    return 2 * mp.quad(
        lambda a: mp.npdf(a) * function(a), [0, *sorted(b for b in bends if b <= 12)]
    )


def sigmoid(t):
    return 1 / (1 + mp.exp(-t))


@pytest.mark.parametrize("scale", SCALES)
def test_softplus_and_its_derivatives(scale):
    n = mpf(scale)
    mean = half_normal(lambda a: (n * a + 2 * mp.log1p(mp.exp(-n * a))) / 2, n)
    slope = half_normal(lambda a: a * mp.tanh(n * a / 2) / 2, n)
    curvature = half_normal(lambda a: a**2 * sigmoid(n * a) * sigmoid(-n * a), n)
    point = jnp.asarray(scale)
    assert float(mean_softplus(point)) == pytest.approx(float(mean), rel=1e-13)
    assert float(softplus_slope(point)) == pytest.approx(float(slope), rel=1e-13)
    assert float(softplus_curvature(point)) == pytest.approx(float(curvature), rel=1e-11)


def test_softplus_is_even_and_its_slope_odd():
    points = jnp.asarray(SCALES)
    np.testing.assert_array_equal(mean_softplus(-points), mean_softplus(points))
    np.testing.assert_array_equal(softplus_slope(-points), -softplus_slope(points))
    np.testing.assert_array_equal(softplus_curvature(-points), softplus_curvature(points))


def test_derivatives_are_derivatives():
    points = jnp.asarray([0.3, 4.0, 30.0])
    np.testing.assert_allclose(
        jax.vmap(jax.grad(mean_softplus))(points), softplus_slope(points), 1e-12
    )
    slopes = jax.vmap(jax.grad(softplus_slope))(points)
    np.testing.assert_allclose(slopes, softplus_curvature(points), 1e-12)


@pytest.mark.parametrize("about", [0.0, 0.5, 3.0, 50.0])
@pytest.mark.parametrize("gap", [1e-7, 0.2499, 0.2501, 2.0])
def test_divergence_does_not_cancel(about, gap):
    c, n = mpf(about), mpf(about + gap)

    def curvature(s):
        return half_normal(lambda a: a**2 * sigmoid(s * a) * sigmoid(-s * a), s)

    nodes, weights = np.polynomial.legendre.leggauss(12)  # int (n - s) S''(s) ds
    points = [c + (n - c) * mpf(float(x + 1)) / 2 for x in nodes]
    rows = zip(points, weights, strict=True)
    expected = sum(mpf(float(w)) * (n - s) * curvature(s) for s, w in rows) * (n - c) / 2
    found = softplus_divergence(jnp.asarray(about + gap), jnp.asarray(about))
    assert float(found) == pytest.approx(float(expected), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("std", [0.0, 0.5, 4.0, 4.999, 5.001, 8.0, 40.0, 1e4])
def test_mean_sigmoid(std):
    """Both rules, and their common edge at 5."""
    for mean in MEANS:
        m, b = mpf(mean), mpf(std)
        steps = {(t - m) / b for t in (-60, -9, 0, 9, 60)} if std else set()
        cuts = sorted({*(s for s in steps if abs(s) < 12), *map(mpf, (-12, -4, 4, 12))})
        expected = mp.quad(lambda v, m=m, b=b: mp.npdf(v) * sigmoid(m + b * v), cuts)
        at = jnp.asarray(mean), jnp.asarray(std)
        assert float(mean_sigmoid(*at, at_most=at[1])) == pytest.approx(float(expected), abs=1e-13)


def test_the_bound_only_saves_work():
    means = jnp.asarray(MEANS)
    for std in (0.7, 4.9):
        wide = jnp.asarray(std)
        cheap, dear = (mean_sigmoid(means, wide, at_most=wide + more) for more in (0.0, 100.0))
        np.testing.assert_allclose(cheap, dear, rtol=1e-15)


def test_half_normal_rule_has_the_moments_of_a_normal():
    nodes, weights = half_normal_rule()
    moments = [weights @ nodes**k for k in (0, 2, 4, 6)]
    np.testing.assert_allclose(moments, [1, 1, 3, 15], rtol=1e-13)
