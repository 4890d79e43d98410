"""GraNd by another route: integrate over the residual and x along delta, not over the noise.

Given the residual s and x_1 (along delta), a sample is kept by the length of the rest of x, whose
square is chi-square of an even number of degrees of freedom: elementary in odd dimensions.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_REACH = 10.0


class Moments(NamedTuple):
    """The population limit and the pieces of c_1, at one threshold."""

    log_mass: float
    student: float
    excess: float
    residual: float
    second: tuple[float, float]
    variance: float
    bias: float


def grand(threshold: float, offset: float, noise_std: float, dim: int, *, hardest: bool) -> Moments:
    """Moments of {|s| |x| above, or below, the threshold}; above: in an odd dimension >= 3."""
    assert dim >= 2
    assert dim % 2 == 1 or not hardest
    std = math.hypot(offset, noise_std)
    s, s_weight = _residuals(threshold, std, hardest)
    edges = _edges(s, threshold, offset, noise_std, std)
    x, x_weight = _panels(edges)
    s = s[:, None]
    around = (x - offset * s / std**2) * std / noise_std
    log_density = -0.5 * (s / std) ** 2 - 0.5 * around**2 - math.log(2.0 * math.pi * noise_std)
    log_tail, rest = _lengths((threshold / s) ** 2 - x**2, dim - 1, hardest)
    top = (log_density + log_tail).max()
    weight = 2.0 * s_weight[:, None] * x_weight * np.exp(log_density + log_tail - top)
    mass = weight.sum()

    def mean(values):
        return float(np.sum(weight * values) / mass)

    along, across = mean(x**2), mean(rest) / (dim - 1)
    student = mean(x * s) / along
    e = s - student * x
    b_along, b_across = mean(x**2 * e**2), mean(rest * e**2) / (dim - 1)
    cubic = mean(x**3 * e) / along + mean(x * e * rest) / across
    return Moments(
        log_mass=float(top + np.log(mass)),
        student=student,
        excess=(student - offset) ** 2,
        residual=mean(e**2),
        second=(along, across),
        variance=b_along / along**2 + (dim - 1) * b_across / across**2,
        bias=-cubic / along,
    )


def _residuals(threshold, std, hardest):
    """Positive residuals (the score is even): around the likeliest kept one, or graded to 0."""
    likeliest = math.sqrt(threshold * std) if hardest else 0.0
    low, high = max(0.0, likeliest - _REACH * std), likeliest + _REACH * std
    edges = np.linspace(low, high, 41)
    if low == 0.0:
        edges = np.concatenate([[0.0], edges[1] * 0.5 ** np.arange(30, 0, -1), edges[1:]])
    nodes, weights = _panels(edges[None, :])
    return nodes[0], weights[0]


def _edges(s, threshold, offset, noise_std, std):
    """Panels of x_1 that cover its law given s, and the place where the length starts to bind."""
    centre, spread = (offset * s / std**2)[:, None], noise_std / std
    turn = np.minimum((threshold / s)[:, None], centre + 50.0 * _REACH)
    steps = np.concatenate([[0.0], np.geomspace(0.01, _REACH, 8)])
    bulk = centre + spread * np.linspace(-_REACH, _REACH, 25)
    sides = [sign * turn + way * steps for sign in (-1.0, 1.0) for way in (-1.0, 1.0)]
    return np.sort(np.concatenate([bulk, *sides], axis=1), axis=1)


def _panels(edges):
    half, middle = 0.5 * np.diff(edges, axis=1), 0.5 * (edges[:, 1:] + edges[:, :-1])
    nodes = middle[..., None] + half[..., None] * _NODES
    weights = half[..., None] * _WEIGHTS
    return nodes.reshape(len(edges), -1), weights.reshape(len(edges), -1)


def _lengths(bound, freedom, hardest):
    """log P and E[chi^2 | .] of a chi-square above, or below, the bound, for even freedom."""
    half = np.maximum(bound, 0.0) / 2.0
    if hardest:
        k = freedom // 2
        terms = np.cumsum([half**j / math.factorial(j) for j in range(k + 1)], axis=0)
        return np.log(terms[k - 1]) - half, freedom * terms[k] / terms[k - 1]
    k = freedom / 2
    mass = special.gammainc(k, half)
    some = mass > 0.0
    ratio = special.gammainc(k + 1, half) / np.where(some, mass, 1.0)
    return np.where(some, np.log(np.where(some, mass, 1.0)), -np.inf), freedom * ratio


def finite_size(
    threshold: float, offset: float, noise_std: float, dim: int, *, hardest: bool
) -> tuple[float, float]:
    """C of linear.md (b) and the sum of the sizes of its terms, by a stencil in log threshold."""
    step = 0.02
    grid = threshold * np.exp(step * np.arange(-2, 3))
    near = [grand(t, offset, noise_std, dim, hardest=hardest) for t in grid]
    values = np.array([(m.student, math.exp(m.log_mass)) for m in near]).T
    first = values @ np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / (12.0 * step)
    second = values @ np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / (12.0 * step**2)
    error, r = values[0, 2] - offset, values[1, 2]
    slope = first[0] / first[1]
    curvature = (second[0] - slope * second[1]) / first[1] ** 2
    terms = (
        near[2].variance / r,
        r * (1.0 - r) * slope**2,
        2.0 * error * near[2].bias / r,
        2.0 * error * (1.0 - r) * slope,
        error * r * (1.0 - r) * curvature,
    )
    return math.fsum(terms), math.fsum(map(abs, terms))
