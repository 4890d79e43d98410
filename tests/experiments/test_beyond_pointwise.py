"""What fig10 and fig12 compute for themselves: students, expansions, averages, verdicts."""

import numpy as np
import pytest
from scipy import optimize

from experiments import fig10_distances, fig10_free_lunch, fig12_information
from experiments.tables import from_rows


def sample(count=60, dim=3):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(count, dim))
    chance = 1.0 / (1.0 + np.exp(-rows[:, 0]))
    return rows, np.where(rng.uniform(size=count) < chance, 1.0, -1.0)


def loss(student, rows, labels):
    return np.sum(np.logaddexp(0.0, -labels * (rows @ student)))


def test_logistic_regression_is_where_the_loss_is_least():
    rows, labels = sample()
    found = optimize.minimize(loss, np.zeros(3), args=(rows, labels), tol=1e-10)
    np.testing.assert_allclose(fig10_distances.logistic(rows, labels), found.x, atol=1e-5)
    with pytest.raises(ValueError, match="on 60 rows has no student"):
        fig10_distances.logistic(rows, np.sign(rows[:, 0]))


def test_the_expansion_is_gradient_and_curvature():
    rows, labels = sample()
    student, step = np.array([0.3, -0.2, 0.1]), 1e-4
    sums = np.sum(fig10_distances.expansion(rows, labels, student), axis=0)
    for i, unit in enumerate(np.eye(3)):
        sides = [loss(student + s * step * unit, rows, labels) for s in (-1.0, 0.0, 1.0)]
        assert sums[i] == pytest.approx((sides[2] - sides[0]) / (2.0 * step), abs=1e-5)
        diagonal = 3 + (0, 3, 5)[i]
        second = (sides[2] - 2.0 * sides[1] + sides[0]) / step**2
        assert sums[diagonal] == pytest.approx(second, abs=1e-3)


def test_the_distance_of_random_rows_is_the_difference_of_two_risks():
    """Exactly: the full-data student is uncorrelated with the rest (Gauss-Markov)."""
    config = fig10_free_lunch.Config()
    sizes = np.array([400.0, 6400.0])
    found = fig10_distances.stated(config, "Uniform", "KeepRandom", sizes)
    expected = np.sqrt(3.0 / (0.1 * sizes - 4.0) - 3.0 / (sizes - 4.0))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_every_rule_chooses_as_many_rows():
    import jax
    import jax.numpy as jnp

    import nfl_sim as nfl

    config = fig10_free_lunch.Config()
    keys = jax.random.split(jax.random.key(0), 3)
    for curve in fig10_distances.LINEAR:
        given = fig10_distances.problem(config, *curve)
        drawn = nfl.sample(keys[0], given.model, num_samples=150, dim=3, dtype=jnp.float64)
        kept = fig10_distances.chosen(keys, given, *drawn)
        assert len(np.unique(kept)) == 15


@pytest.mark.parametrize(
    ("power", "steeper", "word"),
    [(-1.0, True, "agree"), (-0.5, True, "disagree"), (-0.5, False, "agree")],
)
def test_an_exponent_is_judged_by_its_side(power, steeper, word):
    rows = [
        {"num_samples": n, "distance": 3.0 * n**power, "sem": 0.01 * n**power} for n in (400, 6400)
    ]
    verdict = fig10_free_lunch._slope(from_rows(rows), "somewhere", steeper)
    assert verdict.verdict == word
    assert f"n^{power:.2f}" in verdict.claim


@pytest.mark.parametrize("dim", [1, 3, 10])
def test_the_nodes_have_the_moments_of_a_chi_square(dim):
    nodes, weights = fig12_information._chi_square_rule(dim)
    moments = [float(weights @ nodes**k) for k in range(4)]
    exact = [1.0, 1.0, (dim + 2.0) / dim, (dim + 2.0) * (dim + 4.0) / dim**2]
    np.testing.assert_allclose(moments, exact, rtol=1e-10)


def test_a_risk_below_the_bayes_bound_disagrees():
    row = {"curve_rule": "a", "curve_score": "b", "error": 1.0, "bound": 0.1, "sem": 0.01}
    assert fig12_information._bayes_verdict(row | {"risk": 0.02}).verdict == "disagree"
    assert fig12_information._bayes_verdict(row | {"risk": 0.09}).verdict == "agree"
