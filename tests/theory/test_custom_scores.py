"""Scores that a user writes in one class, against brute force and against hand-made integrals."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import Feature, PointwiseScore, Probe, View
from nfl_sim.theory.linear import generic
from tests import oracles
from tests.strategies import example_problem
from tests.theory.shapes import hasty_predict, with_score


class Curve(PointwiseScore):
    """A function of the residual s: a s^2 / 2 + b s + c sin(f s) + d floor(s)."""

    sees: ClassVar[frozenset[Feature]] = frozenset({"residual"})
    probe: Probe
    square: jax.Array
    slope: jax.Array
    ripple: jax.Array
    frequency: jax.Array
    stairs: jax.Array

    def __call__(self, view: View) -> jax.Array:
        s = view.residual
        smooth = 0.5 * self.square * s**2 + self.slope * s
        return smooth + self.ripple * jnp.sin(self.frequency * s) + self.stairs * jnp.floor(s)


def _curve(probe, *, square=0.0, slope=0.0, ripple=0.0, frequency=1.0, stairs=0.0):
    return Curve(probe, *(jnp.asarray(c) for c in (square, slope, ripple, frequency, stairs)))


class Size(PointwiseScore):
    """|y|."""

    sees: ClassVar[frozenset[Feature]] = frozenset({"label"})
    probe: Probe

    def __call__(self, view: View) -> jax.Array:
        return jnp.abs(view.label)


class Agreement(PointwiseScore):
    """residual * margin: how far the probe falls short on its own side."""

    sees: ClassVar[frozenset[Feature]] = frozenset({"residual", "probe_margin"})
    probe: Probe

    def __call__(self, view: View) -> jax.Array:
        return view.residual * view.probe_margin


class Mixed(PointwiseScore):
    """margin + |x| / 2: neither even nor odd."""

    sees: ClassVar[frozenset[Feature]] = frozenset({"probe_margin", "norm"})
    probe: Probe

    def __call__(self, view: View) -> jax.Array:
        return view.probe_margin + 0.5 * view.norm


def _problem(make, rule=KeepHardest, **kwargs):
    known = example_problem(rule=rule, **kwargs)
    return with_score(known, make(known.score.probe))


def _loss(probe):
    return _curve(probe, square=1.0)


def _tilted(probe):
    return _curve(probe, square=1.0, slope=0.8, ripple=0.3, frequency=2.0)


@pytest.mark.parametrize(
    ("make", "rule", "dim"),
    [
        (_loss, KeepHardest, 2),
        (_tilted, KeepHardest, 2),
        (Size, KeepEasiest, 3),
        (Mixed, KeepHardest, 3),
    ],
)
def test_against_the_definition(make, rule, dim):
    """Draw, score, keep the top, fit: on 2^17 quasi-random points, good to 1e-3."""
    for penalty in (0.0, 0.3):
        problem = _problem(make, rule, penalty=penalty)
        _agree(hasty_predict(dim)(problem), oracles.brute_force(problem, dim))


def _agree(prediction, drawn):
    assert bool(prediction.converged)
    assert float(prediction.threshold) == pytest.approx(drawn.threshold, abs=5e-3)
    student = [float(prediction.parallel), float(prediction.orthogonal)][: len(drawn.student)]
    np.testing.assert_allclose(student, drawn.student[:2], atol=3e-3)
    np.testing.assert_allclose(drawn.student[2:], 0.0, atol=3e-3)


def test_the_loss_ranks_as_el2n():
    ours = hasty_predict(2)(_problem(_loss))
    known = nfl.predict(example_problem(), nfl.FixedDimension(2))
    for name in ("excess_risk", "parallel", "orthogonal", "finite_size", "training_loss"):
        assert float(getattr(ours, name)) == pytest.approx(float(getattr(known, name)), rel=1e-9)
    assert float(ours.threshold) == pytest.approx(0.5 * float(known.threshold) ** 2, rel=1e-9)


def test_the_size_of_the_label_is_el2n_of_the_null_probe():
    ours = hasty_predict(3)(_problem(Size, KeepEasiest))
    null = example_problem(scores.EL2N, KeepEasiest, norm=0.0)
    known = hasty_predict(3)(null)
    for name in ("excess_risk", "parallel", "finite_size", "training_loss", "threshold"):
        assert float(getattr(ours, name)) == pytest.approx(float(getattr(known, name)), rel=1e-9)


@pytest.mark.parametrize(("dim", "angle", "accuracy"), [(1, 0.0, 1e-5), (2, 0.6, 2e-2)])
def test_two_directions_by_conditioning_on_the_margin(monkeypatch, dim, angle, accuracy):
    """Kept: s t > c, so given t = w_p.x the residual s is a normal cut from one side."""
    if dim > 1:  # a plane of nodes is dear: a coarse one, and the accuracy that it has
        monkeypatch.setattr(generic, "_NODES_PER_PANEL", 4)
    problem = _problem(Agreement, angle=angle)
    ours = hasty_predict(dim)(problem)
    _agree(ours, oracles.brute_force(problem, dim))
    cut, sigma = float(ours.threshold), 0.7
    probe = 0.8 * np.array([math.cos(angle), math.sin(angle)])
    delta = np.array([1.0, 0.0]) - probe
    slope = delta @ probe / 0.64
    variance = delta @ delta + sigma**2 - 0.64 * slope**2
    # x given (s, t): linear, x = a t + b (s - slope t) + noise of covariance rest.
    a, b = probe / 0.64, (delta - slope * probe) / variance
    rest = np.eye(2) - np.outer(probe, probe) / 0.64 - variance * np.outer(b, b)
    mass, first, second = 0.0, np.zeros(2), np.zeros((2, 2))
    for sign in (1.0, -1.0):
        t, law = _margins(sign)
        mean, std = slope * t, math.sqrt(variance)
        end = sign * (cut / t - mean) / std
        tail, density = special.ndtr(-end), np.exp(-0.5 * end**2) / math.sqrt(2.0 * math.pi)
        s1 = mean * tail + sign * std * density
        s2 = mean**2 * tail + 2.0 * sign * mean * std * density + variance * (tail + end * density)
        level = np.outer(t, a - slope * b)
        mixed = np.outer(law * s1 @ level, b)
        mass += law @ tail
        first += law * s1 @ level + law @ s2 * b
        second += (level.T * (law * tail)) @ level + mixed + mixed.T
        second += law @ s2 * np.outer(b, b) + law @ tail * rest
    student = probe + np.linalg.solve(second, first)
    error = np.sum((student - [1.0, 0.0]) ** 2) - float(ours.excess_risk)
    assert mass == pytest.approx(0.3, rel=accuracy)
    assert abs(error) <= 10.0 * float(ours.numerical_error) + 1e-12
    assert abs(error) <= accuracy * float(ours.excess_risk)


def _margins(sign):
    """Nodes and weights for w_p.x on one side of 0, |w_p| = 0.8."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    unit = 4.5 * (nodes + 1.0)
    law = 4.5 * weights * np.exp(-0.5 * unit**2) / math.sqrt(2.0 * math.pi)
    return sign * 0.8 * unit, law


