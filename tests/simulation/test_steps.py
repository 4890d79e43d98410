"""The five steps, each against numpy, scipy or scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.simulation.steps import highest
from tests.agreement import fair

KEY = jax.random.key(3)
MODEL = nfl.models.Linear(signal=1.5, noise_std=0.5)
LEAST_SQUARES = nfl.learners.Ridge(0.0)


def data(rows, dim, dtype=jnp.float64):
    x, y = nfl.sample(KEY, MODEL, num_samples=rows, dim=dim, dtype=dtype)
    return x, y


def trained(learner, x, y, weights, **flags):
    """The weights of a student that exists."""
    student, exists, converged = nfl.fit(learner, x, y, weights, **flags)
    assert exists
    assert converged
    return student


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_sample_has_the_law_of_the_model(dtype):
    """Second moments of 20000 rows; six standard errors, false alarm below 1e-7 in all."""
    n, dim = 20_000, 3
    x, y = data(n, dim, dtype)
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((n, dim), (n,), dtype, dtype)
    rows = np.column_stack([x, (y - 1.5 * x[:, 0]) / 0.5]).astype(np.float64)
    error = 6 * np.sqrt((1 + np.eye(4)) / n)
    assert np.all(np.abs(rows.T @ rows / n - np.eye(4)) < error)
    assert np.all(np.abs(rows.mean(axis=0)) < 6 / np.sqrt(n))


def test_sample_is_a_function_of_the_key():
    np.testing.assert_array_equal(data(5, 2)[0], data(5, 2)[0])
    other = nfl.sample(jax.random.key(4), MODEL, num_samples=5, dim=2, dtype=jnp.float64)[0]
    assert not jnp.any(other == data(5, 2)[0])


@pytest.mark.parametrize(("rule", "sign"), [("KeepHardest", -1), ("KeepEasiest", 1)])
def test_select_is_argsort(rule, sign):
    scores = np.random.default_rng(4).normal(size=200)
    chosen = nfl.select(KEY, getattr(nfl.pruning, rule)(0.1), jnp.asarray(scores), 20)
    np.testing.assert_array_equal(chosen, np.argsort(sign * scores)[:20])


def test_ties_do_not_displace_better_samples():
    scores = jnp.asarray([0.0, 1.0, 0.0, 2.0, 0.0, 1.0])
    chosen = nfl.select(KEY, nfl.pruning.KeepHardest(0.5), scores, 4)
    assert list(chosen[:1]) == [3]
    assert set(np.asarray(chosen[1:3])) == {1, 5}
    assert int(chosen[3]) in {0, 2, 4}


@pytest.mark.parametrize("rule", ["KeepHardest", "KeepEasiest", "KeepRandom"])
@pytest.mark.parametrize(
    ("n", "size", "dtype"), [(12, 5, jnp.float64), (64, 3, jnp.float32), (64, 3, jnp.float64)]
)
def test_ties_are_fair(rule, n, size, dtype):
    """Each of the tied indices is kept equally often, by both ways to sort; false alarm 1e-6."""
    draws = 20_000
    keys = jax.random.split(KEY, draws)
    rule = getattr(nfl.pruning, rule)(size / n)
    chosen = jax.vmap(lambda key: nfl.select(key, rule, jnp.zeros(n, dtype), size))(keys)
    assert fair(np.bincount(np.asarray(chosen).ravel(), minlength=n), draws, size)


def test_ties_of_a_few_are_fair():
    """Two places are left for four tied samples; false alarm 1e-6."""
    draws = 20_000
    scores = jnp.asarray([0.0, 5.0, 0.0, 0.0, 0.0, -1.0])
    rule = nfl.pruning.KeepHardest(0.5)
    keys = jax.random.split(KEY, draws)
    chosen = np.asarray(jax.vmap(lambda key: nfl.select(key, rule, scores, 3))(keys))
    counts = np.bincount(chosen.ravel(), minlength=6)
    assert (counts[1], counts[5]) == (draws, 0)
    assert fair(counts[[0, 2, 3, 4]], draws, 2)


def test_least_squares_is_lstsq():
    x, y = data(30, 4)
    fitted = trained(LEAST_SQUARES, x, y, jnp.ones(30))
    np.testing.assert_allclose(fitted, np.linalg.lstsq(x, y)[0], rtol=1e-10)


@pytest.mark.parametrize("shape", [(30, 4), (4, 9)])
@pytest.mark.parametrize("penalty", [1e-3, 0.5, 20.0])
def test_ridge_is_that_of_scikit_learn(shape, penalty):
    """Its objective is a sum where ours is a mean: alpha = m penalty."""
    peer = pytest.importorskip("sklearn.linear_model")
    x, y = (np.asarray(a) for a in data(*shape))
    expected = peer.Ridge(alpha=shape[0] * penalty, fit_intercept=False, tol=1e-12).fit(x, y).coef_
    fitted = trained(
        nfl.learners.Ridge(penalty), jnp.asarray(x), jnp.asarray(y), jnp.ones(shape[0])
    )
    np.testing.assert_allclose(fitted, expected, rtol=1e-9)


def test_few_rows_give_the_fit_of_minimum_norm():
    x, y = data(4, 9)
    fitted = trained(LEAST_SQUARES, x, y, jnp.ones(4))
    np.testing.assert_allclose(fitted, np.linalg.pinv(x) @ y, rtol=1e-10)
    np.testing.assert_allclose(x @ fitted, y, rtol=1e-10)


@pytest.mark.parametrize(("kept", "dim"), [(20, 4), (6, 9)])
@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_rows_of_weight_zero_do_not_count(kept, dim, penalty):
    learner = nfl.learners.Ridge(penalty)
    x, y = data(32, dim)
    weights = (jnp.arange(32) < kept).astype(jnp.float64)
    padded = trained(learner, x, y, weights, underdetermined=kept < dim)
    short = trained(learner, x[:kept], y[:kept], jnp.ones(kept))
    np.testing.assert_allclose(padded, short, rtol=1e-9)
    loss = learner.training_loss(short, x, y, weights)
    np.testing.assert_allclose(loss, np.mean((y - x @ short)[:kept] ** 2) / 2, 1e-12, atol=1e-25)


def test_weights_repeat_rows():
    x, y = data(10, 3)
    counts = np.random.default_rng(4).integers(1, 4, size=10)
    learner = nfl.learners.Ridge(0.2)
    weighted = trained(learner, x, y, jnp.asarray(1.0 * counts))
    repeated = (jnp.asarray(np.repeat(a, counts, axis=0)) for a in (x, y))
    np.testing.assert_allclose(weighted, trained(learner, *repeated, jnp.ones(counts.sum())), 1e-10)


def test_fit_computes_in_float64():
    x, y = data(30, 4, jnp.float32)
    fitted = trained(LEAST_SQUARES, x, y, jnp.ones(30, jnp.float32))
    assert fitted.dtype == jnp.float64
    exact = np.linalg.lstsq(np.float64(x), np.float64(y))[0]
    np.testing.assert_allclose(fitted, exact, rtol=1e-10)


def test_risk_is_the_excess_of_the_expected_loss():
    """Against Gauss-Hermite quadrature of E(y - w.x)^2 - E(y - w0.x)^2 over (x_1, x_2, noise)."""
    student = np.array([0.7, -0.4])
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    x1, x2, noise = np.meshgrid(nodes, nodes, nodes)
    law = np.einsum("i,j,k->ijk", weights, weights, weights) / (2 * np.pi) ** 1.5
    label = 1.5 * x1 + 0.5 * noise
    loss = (label - student[0] * x1 - student[1] * x2) ** 2
    expected = np.sum(law * (loss - (0.5 * noise) ** 2))
    assert nfl.risk(MODEL, jnp.asarray(student)) == pytest.approx(expected, rel=1e-12)
    assert nfl.risk(MODEL, jnp.asarray([1.5, 0.0, 0.0])) == 0.0


@pytest.mark.parametrize("ties", [False, True])
def test_preselection_chooses_what_sorting_chooses(ties):
    """Few of many go through partial sorts: the same indices as the full order by (score, lot)."""
    key, size = jax.random.key(7), 8
    scores = jax.random.normal(jax.random.key(8), (400,), jnp.float32)
    scores = jnp.round(scores) if ties else scores
    lots = jax.random.bits(key, scores.shape, jnp.uint32)
    expected = np.lexsort((np.asarray(lots), -np.asarray(scores)))[:size]
    np.testing.assert_array_equal(highest(key, scores, size), expected)


def test_what_single_precision_cannot_tell_apart_is_still_ranked():
    """Of 64 priorities that are one number in float32, beside 64 of all sizes."""
    near = 1.0 + 1e-12 * jax.random.permutation(jax.random.key(1), 64).astype(jnp.float64)
    apart = jax.random.normal(jax.random.key(2), (64,), jnp.float64)
    priorities = jnp.concatenate([near, apart])
    for size in (8, 20, 32):
        found = highest(jax.random.key(0), priorities, size)
        np.testing.assert_array_equal(found, np.argsort(-np.asarray(priorities))[:size])
