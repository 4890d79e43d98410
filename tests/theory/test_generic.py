"""The quadrature of any score against every closed form."""

import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.theory.linear import fixed_dimension, generic
from tests.strategies import example_problem
from tests.theory.shapes import hasty_predict, unrecognised, with_score


def _twin(problem):
    return with_score(problem, unrecognised(type(problem.score))(problem.score.probe))


def _check(actual, expected, accuracy=1e-8):
    """Within the accuracy asked for, and within the error that the quadrature admits."""
    assert bool(actual.converged)
    assert bool(expected.converged)
    for name in ("threshold", "parallel", "orthogonal", "training_loss", "finite_size"):
        np.testing.assert_allclose(
            getattr(actual, name), getattr(expected, name), rtol=accuracy, atol=accuracy
        )
    np.testing.assert_allclose(actual.covariance, expected.covariance, rtol=accuracy, atol=accuracy)
    gap = abs(float(actual.excess_risk - expected.excess_risk))
    assert gap <= 10.0 * float(actual.numerical_error) + 1e-12
    assert gap <= accuracy * (float(expected.excess_risk) + 1e-6)


# Each score has its grid, each dimension its side rule, each rule its side of the level.
@pytest.mark.parametrize(
    ("score", "dim", "rule"),
    [
        *((scores.EL2N, d, KeepEasiest if d % 2 else KeepHardest) for d in (1, 2, 6)),
        *((scores.Uncertainty, d, KeepHardest if d % 2 else KeepEasiest) for d in (2, 3)),
        *((scores.Leverage, d, KeepEasiest if d % 2 else KeepHardest) for d in (1, 3, 6)),
        (scores.GraNd, 1, KeepHardest),
    ],
)
def test_closed_forms(score, dim, rule):
    angle = 0.6 if dim > 1 else np.pi
    for fraction, penalty in ((0.3, 0.0), (0.3, 0.4), (1e-3, 0.1), (0.97, 0.0)):
        problem = example_problem(score, rule, angle=angle, fraction=fraction, penalty=penalty)
        closed = hasty_predict(dim)(problem)
        _check(hasty_predict(dim)(_twin(problem)), closed)


@pytest.mark.parametrize(("dim", "rule"), [(2, KeepEasiest), (3, KeepHardest)])
def test_grand_in_the_plane_and_beyond(monkeypatch, dim, rule):
    """The full grid takes seconds a call: a coarse one, and the accuracy that it has."""
    monkeypatch.setattr(generic, "_NODES_PER_PANEL", 6)
    monkeypatch.setattr(fixed_dimension, "quadrature_refinement", lambda problem: 1)
    problem = example_problem(scores.GraNd, rule, fraction=0.3, penalty=0.2)
    _check(hasty_predict(dim)(_twin(problem)), hasty_predict(dim)(problem), accuracy=1e-3)


def test_the_probe_of_norm_zero_and_the_perfect_probe():
    for angle, norm in ((0.6, 0.0), (0.0, 1.0)):
        problem = example_problem(angle=angle, norm=norm)
        closed = nfl.predict(problem, nfl.FixedDimension(2))
        _check(hasty_predict(2)(_twin(problem)), closed)


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])
def test_margin_of_a_regression_by_brute_force(rule):
    """-y w_p.x has no closed form: the kept second moments, on a grid of (x_1, noise)."""
    problem = example_problem(scores.Margin, rule, angle=0.0, norm=0.8, fraction=0.4)
    prediction = nfl.predict(problem, nfl.FixedDimension(1))
    grid = np.linspace(-8.0, 8.0, 3201)
    x, noise = grid[:, None], 0.7 * grid[None, :]
    weight = np.exp(-0.5 * (grid[:, None] ** 2 + grid[None, :] ** 2))
    score = -0.8 * (x + noise) * x
    kept = score > float(prediction.threshold)
    kept = weight * (kept if rule is KeepHardest else ~kept)
    assert np.sum(kept) / np.sum(weight) == pytest.approx(0.4, abs=1e-3)
    slope = np.sum(kept * x * (x + noise)) / np.sum(kept * x**2)
    assert float(prediction.parallel) == pytest.approx(slope, abs=2e-3)
