"""The law of the mass beyond an order statistic: Beta(m + 1, n - m)."""

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from nfl_sim.gaussian import kept_mass_rule

_rule = jax.jit(kept_mass_rule)


@given(st.data())
def test_powers_of_the_kept_mass(data):
    n = data.draw(st.integers(4, 10**7), label="n")
    m = data.draw(st.integers(3, n - 1), label="m")
    nodes, weights = _rule(jnp.asarray(float(m)), jnp.asarray(float(n)))
    exact = {
        0: 1.0,
        1: (m + 1) / (n + 1),
        2: (m + 1) / (n + 1) * (m + 2) / (n + 2),
        -1: n / m,
        -2: n / m * (n - 1) / (m - 1),
    }
    for power, expected in exact.items():
        assert abs(float(jnp.sum(weights * nodes**power)) / expected - 1.0) < 1e-13


@pytest.mark.parametrize(("m", "n"), [(3, 4), (5, 100), (90, 100), (10**5, 10**6)])
def test_mean_of_the_logarithm(m, n):
    nodes, weights = _rule(jnp.asarray(float(m)), jnp.asarray(float(n)))
    exact = special.digamma(m + 1) - special.digamma(n + 1)
    assert abs(float(jnp.sum(weights * jnp.log(nodes))) / exact - 1.0) < 1e-10


def test_keeping_everything_is_certain():
    nodes, weights = _rule(jnp.asarray(7.0), jnp.asarray(7.0))
    assert jnp.all(nodes == 1.0)
    assert abs(float(jnp.sum(weights)) - 1.0) < 1e-14
