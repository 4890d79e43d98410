"""The equations that define a student, by quadrature of the test's own, at the predicted ones."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from scipy import optimize, special, stats

from nfl_sim.learners import Hinge, LogisticRegression
from nfl_sim.models import Perceptron
from nfl_sim.pruning import ExactCalibration, KeepEasiest, KeepHardest, SoftCalibration
from nfl_sim.scores import EL2N, Margin, Uncertainty
from tests.theory.proportional.problems import at, logistic, perceptron
from tests.theory.shapes import with_rule

_FAR = 9.0


def _panels(edges, order=20):
    """Gauss-Legendre nodes and weights on the panels between the edges."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    edges = np.asarray(edges)
    half, centre = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    return (centre[:, None] + np.outer(half, nodes)).ravel(), np.outer(half, weights).ravel()


def _kept(rule, fraction, *, both_sides):
    """|z| of the kept samples, or z on both sides, with the normalised density phi(z) / r."""
    hard = rule is KeepHardest
    cut = stats.norm.isf(0.5 * (1.0 - fraction) if hard else 0.5 * fraction)
    low, high = (0.0, cut) if hard else (cut, _FAR)
    z, weights = _panels(np.linspace(low, high, 61))
    if both_sides:
        z, weights = np.concatenate([z, -z]), np.concatenate([weights, weights])
    return z, weights * stats.norm.pdf(z) / fraction, (low, high)


CASES = [
    # rule, angle, fraction, ratio
    (KeepHardest, 0.5, 0.3, 10.0),
    (KeepHardest, 1.2, 0.1, 40.0),
    (KeepHardest, 0.15, 0.6, 6.0),
    (KeepHardest, 2.4, 0.5, 3.0),
    (KeepEasiest, 0.5, 0.3, 10.0),
    (KeepEasiest, 1.2, 0.6, 5.0),
    (KeepEasiest, 0.1, 0.05, 2.0),
]


@pytest.mark.parametrize(("rule", "angle", "fraction", "ratio"), CASES)
def test_the_replica_form_of_the_widest_margin(rule, angle, fraction, ratio):
    found = at(perceptron(rule, angle=angle, fraction=fraction), ratio)
    R, rho, kappa = (float(x) for x in (found.parallel, found.probe_overlap, found.margin))
    alpha, cos, sin = fraction * ratio, math.cos(angle), math.sin(angle)
    square = sin**2 - R**2 - rho**2 + 2 * rho * R * cos
    wide, narrow = math.sqrt(1 - rho**2), math.sqrt(square)
    z, mass, _ = _kept(rule, fraction, both_sides=True)
    gap, lengths = _panels(np.linspace(0.0, kappa + _FAR, 61))
    z, t = z[:, None], (kappa - gap)[None, :]
    first = gap[None, :] * np.outer(mass, lengths)
    turn = z * (rho * R - cos) - t * (R - rho * cos)
    form = z**2 * (rho**2 + cos**2 - 2 * rho * R * cos) + t**2 * sin**2
    form += 2 * t * z * (R * cos - rho)
    one = np.exp(-form / (2 * square)) / (2 * math.pi * narrow)
    two = stats.norm.pdf((t - rho * z) / wide) / wide * special.ndtr(-turn / (wide * narrow))
    probe = two * (z - rho * t) / wide**2 + one * (rho * R - cos) / wide**2
    equations = [
        ((R - rho * cos) / sin**2, one),
        (1 - (rho**2 + R**2 - 2 * rho * R * cos) / sin**2, two * gap[None, :]),
        ((rho - R * cos) / sin**2, probe),
    ]
    for left, integrand in equations:
        assert abs(left - 2.0 * alpha * np.sum(first * integrand)) < 1e-9
    support = 2.0 * np.sum(np.outer(mass, lengths) * two)
    assert float(found.support_fraction) == pytest.approx(support, abs=1e-8)


