"""E(1/Q) for the kept part of a normal sample."""

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfl_sim.gaussian import mean_inverse_square_sum, slab_moments
from tests import oracles

_SIDES = pytest.mark.parametrize("outside", [True, False], ids=["outside", "inside"])
_compiled = jax.jit(mean_inverse_square_sum, static_argnames="outside")


def _mean(m, n, *, outside):
    return float(_compiled(jnp.asarray(float(m)), jnp.asarray(float(n)), outside=outside))


@_SIDES
def test_three_of_four_by_geometry(outside):
    exact = oracles.inverse_three_of_four(outside=outside)
    assert abs(_mean(3, 4, outside=outside) / exact - 1.0) < 1e-11


@_SIDES
@pytest.mark.parametrize(("m", "n"), [(3, 7), (5, 12), (20, 24)])
def test_small_samples_by_a_double_integral(outside, m, n):
    exact = oracles.mean_inverse_squares(m, n, outside=outside)
    assert abs(_mean(m, n, outside=outside) / exact - 1.0) < 1e-9


@_SIDES
@pytest.mark.parametrize("m", [3, 10, 10**6])
def test_keeping_everything_is_an_inverse_chi_square(outside, m):
    assert abs(_mean(m, m, outside=outside) * (m - 2.0) - 1.0) < 1e-11 + 1e-15 * m


@_SIDES
@settings(max_examples=30)
@given(st.data())
def test_jensen_and_the_limit_of_many_samples(outside, data):
    n = data.draw(st.integers(6, 40) | st.integers(10**4, 10**6), label="n")
    m = data.draw(st.integers(3, n), label="m")
    scaled = m * _mean(m, n, outside=outside)
    kappa = float(slab_moments(jnp.asarray(m / n), outside).second)
    if n <= 40:
        mean = oracles.mean_kept_squares(m, n, outside=outside) / m
        assert scaled * mean >= 1.0 - 1e-9
    if m >= 10**4:
        assert abs(scaled * kappa - 1.0) < 100.0 / m
