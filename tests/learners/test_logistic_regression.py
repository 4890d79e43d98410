"""Logistic regression: the minimiser, against scikit-learn; existence, against linear programs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn import linear_model

import nfl_sim as nfl
from nfl_sim.learners import LogisticRegression

MLE = LogisticRegression(0.0)
ROWS = jnp.asarray(np.random.default_rng(0).normal(size=(40, 3)))
LABELS = jnp.asarray(np.sign(np.random.default_rng(1).normal(size=40) + np.asarray(ROWS[:, 0])))
WEIGHTS = jnp.asarray(np.random.default_rng(2).uniform(0.1, 3.0, size=40))
fit = jax.jit(nfl.fit)
fit_each = jax.jit(jax.vmap(nfl.fit, in_axes=(None, 0, 0, 0)))


def verdicts(found):
    """One word a member: student, separable or undecided; weights are nan without a student."""
    exists, converged = np.asarray(found.exists), np.asarray(found.converged)
    words = np.where(~converged, "undecided", np.where(exists, "student", "separable"))
    finite = np.isfinite(found.weights).all(axis=-1)
    np.testing.assert_array_equal(finite, words == "student")
    np.testing.assert_array_equal(np.isnan(found.weights).all(axis=-1), ~finite)
    return words


def gradient(student, x, y, weights, penalty):
    """Of the objective, in numpy."""
    slopes = -np.asarray(weights * y) / (1 + np.exp(np.asarray(y * (x @ student))))
    return slopes @ np.asarray(x) / np.sum(weights) + penalty * np.asarray(student)


@pytest.mark.parametrize("penalty", [0.0, 1e-3, 0.5, 20.0])
@pytest.mark.parametrize("weights", [jnp.ones(40), WEIGHTS], ids=["equal", "weighted"])
def test_minimiser_is_that_of_scikit_learn(penalty, weights):
    """Its objective is a sum over C: C = 1 / (penalty sum(omega))."""
    peer = linear_model.LogisticRegression(
        C=1.0 / (penalty * float(jnp.sum(weights))) if penalty else np.inf,
        fit_intercept=False,
        solver="newton-cholesky",
        tol=1e-12,
    )
    expected = peer.fit(ROWS, LABELS, sample_weight=np.asarray(weights)).coef_[0]
    found = fit(LogisticRegression(penalty), ROWS, LABELS, weights)
    assert verdicts(found) == "student"
    np.testing.assert_allclose(found.weights, expected, rtol=1e-7)
    slope = gradient(found.weights, ROWS, LABELS, weights, penalty)
    np.testing.assert_allclose(slope, 0.0, atol=1e-15)


def test_training_loss_is_the_weighted_mean():
    student = jnp.array([0.3, -2.0, 1.0])
    found = MLE.training_loss(student, ROWS, LABELS, WEIGHTS)
    losses = np.log1p(np.exp(-np.asarray(LABELS * (ROWS @ student))))
    assert found == pytest.approx(np.average(losses, weights=WEIGHTS), rel=1e-12)


@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_rows_of_weight_zero_do_not_count(penalty):
    """Whatever they hold, and also where those that count are separable."""
    learner = LogisticRegression(penalty)
    spoilt = ROWS.at[30:].set(jnp.nan).at[35:].set(jnp.inf)
    for kept in (30, 3):
        weights = jnp.where(jnp.arange(40) < kept, WEIGHTS, 0.0)
        padded = fit(learner, spoilt, LABELS, weights)
        short = fit(learner, ROWS[:kept], LABELS[:kept], WEIGHTS[:kept])
        assert verdicts(padded) == verdicts(short)
        np.testing.assert_allclose(padded.weights, short.weights, rtol=1e-12)
    assert verdicts(padded) == ("student" if penalty else "separable")


def test_weights_repeat_rows():
    counts = np.random.default_rng(4).integers(1, 4, size=40)
    weighted = fit(MLE, ROWS, LABELS, jnp.asarray(1.0 * counts))
    x, y = (jnp.asarray(np.repeat(a, counts, axis=0)) for a in (ROWS, LABELS))
    repeated = fit(MLE, x, y, jnp.ones(len(y)))
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-11)


def test_rows_of_single_precision_are_fitted_in_double():
    x, y = ROWS.astype(jnp.float32), LABELS.astype(jnp.float32)
    found = fit(MLE, x, y, jnp.ones(40, jnp.float32)).weights
    assert found.dtype == jnp.float64
    expected = fit(MLE, x.astype(jnp.float64), LABELS, jnp.ones(40)).weights
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_student_is_differentiable():
    """Implicitly, in the penalty and the weights, against central differences."""

    def student(penalty, weights):
        return nfl.fit(LogisticRegression(penalty), ROWS, LABELS, weights).weights

    given, step = (jnp.asarray(0.2), WEIGHTS), 1e-5
    slopes = jax.jit(jax.jacrev(student, argnums=(0, 1)))(*given)
    direction = jnp.sin(jnp.arange(40.0))
    moved = jax.jit(student)
    rise = (moved(0.2 + step, WEIGHTS) - moved(0.2 - step, WEIGHTS)) / (2 * step)
    np.testing.assert_allclose(slopes[0], rise, rtol=1e-7)
    rise = moved(0.2, WEIGHTS + step * direction) - moved(0.2, WEIGHTS - step * direction)
    np.testing.assert_allclose(slopes[1] @ direction, rise / (2 * step), rtol=1e-7)


# ---------------------------------------------------------------- existence


def largest_margin(rows):
    """max over |w|_inf <= 1 of min_i rows_i.w, > 0 if the rows are separable."""
    count, dim = rows.shape
    sides = np.column_stack([-rows, np.ones(count)])
    bounds = [(-1, 1)] * dim + [(None, None)]
    target = np.append(np.zeros(dim), -1.0)
    return -linprog(target, A_ub=sides, b_ub=np.zeros(count), bounds=bounds).fun


def runs_away(rows):
    """Whether some w != 0 has rows_i.w >= 0 for all i, and > 0 for one."""
    bounds = [(-1, 1)] * rows.shape[1]
    found = linprog(-rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=bounds)
    return -found.fun > 1e-9


@pytest.mark.parametrize(("count", "dim"), [(6, 3), (20, 10), (40, 20), (24, 4)])
def test_near_capacity_every_set_is_decided_rightly(count, dim):
    """Random labels at m = 2d, where half of all sets are separable; strong ones beyond."""
    rng = np.random.default_rng(count)
    x = rng.normal(size=(120, count, dim))
    y = np.sign(rng.normal(size=(120, count)) + (count > 2 * dim) * 3.0 * x[:, :, 0])
    found = verdicts(fit_each(MLE, jnp.asarray(x), jnp.asarray(y), jnp.ones((120, count))))
    expected = [largest_margin(rows) > 1e-9 for rows in x * y[:, :, None]]
    assert 20 < np.sum(expected) < 100
    np.testing.assert_array_equal(found, np.where(expected, "separable", "student"))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_ties_never_deceive(dim):
    """Rows of small integers: many are separable but for ties, and many do not span the space."""
    rng = np.random.default_rng(dim)
    rows = rng.integers(-1, 2, size=(200, dim + 2, dim)).astype(float)
    ones = jnp.ones((200, dim + 2))
    found = verdicts(fit_each(MLE, jnp.asarray(rows), ones, ones))
    strictly = np.array([largest_margin(r) > 1e-9 for r in rows])
    spans = np.linalg.matrix_rank(rows) == dim
    exists = ~np.array([runs_away(r) for r in rows]) & spans
    expected = np.where(strictly, "separable", np.where(exists, "student", "undecided"))
    assert min(np.sum(expected == word) for word in ("separable", "student", "undecided")) > 5
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_existence_does_not_depend_on_units(scale):
    for kept in (40, 4):
        plain = fit(MLE, ROWS[:kept], LABELS[:kept], jnp.ones(kept))
        scaled = fit(MLE, scale * ROWS[:kept], LABELS[:kept], jnp.ones(kept))
        assert verdicts(scaled) == verdicts(plain)
        np.testing.assert_allclose(scale * scaled.weights, plain.weights, rtol=1e-10)


def test_fewer_rows_than_dimensions_are_separable():
    found = nfl.fit(MLE, ROWS[:2], LABELS[:2], jnp.ones(2), underdetermined=True)
    assert verdicts(found) == "separable"


@pytest.mark.parametrize("penalty", [1e-8, 1e-3, 1.0])
def test_a_penalty_always_has_a_student(penalty):
    """Also of one row, of separable ones and of ties."""
    for kept in (1, 3, 40):
        found = fit(LogisticRegression(penalty), ROWS[:kept], LABELS[:kept], jnp.ones(kept))
        assert verdicts(found) == "student"
        slope = gradient(found.weights, ROWS[:kept], LABELS[:kept], jnp.ones(kept), penalty)
        np.testing.assert_allclose(slope, 0.0, atol=1e-14)


def test_a_mixture_is_fitted_as_each_alone():
    """Separable, not separable and tied members under one vmap, in every order."""
    ties = jnp.concatenate([jnp.eye(3), -jnp.eye(3)[:1], jnp.tile(jnp.eye(3), (12, 1))])
    sets = {"student": LABELS[:, None] * ROWS, "separable": ROWS + 4.0, "undecided": ties}
    ones = jnp.ones(40)
    alone = {word: fit(MLE, sets[word], ones, ones) for word in sets}
    for order in itertools.permutations(sets):
        x = jnp.stack([sets[word] for word in order])
        found = fit_each(MLE, x, jnp.ones((3, 40)), jnp.ones((3, 40)))
        assert tuple(verdicts(found)) == order
        for weights, word in zip(found.weights, order, strict=True):
            np.testing.assert_allclose(weights, alone[word].weights, rtol=1e-12)


@pytest.mark.parametrize("penalty", [-0.1, jnp.nan])
def test_a_bad_traced_penalty_is_undecided(penalty):
    def traced(value):
        return nfl.fit(LogisticRegression(value), ROWS, LABELS, jnp.ones(40))

    assert verdicts(jax.jit(traced)(jnp.asarray(penalty))) == "undecided"


def test_no_row_of_weight_is_undecided():
    assert verdicts(fit(MLE, ROWS, LABELS, jnp.zeros(40))) == "undecided"
