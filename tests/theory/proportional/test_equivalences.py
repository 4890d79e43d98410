"""Students that must be one: closed forms and the general system, and limits of the penalty."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from nfl_sim.gaussian import HingeLoss, LogisticLoss, SquareLoss
from nfl_sim.learners import Hinge, LogisticRegression, MaxMargin, Ridge
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import EL2N, Margin, Uncertainty
from nfl_sim.theory.proportional.channels import HINGE, ProximalChannel
from nfl_sim.theory.proportional.law import Student
from nfl_sim.theory.proportional.ridge import solve_ridge
from nfl_sim.theory.proportional.state_evolution import FINE, solve_evolution
from tests.theory.proportional.problems import at, kept_law, logistic, perceptron, student
from tests.theory.shapes import hasty_jit

_SQUARE = ProximalChannel(SquareLoss())
NOISY = {"flip_probability": 0.1}


def _laws(problem):
    kept = kept_law(problem)
    return kept.fine, kept.coarse


def _solver(channel):
    """Of one channel, compiled for a kind of law; weights all ``weight``."""

    @hasty_jit
    def solve(fine, coarse, ratio, ridge, weight):
        fine, coarse = (
            eqx.tree_at(lambda law: law.weights, law, law.weights * weight)
            for law in (fine, coarse)
        )
        return solve_evolution(fine, coarse, channel, ratio, ridge)

    return lambda laws, ratio, ridge, weight=1.0: solve(
        *laws, *(jnp.asarray(x, jnp.float64) for x in (ratio, ridge, weight))
    )


def _components(found):
    assert bool(found.converged)
    return np.array([float(part) for part in found.student])


RIDGED = [
    [
        perceptron(KeepHardest, Uncertainty, **NOISY),
        perceptron(KeepEasiest, Margin, angle=1.9, fraction=0.7, **NOISY),
        perceptron(KeepHardest, Margin, angle=0.9, fraction=0.5, **NOISY),
    ],
    [
        logistic(KeepHardest, EL2N),
        logistic(KeepEasiest, Uncertainty, angle=2.2, fraction=0.3, **NOISY),
    ],
]


@pytest.mark.parametrize("problems", RIDGED, ids=["perceptron", "logistic"])
def test_ridge_is_the_square_loss(problems):
    solve = _solver(_SQUARE)
    for problem in problems:
        laws = _laws(problem)
        for ratio, penalty in [(0.4, 0.3), (1.0, 0.05), (3.0, 1e-3), (40.0, 2.0)]:
            general = solve(laws, ratio, penalty * ratio)
            closed = solve_ridge(
                laws[0], *(jnp.asarray(x, jnp.float64) for x in (ratio, penalty * ratio))
            )
            expected = [float(part) for part in closed.student]
            np.testing.assert_allclose(_components(general), expected, rtol=1e-8, atol=1e-9)
            loss = float(general.moments.loss)
            assert loss == pytest.approx(float(closed.training_loss), rel=1e-7)
            stiffness = float(closed.stiffness)
            assert 1.0 / float(general.susceptibility) == pytest.approx(stiffness, rel=1e-8)


def test_the_hinge_by_ramps_is_the_hinge_by_its_proximal_map():
    """At students and steps that solve nothing in particular, and the solution is one of both."""
    by_ramps = hasty_jit(lambda *given: HINGE.moments(*given, FINE))
    by_map = hasty_jit(lambda *given: ProximalChannel(HingeLoss()).moments(*given, FINE))
    for problem in (RIDGED[0][0], RIDGED[0][1]):
        fine, _ = _laws(problem)
        for parts in [(0.3, 0.6, 0.8), (-1.0, 0.05, 0.2), (2.0, -3.0, 1.5), (0.5, 8.0, 1.0)]:
            for step in (0.05, 1.0, 30.0):
                given = Student(*map(jnp.asarray, parts)), jnp.asarray(step)
                first, second = (channel(fine, *given) for channel in (by_ramps, by_map))
                np.testing.assert_allclose(first, second, rtol=1e-7, atol=1e-8 * step)


def test_weights_that_are_all_equal_change_nothing():
    """With the penalty in proportion, as its unit is the mean weight."""
    laws = _laws(RIDGED[0][0])
    for solve in (_solver(_SQUARE), _solver(HINGE)):
        plain = _components(solve(laws, 3.0, 0.4))
        for weight in (0.01, 7.0):
            weighted = _components(solve(laws, 3.0, 0.4 * weight, weight))
            np.testing.assert_allclose(weighted, plain, rtol=1e-8, atol=1e-9)


def test_the_hinge_tends_to_the_widest_margin():
    for rule, angle, fraction in [(KeepHardest, 0.4, 0.4), (KeepEasiest, 1.1, 0.2)]:
        same = {"angle": angle, "fraction": fraction}
        widest = at(perceptron(rule, learner=MaxMargin(), **same), 6.0)
        limit = student(widest) / float(widest.margin)
        gaps = []
        for penalty in (0.5, 0.2, 0.05, 1e-5):
            found = at(perceptron(rule, learner=Hinge(penalty), **same), 6.0)
            gaps.append(np.linalg.norm(student(found) - limit))
        assert gaps[0] > gaps[1] > gaps[2]
        assert gaps[3] < 1e-8
        assert float(found.support_fraction) == pytest.approx(
            float(widest.support_fraction), abs=1e-7
        )
        assert float(found.training_loss) < 1e-6


def test_logistic_regression_tends_to_the_direction_of_the_widest_margin():
    """Below capacity, at the rate 1 / log(1/penalty)."""
    problem = logistic(KeepHardest, EL2N, learner=MaxMargin(), fraction=0.6)
    widest = at(problem, 2.0)
    gaps, scales = [], []
    for penalty in (1e-4, 1e-8, 1e-16):
        found = at(eqx.tree_at(lambda p: p.learner, problem, LogisticRegression(penalty)), 2.0)
        gaps.append(np.linalg.norm(student(found)[:2] / float(found.norm) - student(widest)[:2]))
        scales.append(float(found.norm * widest.margin) / -np.log(penalty))
    assert gaps[1] < 0.7 * gaps[0]
    assert gaps[2] < 0.7 * gaps[1]
    assert gaps[2] < 0.02
    assert abs(scales[2] - 1.0) < abs(scales[1] - 1.0) < abs(scales[0] - 1.0)


def test_the_loss_of_a_proximal_channel_is_the_training_loss():
    problem = logistic(KeepHardest, EL2N)
    found, ridge = at(problem, 3.0), 0.05 * 3.0 * 0.7
    general = _solver(ProximalChannel(LogisticLoss(), 2.0, 0.25))(_laws(problem), 2.1, ridge)
    assert float(general.moments.loss) == pytest.approx(float(found.training_loss), rel=1e-8)


def test_least_squares_of_ridge_at_no_penalty():
    for ratio in (0.5, 20.0):
        pair = [at(logistic(learner=Ridge(penalty)), ratio) for penalty in (0.0, 1e-9)]
        np.testing.assert_allclose(student(pair[0]), student(pair[1]), rtol=1e-6)
