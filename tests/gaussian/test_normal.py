"""The standard normal against mpmath, in both tails."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

from nfl_sim.gaussian import cdf, interval_moments, log_cdf, pdf
from nfl_sim.gaussian.normal import erfcx
from tests.oracles import relative

_log_cdf = jax.jit(log_cdf)
_moments = jax.jit(interval_moments)


def _rounding(x):
    """A few roundings of x, seen through exp(-x^2 / 2)."""
    return 1e-15 * (5.0 + x * x)


@given(st.floats(-1e6, 1e6) | st.floats(-40.0, 40.0))
def test_log_cdf_is_accurate_in_both_tails(x):
    exact = mp.log(mp.ncdf(mpf(x))) if x < 5.0 else mp.log1p(-mp.erfc(mpf(x) / mp.sqrt(2)) / 2)
    actual = float(_log_cdf(jnp.asarray(x)))
    assert relative(actual, exact) < _rounding(x) or abs(exact) < 1e-290


def test_log_cdf_where_the_library_of_jax_is_wrong():
    assert relative(log_cdf(jnp.asarray(8.0)), mp.log(mp.ncdf(8))) < _rounding(8.0)


@given(st.floats(0.0, 1e3))
def test_erfcx(x):
    exact = mp.exp(mpf(x) ** 2) * mp.erfc(mpf(x))
    assert relative(erfcx(jnp.asarray(x)), exact) < 2e-14


@pytest.mark.parametrize("x", [-37.0, -9.0, -1.0, 0.0, 0.5, 3.0])
def test_density_and_cdf(x):
    assert relative(cdf(jnp.asarray(x)), mp.ncdf(x)) < _rounding(x)
    assert relative(pdf(jnp.asarray(x)), mp.npdf(x)) < _rounding(x)


@given(st.floats(-12.0, 12.0), st.floats(-12.0, 12.0))
def test_interval_moments(one, other):
    low, high = min(one, other), max(one, other)
    actual = _moments(jnp.asarray(low), jnp.asarray(high))
    a, b = mpf(low), mpf(high)
    mass = (mp.erfc(a / mp.sqrt(2)) - mp.erfc(b / mp.sqrt(2))) / 2
    exact = (
        mass,
        mp.npdf(a) - mp.npdf(b),
        mass + a * mp.npdf(a) - b * mp.npdf(b),
    )
    for value, expected in zip(actual, exact, strict=True):
        assert abs(mpf(float(value)) - expected) < 4e-16
    nearer_tail = min(mp.ncdf(b), mp.ncdf(-a))
    assert abs(mpf(float(actual[0])) - mass) <= 1e-13 * nearer_tail


def test_intervals_without_end_and_without_content():
    inf = jnp.asarray(jnp.inf)
    np.testing.assert_allclose(_moments(-inf, inf), (1.0, 0.0, 1.0), rtol=0.0, atol=1e-16)
    np.testing.assert_array_equal(_moments(jnp.asarray(2.0), jnp.asarray(1.0)), (0.0, 0.0, 0.0))
    slope = jax.grad(lambda end: _moments(-inf, end)[2])(inf)
    assert float(slope) == 0.0
