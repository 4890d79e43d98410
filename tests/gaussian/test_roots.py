"""Bracketed roots and their exact derivatives."""

import jax
import jax.numpy as jnp
import pytest

from nfl_sim.gaussian import bisect, polish


def _cube_root(a):
    low, high = bisect(lambda x: x**3 < a, jnp.zeros(()), jnp.asarray(10.0), steps=50)
    return polish(lambda x: x**3 - a, low, high)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("a", [1e-2, 2.0, 300.0])
def test_derivatives_up_to_the_third_are_exact(order, a):
    derivative, exact, power = _cube_root, 1.0, 1.0 / 3.0
    for _ in range(order):
        derivative, exact, power = jax.grad(derivative), exact * power, power - 1.0
    exact *= a**power
    assert abs(float(derivative(a)) / exact - 1.0) < 1e-10


def test_brackets_halve():
    low, high = bisect(lambda x: x < 0.3, jnp.zeros(3), jnp.ones(3), steps=20)
    assert jnp.all((low <= 0.3) & (high >= 0.3))
    assert jnp.all(high - low == 2.0**-20)


def test_a_jump_is_located_and_does_not_move():
    def place(a):
        low, high = bisect(lambda x: x < a, jnp.zeros(()), jnp.ones(()), steps=50)
        return polish(lambda x: jnp.where(x < a, -1.0, 1.0), low, high)

    assert abs(float(place(0.3)) - 0.3) < 1e-14
    assert float(jax.grad(place)(0.3)) == 0.0


def test_one_hopeless_member_spoils_no_other():
    roots, slopes = jax.vmap(jax.value_and_grad(_cube_root))(jnp.array([8.0, jnp.nan, 27.0]))
    assert jnp.allclose(roots[jnp.array([0, 2])], jnp.array([2.0, 3.0]), rtol=1e-14)
    assert jnp.allclose(slopes[jnp.array([0, 2])], jnp.array([1 / 12, 1 / 27]), rtol=1e-14)
