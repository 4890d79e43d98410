"""Gauss rules against moments that are known in closed form."""

import math

import numpy as np
import pytest
from scipy import special

from nfl_sim.gaussian import (
    chi_rule,
    clustered_rule,
    normal_rule,
    panel_nodes,
    polar_rules,
    polynomial_normal_rule,
    sphere_coordinate_rule,
)

_DIMS = pytest.mark.parametrize("dim", [1, 2, 3, 6, 20])


def _odd_factorial(order):
    """E z^order of a standard normal."""
    return 0.0 if order % 2 else float(special.factorial2(order - 1)) if order else 1.0


def _sphere_moment(dim, order):
    """E u_1^order of a uniform point on the sphere of R^dim."""
    steps = np.prod([dim + 2.0 * k for k in range(order // 2)])
    return _odd_factorial(order) / steps


def _length_moment(dim, order):
    """E |z|^order."""
    return math.exp(
        0.5 * order * math.log(2.0)
        + special.gammaln(0.5 * (dim + order))
        - special.gammaln(dim / 2)
    )


@pytest.mark.parametrize("order", range(9))
def test_normal_rule_integrates_polynomials(order):
    nodes, weights = normal_rule(16)
    assert (
        abs(weights @ nodes**order - _odd_factorial(order)) < 1e-13 * _odd_factorial(order) + 1e-12
    )


def test_normal_rule_integrates_an_exponential():
    nodes, weights = normal_rule(16)
    assert abs(weights @ np.exp(nodes) / math.exp(0.5) - 1.0) < 1e-14


@_DIMS
@pytest.mark.parametrize("order", [0.5, 1, 2, 3, 4, 6])
def test_chi_rule(dim, order):
    nodes, weights = chi_rule(dim, 16, grading=30)
    assert abs(weights @ nodes**order / _length_moment(dim, order) - 1.0) < 1e-12


def test_chi_rule_of_no_dimension_is_the_point_zero():
    nodes, weights = chi_rule(0, 16)
    assert (nodes.tolist(), weights.tolist()) == ([0.0], [1.0])


@_DIMS
@pytest.mark.parametrize("orders", [(0, 0), (2, 0), (0, 2), (4, 0), (2, 4), (1, 1)])
def test_polar_rules(dim, orders):
    radius, latitude = polar_rules(dim, 16)
    first, length = orders
    exact = _length_moment(dim, sum(orders)) * _sphere_moment(dim, first)
    values = (radius.nodes[:, None] * np.sin(latitude.nodes)) ** first
    values = values * radius.nodes[:, None] ** length
    assert abs(radius.weights @ values @ latitude.weights - exact) < 1e-12 * max(exact, 1.0)


@pytest.mark.parametrize("order", range(6))
def test_three_points_are_exact_to_degree_five(order):
    nodes, weights = polynomial_normal_rule()
    assert abs(weights @ nodes**order - _odd_factorial(order)) < 1e-14
    for dim in (1, 2, 3, 6, 20):
        nodes, weights = sphere_coordinate_rule(dim)
        assert abs(weights @ nodes**order - _sphere_moment(dim, order)) < 1e-14


def test_three_points_are_no_better_than_that():
    nodes, weights = polynomial_normal_rule()
    assert weights @ nodes**6 == pytest.approx(9.0)  # E z^6 = 15


def test_panels_are_exact_to_twice_their_nodes():
    edges = np.array([-1.0, 0.25, 3.0])
    nodes, weights = panel_nodes(edges, 4)
    for order in range(8):
        exact = (3.0 ** (order + 1) - (-1.0) ** (order + 1)) / (order + 1)
        assert abs(weights @ nodes**order / exact - 1.0) < 1e-13
    assert abs(weights @ nodes**8 / ((3.0**9 + 1.0) / 9.0) - 1.0) > 1e-7


@pytest.mark.parametrize("power", [0.5, 1.5, 2.5, 4.0])
def test_clustered_nodes_integrate_roots_at_both_ends(power):
    nodes, weights = clustered_rule(30)
    exact = special.beta(power + 1.0, power + 1.0)
    assert abs(weights @ (nodes * (1.0 - nodes)) ** power / exact - 1.0) < 1e-12