def test_mixed_by_shells():
    """Kept on each latitude beyond a radius: x = rho (sin, cos), rho^2 chi-square of dim 3."""
    problem = _problem(Mixed, penalty=0.3)
    ours = hasty_predict(3)(problem)
    cut = float(ours.threshold)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    slope = 0.8 * nodes + 0.5  # score / rho; the sine is uniform in three dimensions
    radius = np.where(slope > 0.0, cut / np.where(slope > 0.0, slope, 1.0), np.inf)
    tail = special.gammaincc(2.5, 0.5 * radius**2)
    assert 0.5 * weights @ special.gammaincc(1.5, 0.5 * radius**2) == pytest.approx(0.3, rel=1e-6)
    along = 0.5 * weights @ (3.0 * nodes**2 * tail) / 0.3
    across = 0.5 * weights @ (1.5 * (1.0 - nodes**2) * tail) / 0.3
    direction = np.array([math.cos(0.6), math.sin(0.6)])
    second = across * np.eye(2) + (along - across) * np.outer(direction, direction)
    student = np.linalg.solve(second + 0.3 * np.eye(2), second @ np.array([1.0, 0.0]))
    np.testing.assert_allclose([ours.parallel, ours.orthogonal], student, rtol=1e-6)


def test_reading_what_was_not_declared():
    class Sneaky(PointwiseScore):
        sees: ClassVar[frozenset[Feature]] = frozenset({"residual"})
        probe: Probe

        def __call__(self, view: View) -> jax.Array:
            return jnp.abs(view.residual) * view.norm

    with pytest.raises(ValueError, match=r"reads 'norm' but declares to see only .*'residual'"):
        nfl.predict(_problem(Sneaky), nfl.FixedDimension(2))


@pytest.mark.parametrize(
    "curve",
    [
        {"ripple": 1.0, "frequency": 40.0, "slope": 0.1},  # too many crossings to follow
        {"ripple": 1.0, "frequency": 1e4},  # crossings between the points of any grid
        {"stairs": 1.0},  # ties: no level keeps the fraction
    ],
    ids=["ripple", "comb", "stairs"],
)
def test_what_cannot_be_resolved_is_not_predicted(curve):
    prediction = hasty_predict(2)(_problem(lambda probe: _curve(probe, **curve)))
    assert not bool(prediction.converged)
    for name in ("excess_risk", "finite_size", "parallel", "threshold", "numerical_error"):
        assert np.isnan(getattr(prediction, name))
