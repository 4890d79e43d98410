"""Integrals of absolute values, against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nfl_sim.gaussian import integrate_absolute, panel_nodes


def integrate(function, edges, nodes=12):
    edges = np.asarray(edges, float)
    points = panel_nodes(edges, nodes)[0].reshape(-1, nodes)
    return float(jax.jit(integrate_absolute)(jnp.asarray(function(points)), np.diff(edges)))


@pytest.mark.parametrize(
    "root", [-1.0, -0.5, 0.0, 1e-9, 0.3, 0.499, 0.5, 0.501, 0.999999, 1.0, 2.0]
)
def test_a_kink_anywhere(root):
    """int_0^1 |x^3 - a^3| on two panels of unequal width: at their edges, off them, outside."""
    a = np.clip(root, 0.0, 1.0)

    def primitive(x):
        return 0.25 * x**4 - root**3 * x

    expected = primitive(1.0) - primitive(a) - (primitive(a) - primitive(0.0))
    found = integrate(lambda x: x**3 - root**3, [0.0, 0.3, 1.0])
    assert found == pytest.approx(
        abs(expected) if root in (-1.0, -0.5, 2.0) else expected, abs=1e-12
    )


@pytest.mark.parametrize("periods", [1, 2, 3])
def test_many_kinks(periods):
    found = integrate(lambda x: np.sin(np.pi * x), np.arange(0.37, 0.37 + 2 * periods + 0.1, 1.0))
    assert found == pytest.approx(4.0 * periods / np.pi, abs=1e-9)


def test_nothing_is_lost_without_a_root():
    assert integrate(np.exp, [0.0, 1.0, 3.0]) == pytest.approx(np.expm1(3.0), rel=1e-14)
    assert integrate(lambda x: -np.exp(x), [0.0, 1.0, 3.0]) == pytest.approx(
        np.expm1(3.0), rel=1e-14
    )
    assert integrate(np.zeros_like, [0.0, 1.0]) == 0.0


def test_derivatives_are_those_of_the_integral():
    """d/da int_0^1 |x - a| = 2 a - 1: the root moves, but does not count."""
    points = jnp.asarray(panel_nodes(np.array([0.0, 1.0]), 12)[0])[None, :]
    slope = jax.jit(jax.grad(lambda a: integrate_absolute(points - a, jnp.ones(1))))
    for a in (0.2, 0.5, 0.77):
        assert float(slope(a)) == pytest.approx(2 * a - 1, abs=1e-12)
