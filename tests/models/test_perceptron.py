"""The perceptron: its law, against counts; its errors, against Monte Carlo and mpmath."""

import itertools

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.models import Perceptron
from tests.agreement import FALSE_ALARM


@jax.jit
def population(model, student):
    return model.excess_risk(student), dict(model.diagnostics(student))


def angle(student):
    """To e_1, in 40 digits."""
    with mpmath.workdps(40):
        along, *across = map(mpmath.mpf, map(float, student))
        return mpmath.atan2(mpmath.sqrt(sum(a**2 for a in across)), along)


@pytest.mark.parametrize("flip", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_labels_are_flipped_signs(flip, dtype):
    x, y = Perceptron(flip).sample(jax.random.key(1), 20_000, 2, dtype)
    assert (x.dtype, y.dtype) == (dtype, dtype)
    assert set(np.unique(y)) == {-1.0, 1.0}
    wrong = int(jnp.sum(y * x[:, 0] < 0.0))
    assert stats.binomtest(wrong, 20_000, flip).pvalue > FALSE_ALARM
    assert stats.kstest(np.asarray(x[:, 1]), "norm").pvalue > FALSE_ALARM


@pytest.mark.parametrize("flip", [0.0, 0.2])
def test_errors_are_those_of_counting(flip):
    model, student = Perceptron(flip), jnp.array([0.6, -0.5, 0.9])
    x, y = model.sample(jax.random.key(2), 200_000, 3, jnp.float64)
    excess, quantities = population(model, student)
    counts = {
        "error": jnp.sum((x @ student) * x[:, 0] < 0.0),
        "noisy_error": jnp.sum((x @ student) * y < 0.0),
    }
    for name, count in counts.items():
        test = stats.binomtest(int(count), 200_000, float(quantities[name]))
        assert test.pvalue > FALSE_ALARM, name
    assert quantities["excess_error"] == quantities["error"]
    assert excess == pytest.approx(float(quantities["noisy_error"]) - flip, rel=1e-14)


@pytest.mark.parametrize("across", [1e-300, 1e-30, 1e-8, 1.0, 1e20])
@pytest.mark.parametrize("along", [1.0, -1.0, 1e-12, 0.0])
@pytest.mark.parametrize("size", [1e-150, 1.0, 1e180])
def test_no_digit_is_lost(along, across, size):
    """Near the teacher, opposite to it and across, for students of any length."""
    student = size * jnp.array([along, 0.6 * across, -0.8 * across])
    if float(jnp.max(jnp.abs(student))) < 1e-290:
        return
    excess, quantities = population(Perceptron(0.1), student)
    expected = float(angle(student) / mpmath.pi)
    assert quantities["error"] == pytest.approx(expected, rel=1e-14, abs=1e-300)
    assert excess == pytest.approx(0.8 * expected, rel=1e-14, abs=1e-300)


def test_the_null_student_tosses_a_coin():
    excess, quantities = population(Perceptron(0.1), jnp.zeros(4))
    assert excess == pytest.approx(0.4, rel=1e-15)
    assert quantities["error"] == quantities["noisy_error"] == 0.5


def test_turning_a_student_round_turns_its_errors():
    student = jnp.array([0.3, 0.4, -1.0])
    errors = [population(Perceptron(0.1), s * student)[1]["error"] for s in (1.0, -1.0)]
    assert sum(errors) == pytest.approx(1.0, rel=1e-15)


def test_slope_of_the_risk_is_that_of_differences():
    slope = jax.jit(jax.grad(Perceptron(0.1).excess_risk))
    student, step = jnp.array([0.6, 0.8, -0.3]), 1e-6
    for axis in jnp.eye(3):
        rise = [population(Perceptron(0.1), student + s * step * axis)[0] for s in (1, -1)]
        difference = (rise[0] - rise[1]) / (2 * step)
        assert slope(student) @ axis == pytest.approx(float(difference), abs=1e-9)
    assert slope(student) @ student == pytest.approx(0.0, abs=1e-16)
    for tip in (jnp.zeros(3), jnp.eye(3)[0], -jnp.eye(3)[0]):
        assert jnp.isfinite(slope(tip)).all()


def test_a_student_in_one_dimension_is_right_or_wrong():
    for weight, error in ((2.0, 0.0), (-2.0, 1.0), (0.0, 0.5)):
        assert population(Perceptron(), jnp.array([weight]))[1]["error"] == error


def test_a_prediction_is_a_sign():
    model = Perceptron()
    for label, margin in itertools.product((1.0, -1.0), (0.3, -7.0)):
        right = label * margin > 0.0
        found = model.residual(jnp.asarray(margin), jnp.asarray(label))
        assert found == (0.0 if right else 2.0 * label)
        assert model.loss(jnp.asarray(margin), jnp.asarray(label)) == float(not right)
    assert model.loss(jnp.asarray(0.0), jnp.asarray(1.0)) == 1.0


def test_ties_of_coarse_scores_are_broken_by_lot():
    """EL2N at a probe that is always right: pruning at random, whatever the order of the rows."""
    problem = nfl.Problem(
        Perceptron(),
        nfl.scores.EL2N(nfl.Probe(0.0, 1.0)),
        nfl.pruning.KeepHardest(0.5),
        nfl.learners.Ridge(0.1),
    )
    x, y = nfl.sample(jax.random.key(3), problem.model, num_samples=200, dim=3)
    scores = nfl.score(jax.random.key(4), problem, x, y)
    assert set(np.asarray(scores)) == {0.0}
    kept = nfl.select(jax.random.key(5), problem.rule, scores, 100)
    assert stats.binomtest(int(jnp.sum(kept < 100)), 100, 0.5).pvalue > FALSE_ALARM
