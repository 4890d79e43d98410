"""The logistic model: its law, against counts; its risks, against adaptive integrals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import nfl_sim as nfl
from nfl_sim.models import Logistic
from tests.agreement import CRITICAL
from tests.models.logistic_oracle import Oracle, excess_risk
from tests.strategies import logistic_models

CASES = [
    # signal, flip probability, student in the plane
    (1.0, 0.0, (0.8, 0.5)),
    (2.0, 0.2, (0.3, 1.7)),
    (2.0, 0.1, (-1.5, 0.0)),  # antiparallel
    (3.0, 0.0, (-0.4, 2.0)),
    (1.5, 0.0, (1.5, 0.0)),  # the teacher
    (1.5, 0.3, (1.5, 0.0)),
    (20.0, 0.05, (3.0, 4.0)),
    (0.0, 0.0, (0.7, 0.1)),  # coin flips
    (2.0, 0.5, (0.7, 0.1)),
    (2.0, 0.0, (600.0, 800.0)),
    (2.0, 0.1, (6e-4, -8e-4)),
]
every_case = pytest.mark.parametrize(("signal", "flip", "student"), CASES)


@jax.jit
def population(model, student):
    return model.excess_risk(student), dict(model.diagnostics(student))


def measured(model, student):
    """Excess risk and diagnostics, as numbers."""
    return jax.tree.map(float, population(model, student))


def found(signal, flip, student):
    """Of the student in four dimensions, turned about the teacher."""
    aside = student[1] * jnp.array([0.48, -0.6, 0.64])
    return measured(Logistic(signal, flip), jnp.concatenate([jnp.array(student[:1]), aside]))


@every_case
def test_risk_and_errors_are_those_of_brute_force(signal, flip, student):
    excess, quantities = found(signal, flip, student)
    oracle, teacher = Oracle(signal, flip, student), Oracle(signal, flip, (1.0, 0.0))
    error, least = oracle.error(observed=False), teacher.error(observed=False)
    expected = {
        "error": error,
        "excess_error": error - least,
        "noisy_error": oracle.error(observed=True),
    }
    for name, value in expected.items():
        assert quantities[name] == pytest.approx(value, abs=1e-9), name
    assert excess == pytest.approx(excess_risk(signal, flip, student), rel=1e-9, abs=1e-9)


@every_case
def test_calibration_is_that_of_brute_force(signal, flip, student):
    _, quantities = found(signal, flip, student)
    oracle = Oracle(signal, flip, student)
    assert quantities["calibration_slope"] == pytest.approx(
        oracle.best_factor(), rel=1e-8, abs=1e-9
    )
    assert quantities["calibration_error"] == pytest.approx(oracle.calibration_error(), abs=1e-9)


@pytest.mark.parametrize("flip", [0.0, 0.2])
def test_the_zero_student_tosses_a_coin(flip):
    excess, quantities = found(2.0, flip, (0.0, 0.0))
    assert excess == pytest.approx(excess_risk(2.0, flip, (0.0, 0.0)), abs=1e-10)
    assert quantities["error"] == pytest.approx(0.5, abs=1e-14)
    assert quantities["noisy_error"] == pytest.approx(0.5, abs=1e-14)
    assert quantities["calibration_error"] == pytest.approx(0.0, abs=1e-14)
    assert np.isnan(quantities["calibration_slope"])


def test_the_teacher_is_perfect_unless_labels_are_flipped():
    excess, quantities = found(3.0, 0.0, (3.0, 0.0))
    assert excess == pytest.approx(0.0, abs=1e-15)
    assert quantities["excess_error"] == 0.0
    assert quantities["calibration_slope"] == pytest.approx(1.0, rel=1e-12)
    assert quantities["calibration_error"] == pytest.approx(0.0, abs=1e-14)
    assert found(3.0, 0.1, (3.0, 0.0))[0] > 0.01
    best = float(Logistic(3.0, 0.1).best_norm)
    assert found(3.0, 0.1, (best, 0.0))[0] == pytest.approx(0.0, abs=1e-15)


def test_turning_a_student_round_turns_its_errors():
    one, other = (found(2.0, 0.1, student)[1] for student in ((0.4, 0.9), (-0.4, -0.9)))
    assert one["error"] + other["error"] == pytest.approx(1.0, abs=1e-14)
    assert one["calibration_slope"] == pytest.approx(-other["calibration_slope"], rel=1e-12)


@pytest.mark.parametrize("size", [1e4, 1e8, 1e150])
def test_huge_students_lose_in_proportion(size):
    """The log-loss grows as |w| E(-y u.x)_+; nothing overflows."""
    excess, quantities = found(1.0, 0.0, (0.6 * size, 0.8 * size))
    oracle = Oracle(1.0, 0.0, (0.6, 0.8))
    wrong = oracle.mean(lambda u: abs(u) * oracle.chance(-abs(u)))
    assert excess / size == pytest.approx(wrong, abs=1 / size + 1e-12)
    assert all(np.isfinite(value) for value in quantities.values())
    assert quantities["calibration_error"] == pytest.approx(
        quantities["error"], abs=2 / size + 1e-12
    )


@given(logistic_models(strongest=30.0), st.lists(st.floats(-20.0, 20.0), min_size=4, max_size=4))
def test_ranges_and_relations(model, student):
    excess, quantities = measured(model, jnp.array(student))
    flip = float(model.flip_probability)
    assert excess >= 0.0
    assert quantities["excess_error"] >= 0.0
    assert -1e-12 <= quantities["error"] <= 1.0 + 1e-12
    assert -1e-12 <= quantities["calibration_error"] <= 1.0
    noisy = flip + (1 - 2 * flip) * quantities["error"]
    assert quantities["noisy_error"] == pytest.approx(noisy, abs=1e-14)


# ---------------------------------------------------------------- the law of a sample


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize(("signal", "flip"), [(1.5, 0.0), (4.0, 0.2), (0.0, 0.0)])
def test_labels_have_the_chance_of_the_link(signal, flip, dtype):
    """Counts in 20 cells of x_1, given the covariates, are chi-square; false alarm 1e-6."""
    count = 40_000
    key = jax.random.key(5)
    x, y = nfl.sample(key, Logistic(signal, flip), num_samples=count, dim=3, dtype=dtype)
    assert (x.dtype, y.dtype, set(np.unique(y))) == (dtype, dtype, {-1.0, 1.0})
    first, up = np.float64(x[:, 0]), np.asarray(y) > 0
    chance = flip + (1 - 2 * flip) / (1 + np.exp(-signal * first))
    cell = np.digitize(first, np.quantile(first, np.linspace(0, 1, 21)[1:-1]))
    surplus = np.bincount(cell, up - chance)
    variance = np.bincount(cell, chance * (1 - chance))
    assert stats.chi2.sf(np.sum(surplus**2 / variance), 20) > 1e-6


def test_flips_are_as_frequent_as_told():
    """Of a teacher without doubt, every wrong label is a flip; false alarm 1e-6."""
    x, y = nfl.sample(jax.random.key(6), Logistic(1e9, 0.15), num_samples=40_000, dim=2)
    wrong = np.mean(np.asarray(x[:, 0] * y) < 0)
    assert abs(wrong - 0.15) < CRITICAL * np.sqrt(0.15 * 0.85 / 40_000)


def test_covariates_are_standard_normal():
    """Also given the label: only x_1 knows of it. Six standard errors, false alarm below 1e-6."""
    count = 40_000
    x, y = nfl.sample(jax.random.key(7), Logistic(2.0), num_samples=count, dim=4)
    rows = np.float64(x)
    assert np.all(np.abs(rows.T @ rows / count - np.eye(4)) < 6 * np.sqrt((1 + np.eye(4)) / count))
    assert np.all(np.abs(np.float64(y) @ rows[:, 1:] / count) < 6 / np.sqrt(count))


def test_residual_is_the_slope_of_the_loss():
    model, margins = Logistic(1.0), jnp.linspace(-700.0, 700.0, 41)
    for label in (-1.0, 1.0):
        labels = jnp.full_like(margins, label)
        slopes = jax.vmap(jax.grad(model.loss))(margins, labels)
        np.testing.assert_allclose(
            model.residual(margins, labels), -slopes, rtol=1e-12, atol=1e-300
        )
