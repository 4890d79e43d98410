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
from tests import oracles
from tests.strategies import example_problem
from tests.theory.test_generic import hasty_predict


class Loss(PointwiseScore):
    """residual^2 / 2."""

    sees: ClassVar[frozenset[Feature]] = frozenset({"residual"})
    probe: Probe

    def __call__(self, view: View) -> jax.Array:
        return 0.5 * view.residual**2


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


def _problem(score, rule=KeepHardest, **kwargs):
    known = example_problem(rule=rule, **kwargs)
    return nfl.Problem(known.model, score(known.score.probe), known.rule, known.learner)


@pytest.mark.parametrize(
    ("score", "rule", "dim"),
    [(Loss, KeepHardest, 2), (Size, KeepEasiest, 3), (Agreement, KeepHardest, 2), (Mixed, KeepHardest, 3)],
)
def test_against_the_definition(score, rule, dim):
    """Draw, score, keep the top, fit: on 2^17 quasi-random points, good to 1e-3."""
    for penalty in (0.0, 0.3):
        problem = _problem(score, rule, penalty=penalty)
        exact, drawn = hasty_predict(dim)(problem), oracles.brute_force(problem, dim)
        assert bool(exact.converged)
        assert float(exact.threshold) == pytest.approx(drawn.threshold, abs=5e-3)
        student = [float(exact.parallel), float(exact.orthogonal)]
        np.testing.assert_allclose(student, drawn.student[:2], atol=3e-3)
        np.testing.assert_allclose(drawn.student[2:], 0.0, atol=3e-3)


def test_the_loss_ranks_as_el2n():
    problem = _problem(Loss, KeepHardest)
    ours = hasty_predict(2)(problem)
    known = nfl.predict(example_problem(), nfl.FixedDimension(2))
    for name in ("excess_risk", "parallel", "orthogonal", "finite_size", "training_loss"):
        assert float(getattr(ours, name)) == pytest.approx(float(getattr(known, name)), rel=1e-9)
    assert float(ours.threshold) == pytest.approx(0.5 * float(known.threshold) ** 2, rel=1e-9)


def test_the_size_of_the_label_is_el2n_of_the_null_probe():
    ours = hasty_predict(3)(_problem(Size, KeepEasiest))
    null = example_problem(scores.EL2N, KeepEasiest, norm=0.0)
    known = nfl.predict(null, nfl.FixedDimension(3))
    for name in ("excess_risk", "parallel", "finite_size", "training_loss", "threshold"):
        assert float(getattr(ours, name)) == pytest.approx(float(getattr(known, name)), rel=1e-9)


def test_agreement_by_conditioning_on_the_margin():
    """Kept: s t > c, so given t = w_p.x the residual s is a normal cut from one side."""
    ours = hasty_predict(2)(_problem(Agreement))
    cut, sigma = float(ours.threshold), 0.7
    probe = 0.8 * np.array([math.cos(0.6), math.sin(0.6)])
    delta = np.array([1.0, 0.0]) - probe
    assert cut > 0.0
    nodes, weights = np.polynomial.legendre.leggauss(200)
    mass, first, second = 0.0, np.zeros(2), np.zeros((2, 2))
    for low, high in ((1e-9, 0.5), (0.5, 8.0), (-0.5, -1e-9), (-8.0, -0.5)):
        unit = 0.5 * (low + high) + 0.5 * (high - low) * nodes
        law = 0.5 * (high - low) * weights * np.exp(-0.5 * unit**2) / math.sqrt(2.0 * math.pi)
        t = 0.8 * unit
        # z = (s, x) given t is normal; s given t has this mean and variance.
        slope = delta @ probe / 0.64
        variance = delta @ delta + sigma**2 - 0.64 * slope**2
        mean, std = slope * t, math.sqrt(variance)
        way = np.sign(t)
        end = way * (cut / t - mean) / std
        tail, density = special.ndtr(-end), np.exp(-0.5 * end**2) / math.sqrt(2.0 * math.pi)
        s1 = mean * tail + way * std * density
        s2 = mean**2 * tail + 2.0 * way * mean * std * density + variance * (tail + end * density)
        # x given (s, t): linear, x = a t + b (s - slope t) + noise of covariance rest.
        a, b = probe / 0.64, (delta - slope * probe) / variance
        rest = np.eye(2) - np.outer(probe, probe) / 0.64 - variance * np.outer(b, b)
        level = np.outer(t, a - slope * b)
        mass += law @ tail
        first += (law * s1) @ level + (law @ s2) * b
        mixed = level.T * (law * s1) @ np.ones_like(t)
        second += (level.T * (law * tail)) @ level + np.outer(mixed, b) + np.outer(b, mixed)
        second += (law @ s2) * np.outer(b, b) + (law @ tail) * rest
    assert mass == pytest.approx(0.3, rel=1e-9)
    student = probe + np.linalg.solve(second, first)
    np.testing.assert_allclose([ours.parallel, ours.orthogonal], student, rtol=1e-8)


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

    with pytest.raises(ValueError, match="reads 'norm' but declares to see only .*'residual'"):
        nfl.predict(_problem(Sneaky), nfl.FixedDimension(2))


class Ripple(PointwiseScore):
    """Too many level crossings to follow."""

    sees: ClassVar[frozenset[Feature]] = frozenset({"residual"})
    probe: Probe

    def __call__(self, view: View) -> jax.Array:
        return jnp.sin(40.0 * view.residual) + 0.1 * view.residual


class Comb(Ripple):
    """Crossings between the points of any grid."""

    def __call__(self, view: View) -> jax.Array:
        return jnp.sin(1e4 * view.residual)


class Steps(Ripple):
    """Ties: no level keeps the fraction."""

    def __call__(self, view: View) -> jax.Array:
        return jnp.floor(view.residual)


@pytest.mark.parametrize("score", [Ripple, Comb, Steps])
def test_what_cannot_be_resolved_is_not_predicted(score):
    prediction = hasty_predict(2)(_problem(score))
    assert not bool(prediction.converged)
    for name in ("excess_risk", "finite_size", "parallel", "threshold", "numerical_error"):
        assert np.isnan(getattr(prediction, name))