@pytest.mark.parametrize(
    ("rule", "fraction", "ratio"),
    [(KeepHardest, 0.3, 10.0), (KeepHardest, 0.8, 2.0), (KeepEasiest, 0.2, 6.0)],
)
def test_the_replica_form_of_a_perfect_probe(rule, fraction, ratio):
    found = at(perceptron(rule, angle=0.0, fraction=fraction), ratio)
    R, kappa, alpha = float(found.parallel), float(found.margin), fraction * ratio
    _, _, (low, high) = _kept(rule, fraction, both_sides=False)
    gap, lengths = _panels(np.linspace(0.0, kappa + _FAR, 201))
    t, wide = kappa - gap, math.sqrt(1 - R**2)
    mass = stats.norm.pdf(t) * lengths
    ends = [(end - R * t) / wide for end in (low, high)]
    edge = np.exp(-0.5 * ends[0] ** 2) - np.exp(-0.5 * ends[1] ** 2)
    inside = special.ndtr(ends[1]) - special.ndtr(ends[0])
    factor = 2 * alpha / (fraction * math.sqrt(2 * math.pi) * wide)
    assert abs(R - factor * np.sum(mass * edge * gap)) < 1e-9
    assert abs(1 - R**2 - 2 * alpha / fraction * np.sum(mass * inside * gap**2)) < 1e-9
    assert abs(float(found.orthogonal)) < 1e-12


GENERAL = [
    perceptron(KeepHardest, learner=Hinge(0.05), flip_probability=0.1),
    perceptron(KeepEasiest, Margin, learner=Hinge(0.3), flip_probability=0.05, angle=1.9),
    logistic(KeepHardest, EL2N, learner=LogisticRegression(0.05)),
    logistic(KeepEasiest, Uncertainty, learner=LogisticRegression(0.2), flip_probability=0.1),
    logistic(partial(ExactCalibration, mixing=0.6), EL2N, fraction=0.4),
    perceptron(
        partial(SoftCalibration, mixing=0.3, hardest=False),
        Margin,
        learner=Hinge(0.3),
        flip_probability=0.05,
    ),
]


@pytest.mark.parametrize("ratio", [1.5, 12.0])
@pytest.mark.parametrize("problem", GENERAL)
def test_the_state_evolution_of_penalised_losses(problem, ratio):
    """lambda a = E[G f], eta^2 = alpha V^2 E f^2 and 1/V = alpha (lambda - E f').

    V is not predicted: it is the root of the third, which increases with V. E f' = E[Z f] / eta by
    Stein's lemma: nothing is differentiated. A weight multiplies the V of its samples, and
    f = (prox - p) / V then has the weight in it.
    """
    found = at(problem, ratio)
    cos, sin = np.asarray(problem.score.probe.direction, float)
    weights = np.array([float(found.parallel), float(found.orthogonal)])
    a = np.array([weights @ [cos, sin], weights @ [sin, -cos]])
    eta = math.sqrt(float(found.norm) ** 2 - a @ a)
    alpha, penalty = float(problem.rule.fraction) * ratio, float(problem.learner.penalty)

    def averages(step):
        total = np.zeros(5)
        for share, weight, part in _strata(problem):
            nodes = _nodes(part, float(found.threshold), a, eta, step * weight)
            moved = _proximal(problem.learner, nodes.point, step * weight) - nodes.point
            moments = (nodes.mass * moved / step * x for x in (moved / step, *nodes[2:]))
            total += share * np.array([np.sum(nodes.mass), *map(np.sum, moments)])
        return total

    def surplus(log_step):
        step = math.exp(log_step)
        return step * alpha * (penalty - averages(step)[4] / eta) - 1.0

    step = math.exp(optimize.brentq(surplus, -7.0, 7.0, xtol=1e-11))
    mass, square, along, across, _ = averages(step)
    assert abs(mass - 1.0) < 1e-9
    np.testing.assert_allclose([along, across], penalty * a, atol=3e-9)
    assert alpha * step**2 * square == pytest.approx(eta**2, rel=1e-8)


