"""The comparison: the limit, its error, z and the rate that it computes."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from tests.strategies import example_problem
from tests.synthetic import EXACT, FINITE, LIMIT, PROBLEM, SIZES, line, runs_on, synthetic


@pytest.fixture(scope="module")
def prediction():
    return nfl.predict(PROBLEM, LIMIT)


@pytest.fixture(scope="module")
def exact():
    return nfl.predict(EXACT, FINITE)


def test_true_means_agree_exactly(prediction):
    """Both the limit and the coefficient are found through a term of higher order."""
    found = nfl.compare(prediction, runs_on(prediction, curve=50.0))
    assert found.verdict == "agree"
    assert found.predicted == float(prediction.excess_risk)
    assert found.limit == pytest.approx(found.predicted, rel=1e-9)
    assert found.rate == pytest.approx(float(prediction.finite_size), rel=1e-9)
    assert found.z == pytest.approx(0.0, abs=1e-6)
    assert "agree" in str(found)


def test_a_shift_is_measured_with_its_error(prediction):
    """Weighted least squares by the normal equations, with unequal errors."""
    sems = np.array([1e-4, 2e-4, 5e-4])
    noise = np.array([0.3, -0.5, 0.2]) * sems
    sizes = np.array(SIZES, float)
    values = [line(prediction, n) + 2e-3 + e for n, e in zip(SIZES, noise, strict=True)]
    runs = [synthetic(*row) for row in zip(SIZES, values, sems, strict=True)]
    found = nfl.compare(prediction, runs)

    def solve(design, data):
        weights = design / sems[:, None] ** 2
        covariance = np.linalg.inv(weights.T @ design)
        return covariance @ weights.T @ data, np.sqrt(np.diag(covariance))

    shift, error = solve(np.stack([sizes**0, sizes**-2], axis=1), 2e-3 + noise)
    free = np.array(values) - float(prediction.excess_risk)
    rate, rate_error = solve(np.stack([sizes**-1, sizes**-2], axis=1), free)
    assert found.limit - found.predicted == pytest.approx(shift[0], rel=1e-6)
    assert found.sem == pytest.approx(error[0], rel=1e-6)
    total = math.hypot(error[0], float(prediction.numerical_error))
    assert found.z == pytest.approx(shift[0] / total, rel=1e-6)
    assert found.rate == pytest.approx(rate[0], rel=1e-6)
    assert found.rate_sem == pytest.approx(rate_error[0], rel=1e-6)
    rate_z = (rate[0] - float(prediction.finite_size)) / rate_error[0]
    assert found.rate_z == pytest.approx(rate_z, rel=1e-6)


def test_a_limit_off_by_a_percent_disagrees(prediction):
    shift = 0.01 * float(prediction.excess_risk)
    found = nfl.compare(prediction, runs_on(prediction, shift=shift, sem=shift / 20))
    assert found.verdict == "disagree"


def test_the_given_prediction_is_judged_not_a_fresh_one(prediction):
    wrong = eqx.tree_at(lambda p: p.excess_risk, prediction, 1.01 * prediction.excess_risk)
    found = nfl.compare(wrong, runs_on(prediction, sem=1e-5))
    assert found.predicted == float(wrong.excess_risk)
    assert found.limit == pytest.approx(float(prediction.excess_risk), rel=1e-6)
    assert found.verdict == "disagree"


def test_an_unknown_rate_is_fitted(prediction):
    unknown = eqx.tree_at(lambda p: p.finite_size, prediction, jnp.asarray(jnp.nan))
    found = nfl.compare(unknown, runs_on(prediction, curve=30.0))
    assert found.verdict == "agree"
    assert math.isnan(found.rate)
    assert found.limit == pytest.approx(float(prediction.excess_risk), rel=1e-9)


def test_fractions_are_those_really_kept():
    """0.25 of 402 is 101 of 402: the mean belongs to the prediction at 101/402."""
    sizes = (402, 805, 1606)
    predictions = [
        nfl.predict(example_problem(fraction=nfl.num_kept(0.25, n) / n), LIMIT) for n in sizes
    ]
    means = [line(p, n) for p, n in zip(predictions, sizes, strict=True)]
    runs = [synthetic(n, mean, 1e-6) for n, mean in zip(sizes, means, strict=True)]
    assert nfl.compare(nfl.predict(PROBLEM, LIMIT), runs).verdict == "agree"


def test_exact_means_are_pooled(exact):
    predicted = float(exact.excess_risk)
    sems = np.array([1e-3, 2e-3])
    weights = sems**-2 / np.sum(sems**-2)
    shifts = np.array([2e-3, -1e-3])
    runs = [
        synthetic(80, predicted + shift, sem, EXACT)
        for shift, sem in zip(shifts, sems, strict=True)
    ]
    found = nfl.compare(exact, runs)
    assert found.limit == pytest.approx(predicted + weights @ shifts, rel=1e-9)
    assert found.sem == pytest.approx(np.sum(sems**-2) ** -0.5, rel=1e-9)
    assert found.z == pytest.approx((weights @ shifts) / found.sem, rel=1e-6)
    assert (found.verdict, math.isnan(found.rate)) == ("agree", True)
    off = synthetic(80, 1.1 * predicted, 1e-3, EXACT)
    assert nfl.compare(exact, [off]).verdict == "disagree"
