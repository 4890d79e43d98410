"""Truncated normal moments and their derivatives against 60 digits."""

import jax
import pytest
from hypothesis import given
from mpmath import mp, mpf

from nfl_sim.gaussian import slab_moments
from tests import oracles
from tests.oracles import relative
from tests.strategies import fractions, log_uniform

_SIDES = pytest.mark.parametrize("outside", [True, False], ids=["outside", "inside"])
_TINIEST_FLOAT = 1e-290

_values = jax.jit(slab_moments, static_argnums=1)
_slopes = jax.jit(jax.jacfwd(slab_moments), static_argnums=1)
_curvatures = jax.jit(jax.jacfwd(jax.jacfwd(slab_moments)), static_argnums=1)


def _exact(fraction, outside):
    c, kappa, fourth = oracles.slab(fraction, outside=outside)
    return c, kappa, kappa - 1, fourth


@_SIDES
@given(fraction=log_uniform(1e-100, 0.5) | fractions(1e-8))
def test_moments(outside, fraction):
    exact = _exact(mpf(fraction), outside)
    for actual, expected in zip(_values(fraction, outside), exact, strict=True):
        assert relative(actual, expected) < 1e-12 or abs(expected) < _TINIEST_FLOAT


@_SIDES
@given(fraction=fractions(1e-8))
def test_first_derivatives(outside, fraction):
    r = mpf(fraction)
    c, kappa, _, fourth = _exact(r, outside)
    sign = -1 if outside else 1
    exact = (
        sign / (2 * mp.npdf(c)),
        (c**2 - kappa) / r,
        (c**2 - kappa) / r,
        (c**4 - fourth) / r,
    )
    for actual, expected in zip(_slopes(fraction, outside), exact, strict=True):
        assert relative(actual, expected) < 1e-12


@_SIDES
@pytest.mark.parametrize("fraction", [1e-8, 1e-4, 0.1, 0.5, 0.9, 1 - 1e-4, 1 - 1e-8])
def test_derivatives_are_those_of_the_moments(outside, fraction):
    for k, moments in ((1, _slopes), (2, _curvatures)):
        actual = moments(fraction, outside)
        for j in range(4):
            exact = mp.diff(lambda r, j=j: _exact(r, outside)[j], mpf(fraction), k)
            assert relative(actual[j], exact) < 1e-11


def test_keeping_everything():
    for outside, threshold in ((True, 0.0), (False, float("inf"))):
        moments = _values(1.0, outside)
        assert tuple(map(float, moments)) == (threshold, 1.0, 0.0, 3.0)