def _strata(problem):
    """Share of the kept samples, weight over the mean weight, and the rule that keeps these."""
    rule = problem.rule
    if isinstance(rule, KeepHardest | KeepEasiest):
        return [(1.0, 1.0, problem)]
    fraction, mixing = float(rule.fraction), float(rule.mixing)
    top, sides = mixing * fraction, [KeepHardest, KeepEasiest]
    on_top, below = sides if rule.hardest else sides[::-1]
    heavy = (1.0 - top) / (fraction - top) if isinstance(rule, ExactCalibration) else 1.0
    mean = mixing + (1.0 - mixing) * heavy
    return [
        (mixing, 1.0 / mean, with_rule(problem, on_top(top))),
        (1.0 - mixing, heavy / mean, with_rule(problem, below(1.0 - top))),
    ]


def _proximal(learner, point, step):
    """The three cases of the hinge; the logistic one by bisection."""
    if isinstance(learner, Hinge):
        return np.where(point > 1, point, np.where(point < 1 - step, point + step, 1.0))
    low, high = np.copy(point), point + step
    for _ in range(48):
        middle = 0.5 * (low + high)
        above = middle - point - step * special.expit(-middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)


class _Nodes(NamedTuple):
    """Over z and X: what the student says, the mass, and the means of v and Z times the mass."""

    point: np.ndarray
    mass: np.ndarray
    z: np.ndarray
    v: np.ndarray
    rest: np.ndarray


def _nodes(problem, level, a, eta, step):
    pieces = [_panels(edges, 12) for edges in _edges(problem, level)]
    z, lengths = (np.concatenate(part) for part in zip(*pieces, strict=True))
    width = math.hypot(a[1], eta)
    lean, part = a[1] / width, eta / width
    kinks = np.stack([(1.0 - a[0] * z) / width, (1.0 - step - a[0] * z) / width], axis=1)
    base = np.broadcast_to(np.linspace(-8.0, 8.0, 13), (len(z), 13))
    edges = np.sort(np.concatenate([base, np.clip(kinks, -8.0, 8.0)], axis=1), axis=1)
    x, weights = np.polynomial.legendre.leggauss(14)
    half = 0.5 * np.diff(edges, axis=1)[:, :, None]
    X = (edges[:, :-1, None] + half * (1.0 + x)).reshape(len(z), -1)
    density = lengths * stats.norm.pdf(z) * 2.0 / float(problem.rule.fraction)
    mass = density[:, None] * stats.norm.pdf(X) * (half * weights).reshape(len(z), -1)
    tilt, slope = _tilt(problem, z[:, None], X, lean, part)
    # v = lean X + part g and Z = part X - lean g; ``slope`` is the mean of g times the tilt
    v, rest = lean * X + part * slope / tilt, part * X - lean * slope / tilt
    return _Nodes(a[0] * z[:, None] + width * X, mass * tilt, z[:, None], v, rest)


def _tilt(problem, z, X, lean, part):
    """P(label y | z, X), and the mean over g of g times P(label y | z, X, g)."""
    cos, sin = np.asarray(problem.score.probe.direction, float)
    flip = float(problem.model.flip_probability)
    known = cos * z + sin * lean * X
    if isinstance(problem.model, Perceptron):
        end = known / (sin * part)
        right, edge = special.ndtr(end), stats.norm.pdf(end)
    else:
        g, weights = np.polynomial.hermite_e.hermegauss(32)
        weights = weights / math.sqrt(2.0 * math.pi)
        chance = special.expit(float(problem.model.signal) * (known[..., None] + sin * part * g))
        right, edge = chance @ weights, chance @ (weights * g)
    return flip + (1 - 2 * flip) * right, (1 - 2 * flip) * edge


def _edges(problem, level):
    """Panels of z: what the rule keeps at the reported threshold."""
    score, hardest = problem.score, isinstance(problem.rule, KeepHardest)
    grading = np.concatenate([[0.0], np.geomspace(0.02, 8.5, 14)])
    if isinstance(score, Uncertainty):
        outside = np.unique(np.clip(grading, *((0.0, -level) if hardest else (-level, 8.5))))
        return [-outside[::-1], outside]
    cut = -level if isinstance(score, Margin) else math.log(1.0 / level - 1.0)
    both = np.concatenate([-grading[:0:-1], grading])
    return [np.unique(np.clip(both, *((-8.5, cut) if hardest else (cut, 8.5))))]
