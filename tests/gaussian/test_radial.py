"""Moments of a normal vector kept by its length, against mpmath and against the slab."""

import jax
import pytest
from hypothesis import given, settings
from mpmath import mp, mpf

from nfl_sim.gaussian import radial_moments, slab_moments
from tests import oracles
from tests.oracles import relative
from tests.strategies import fractions

_SIDES = pytest.mark.parametrize("outside", [True, False], ids=["outside", "inside"])

_values = jax.jit(radial_moments, static_argnums=(1, 2))
_slopes = jax.jit(jax.jacfwd(radial_moments), static_argnums=(1, 2))
_curvatures = jax.jit(jax.jacfwd(jax.jacfwd(radial_moments)), static_argnums=(1, 2))
_slab = jax.jit(slab_moments, static_argnums=1)


@_SIDES
@pytest.mark.parametrize("dim", [2, 5, 20])
@pytest.mark.parametrize("fraction", [1e-8, 1e-3, 0.4, 0.9, 1 - 1e-8])
def test_moments(outside, dim, fraction):
    with mp.workdps(30):
        c, second, fourth = oracles.ball(mpf(fraction), dim, outside=outside)
        exact = (c, second, second - 1, fourth)
        for actual, expected in zip(_values(fraction, dim, outside), exact, strict=True):
            assert relative(actual, expected) < 1e-12


@_SIDES
@given(fraction=fractions(1e-8))
def test_one_dimension_is_the_slab(outside, fraction):
    slab = _slab(fraction, outside)
    for actual, expected in zip(_values(fraction, 1, outside), slab[:3], strict=False):
        assert relative(actual, float(expected)) < 2e-12
    assert relative(3.0 * _values(fraction, 1, outside).fourth, float(slab.fourth)) < 2e-12


def _plane(fraction, outside):
    """In the plane |x|^2 / 2 is exponential, so everything is elementary."""
    x = -mp.log(fraction) if outside else -mp.log1p(-fraction)
    rest = mp.exp(-x)
    second, fourth = rest * (1 + x), rest * (1 + x + x**2 / 2)
    if not outside:
        second, fourth = 1 - second, 1 - fourth
    second, fourth = second / fraction, fourth / fraction
    return mp.sqrt(2 * x), second, second - 1, fourth


@_SIDES
@pytest.mark.parametrize("fraction", [1e-8, 1e-3, 0.4, 0.9, 1 - 1e-8])
def test_derivatives_in_the_plane(outside, fraction):
    r, values = mpf(fraction), _plane(mpf(fraction), outside)
    for k, derivative in ((0, _values), (1, _slopes), (2, _curvatures)):
        for j, actual in enumerate(derivative(fraction, 2, outside)):
            exact = mp.diff(lambda r, j=j: _plane(r, outside)[j], r, k)
            scale = max(abs(exact), abs(values[j]) / r**k if j else 0)
            assert abs(mpf(float(actual)) - exact) < 1e-11 * scale


@_SIDES
@settings(max_examples=50)
@given(fraction=fractions(1e-8))
def test_the_two_sides_share_the_total_second_moment(outside, fraction):
    kept = _values(fraction, 7, outside).second
    dropped = _values(1.0 - fraction, 7, not outside).second
    assert abs(fraction * kept + (1.0 - fraction) * dropped - 1.0) < 1e-13


def test_keeping_everything():
    for outside, threshold in ((True, 0.0), (False, float("inf"))):
        moments = _values(1.0, 6, outside)
        assert tuple(map(float, moments)) == (threshold, 1.0, 0.0, 1.0)
