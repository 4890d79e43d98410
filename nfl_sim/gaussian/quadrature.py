"""Gauss rules on panels, from numpy nodes at trace time.

A rule is a set of nodes and weights that integrates against a probability law. Panels cover all
but 1e-18 of the mass; an integrand analytic on each panel converges exponentially in the number
of nodes a panel, and twice the nodes give the error estimate.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float
from scipy import special

_REACH = 9.0
_GRADING = {1: 24, 2: 20, 3: 14, 4: 10}


class Rule(NamedTuple):
    """Nodes and weights of a quadrature rule; the weights sum to 1.

    Args:
        nodes: shape (k,).
        weights: shape (k,).
    """

    nodes: np.ndarray
    weights: np.ndarray


def normal_rule(nodes_per_panel: int, *, width: float = 1.5, grading: int = 0) -> Rule:
    """Integrate against N(0, 1) over [-9, 9], cut into panels of about ``width`` from 0.

    ``grading`` halves the panels next to 0 that many times.
    """
    half = np.linspace(0.0, _REACH, math.ceil(_REACH / width) + 1)
    half = np.concatenate([[0.0], half[1] * 0.5 ** np.arange(grading, 0, -1), half[1:]])
    nodes, lengths = panel_nodes(np.concatenate([-half[:0:-1], half]), nodes_per_panel)
    return _normalised(nodes, lengths * np.exp(-0.5 * nodes**2))


def chi_rule(dim: int, nodes_per_panel: int, *, width: float = 1.5, grading: int = 0) -> Rule:
    """Integrate a function of the length |z| of z ~ N(0, I_dim); dim 0 is the point 0.

    ``grading`` halves the panel next to 0 that many times.
    """
    if dim == 0:
        return Rule(np.zeros(1), np.ones(1))
    mode = math.sqrt(dim - 1)
    low, high = max(0.0, mode - _REACH), mode + _REACH
    edges = np.linspace(low, high, math.ceil((high - low) / width) + 1)
    if low == 0.0:
        edges = np.concatenate([[0.0], edges[1] * 0.5 ** np.arange(grading, 0, -1), edges[1:]])
    nodes, lengths = panel_nodes(edges, nodes_per_panel)
    log_density = (dim - 1) * np.log(nodes) - 0.5 * nodes**2
    return _normalised(nodes, lengths * np.exp(log_density - log_density.max()))


def polar_rules(
    dim: int, nodes_per_panel: int, *, symmetric: bool = False, refinement: int = 1
) -> tuple[Rule, Rule]:
    """Integrate against N(0, I_dim) a function of |x| and of x_1 = |x| sin(latitude).

    The panels of the radius are graded toward 0, where level sets of products pinch.

    Args:
        dim: dimension >= 1.
        nodes_per_panel: Gauss-Legendre nodes on each panel.
        symmetric: the integrand is even in the latitude, so that positive ones suffice.
        refinement: how many panels to make of each, for integrands of small features.

    Returns:
        The rules for the radius and for the latitude, in (-pi/2, pi/2).
    """
    grading = _GRADING.get(dim, 8)
    radius = chi_rule(dim, nodes_per_panel, width=1.5 / refinement, grading=grading)
    if dim == 1:
        poles = Rule(np.array([0.5, -0.5]) * np.pi, np.array([0.5, 0.5]))
        return radius, Rule(poles.nodes[:1], np.ones(1)) if symmetric else poles
    reach = min(0.5 * np.pi, _REACH / math.sqrt(max(dim - 2, 1)))
    count = math.ceil(refinement * reach * math.sqrt(max(dim, 4)))
    edges = np.linspace(0.0, reach, count + 1)
    edges = edges if symmetric else np.concatenate([-edges[:0:-1], edges])
    nodes, lengths = panel_nodes(edges, nodes_per_panel)
    return radius, _normalised(nodes, lengths * np.cos(nodes) ** (dim - 2))


def trapezoidal_normal_rule(step: float | None) -> Rule:
    """Integrate against N(0, 1) by the trapezoidal rule; ``None`` makes it the point 0.

    The error is exp(-2 pi a / step) for an integrand analytic within distance a of the real line.
    """
    if step is None:
        return Rule(np.zeros(1), np.ones(1))
    count = math.ceil(_REACH / step)
    nodes = step * np.arange(-count, count + 1)
    return _normalised(nodes, np.exp(-0.5 * nodes**2))


def polynomial_normal_rule() -> Rule:
    """Three Gauss-Hermite nodes: exact for polynomials of degree <= 5 of N(0, 1)."""
    return Rule(np.array([-math.sqrt(3.0), 0.0, math.sqrt(3.0)]), np.array([1.0, 4.0, 1.0]) / 6.0)


def sphere_coordinate_rule(dim: int, count: int = 3) -> Rule:
    """One coordinate of a uniform point on the sphere of R^dim, exact for degree < 2 ``count``.

    In one dimension the coordinate is a fair sign, in none it is 0.
    """
    if dim == 0:
        return Rule(np.zeros(1), np.ones(1))
    if dim == 1:
        return Rule(np.array([-1.0, 1.0]), np.array([0.5, 0.5]))
    if dim == 2:
        angles = np.pi * (2.0 * np.arange(count) + 1.0) / (2.0 * count)
        return Rule(np.cos(angles), np.full(count, 1.0 / count))
    nodes, weights = special.roots_gegenbauer(count, 0.5 * dim - 1.0)
    return _normalised(nodes, weights)


def disc_rule(count: int, *, odd: bool) -> Rule:
    """Weights of dt on (-1, 1), for analytic functions, or for such times sqrt(1 - t^2) (``odd``).

    The functions are P(|z|^2 < 1 - t^2) in an even number of dimensions, or in an odd one.
    """
    if not odd:
        return Rule(*np.polynomial.legendre.leggauss(count))
    angles = np.pi * np.arange(1, count + 1) / (count + 1)
    return Rule(np.cos(angles), np.pi / (count + 1) * np.sin(angles))


def unit_panels(count: int, nodes_per_panel: int) -> Rule:
    """Gauss-Legendre on ``count`` even panels of [0, 1]."""
    return Rule(*panel_nodes(np.linspace(0.0, 1.0, count + 1), nodes_per_panel))


def clustered_rule(count: int) -> Rule:
    """Gauss-Legendre on [0, 1] after x = u^2 (3 - 2u), which crowds the nodes at both ends.

    Integrands with half-integer powers of the distance to an end, t^(1/2), t^(3/2), ..., converge
    exponentially in the number of nodes.
    """
    nodes, weights = unit_panels(1, count)
    return Rule(nodes**2 * (3.0 - 2.0 * nodes), weights * 6.0 * nodes * (1.0 - nodes))


def on_intervals(
    low: Float[Array, "..."], high: Float[Array, "..."], rule: Rule
) -> tuple[Float[Array, "... k"], Float[Array, "... k"]]:
    """Nodes and weights of a rule on [0, 1] moved to each interval, on a new last axis."""
    nodes, weights = (np.reshape(a, (1,) * low.ndim + (-1,)) for a in rule)
    width = (high - low)[..., None]
    return low[..., None] + width * nodes, width * weights


def panel_nodes(edges: np.ndarray, nodes_per_panel: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on consecutive panels with these edges."""
    reference, weights = np.polynomial.legendre.leggauss(nodes_per_panel)
    half = 0.5 * np.diff(edges)[:, None]
    middle = 0.5 * (edges[1:] + edges[:-1])[:, None]
    return (middle + half * reference).ravel(), (half * weights).ravel()


def _normalised(nodes: np.ndarray, weights: np.ndarray) -> Rule:
    return Rule(nodes, weights / weights.sum())
