"""The soft margin: stationary, by an active set; near scikit-learn; and its limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.svm import LinearSVC

import nfl_sim as nfl
from nfl_sim.learners import Hinge, MaxMargin
from tests.learners.oracles import hinge_remainder

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.normal(size=(40, 5)))
Y = jnp.asarray(np.where(np.asarray(X[:, 0]) + RNG.normal(size=40) > 0.0, 1.0, -1.0))
WEIGHTS = jnp.asarray(RNG.uniform(0.1, 3.0, size=40))
ONES = jnp.ones(40)
fit = jax.jit(nfl.fit)
fit_each = jax.jit(jax.vmap(nfl.fit, in_axes=(None, 0, 0, 0)))


def is_student(found):
    return bool(found.exists) and bool(found.converged) and bool(jnp.isfinite(found.weights).all())


@pytest.mark.parametrize("penalty", [1e-5, 1e-3, 0.1, 3.0])
@pytest.mark.parametrize(("num_rows", "dim"), [(10, 20), (40, 20), (200, 10), (1, 3), (9, 1)])
def test_students_are_stationary(penalty, num_rows, dim):
    """A convex problem: stationary is optimal."""
    rng = np.random.default_rng(num_rows)
    x = rng.normal(size=(6, num_rows, dim))
    y = np.where(x[:, :, 0] + 0.5 * rng.normal(size=(6, num_rows)) > 0.0, 1.0, -1.0)
    weights = rng.uniform(0.5, 1.5, size=(6, num_rows))
    found = fit_each(Hinge(penalty), *map(jnp.asarray, (x, y, weights)))
    assert found.exists.all()
    assert found.converged.all()
    for student, rows, omega in zip(found.weights, x * y[:, :, None], weights, strict=True):
        shares = omega / omega.sum()
        remainder = hinge_remainder(np.asarray(student), rows, shares, penalty)
        assert remainder < 1e-8 * max(1.0, penalty)


@pytest.mark.parametrize("penalty", [0.01, 0.5])
@pytest.mark.parametrize("weights", [ONES, WEIGHTS], ids=["equal", "weighted"])
def test_student_is_that_of_scikit_learn(penalty, weights):
    """Its objective is a sum over C: C = 1 / (penalty sum(omega))."""
    peer = LinearSVC(
        C=1.0 / (penalty * float(jnp.sum(weights))),
        loss="hinge",
        fit_intercept=False,
        tol=1e-10,
        max_iter=10_000_000,
    )
    expected = peer.fit(X, Y, sample_weight=np.asarray(weights)).coef_[0]
    found = fit(Hinge(penalty), X, Y, weights)
    np.testing.assert_allclose(found.weights, expected, atol=1e-6)


def test_it_tends_to_the_maximum_margin():
    """Once 1 / (penalty |w|^2) is large enough, the direction is that of `MaxMargin`."""
    labels = jnp.where(X[:, 0] > 0.0, 1.0, -1.0)
    expected = fit(MaxMargin(), X, labels, ONES).weights
    for penalty in (1e-4, 1e-6):
        found = fit(Hinge(penalty), X, labels, ONES)
        np.testing.assert_allclose(
            found.weights / jnp.linalg.norm(found.weights), expected, atol=1e-8
        )
        assert Hinge(penalty).training_loss(found.weights, X, labels, ONES) < 1e-12


def test_a_large_penalty_leaves_the_mean():
    """All rows within the margin: w = sum omega y x / (penalty sum omega)."""
    found = fit(Hinge(50.0), X, Y, WEIGHTS).weights
    np.testing.assert_allclose(found, (WEIGHTS * Y) @ X / (50.0 * WEIGHTS.sum()), rtol=1e-10)
    assert Hinge(50.0).diagnostics(found, X, Y, WEIGHTS)["support_fraction"] == 1.0


def test_training_loss_and_support_are_those_of_the_definition():
    student = jnp.array([0.3, -2.0, 1.0, 0.0, 0.4])
    margins = np.asarray(Y * (X @ student))
    loss = Hinge(0.1).training_loss(student, X, Y, WEIGHTS)
    assert loss == pytest.approx(np.average(np.maximum(0, 1 - margins), weights=WEIGHTS), rel=1e-12)
    support = Hinge(0.1).diagnostics(student, X, Y, WEIGHTS)["support_fraction"]
    assert support == pytest.approx(np.mean(margins <= 1.0), rel=1e-12)


def test_scales_and_turns_of_the_rows_do_the_same_to_the_student():
    turn = jnp.asarray(stats.ortho_group.rvs(5, random_state=np.random.default_rng(2)))
    plain = fit(Hinge(0.1), X, Y, WEIGHTS).weights
    turned = fit(Hinge(0.1), X @ turn.T, Y, WEIGHTS).weights
    np.testing.assert_allclose(turned, turn @ plain, atol=1e-10)
    for scale in (1e-8, 1e-3, 1e6):
        scaled = fit(Hinge(0.1 * scale**2), scale * X, Y, WEIGHTS).weights
        np.testing.assert_allclose(scale * scaled, plain, rtol=1e-8)


def test_rows_of_weight_zero_do_not_count():
    spoilt = X.at[30:].set(jnp.nan).at[35:].set(jnp.inf)
    for kept in (30, 3):
        weights = jnp.where(jnp.arange(40) < kept, WEIGHTS, 0.0)
        padded = fit(Hinge(0.1), spoilt, Y, weights).weights
        short = fit(Hinge(0.1), X[:kept], Y[:kept], WEIGHTS[:kept]).weights
        np.testing.assert_allclose(padded, short, atol=1e-11)
        loss, expected = (
            Hinge(0.1).training_loss(short, *part)
            for part in ((spoilt, Y, weights), (X[:kept], Y[:kept], WEIGHTS[:kept]))
        )
        assert loss == pytest.approx(float(expected), rel=1e-12)


def test_weights_repeat_rows():
    counts = np.random.default_rng(4).integers(1, 4, size=40)
    weighted = fit(Hinge(0.1), X, Y, jnp.asarray(1.0 * counts)).weights
    x, y = (jnp.asarray(np.repeat(a, counts, axis=0)) for a in (X, Y))
    np.testing.assert_allclose(weighted, fit(Hinge(0.1), x, y, jnp.ones(len(y))).weights, atol=1e-9)


def test_a_batch_is_fitted_as_each_alone():
    x = jnp.stack([X, jnp.flip(X), X + 1.0])
    found = fit_each(Hinge(0.05), x, jnp.tile(Y, (3, 1)), jnp.tile(WEIGHTS, (3, 1))).weights
    for one, rows in zip(found, x, strict=True):
        np.testing.assert_allclose(one, fit(Hinge(0.05), rows, Y, WEIGHTS).weights, atol=1e-11)


def test_the_student_is_differentiable():
    """In the penalty and the weights, against central differences."""

    def student(penalty, weights):
        return nfl.fit(Hinge(penalty), X, Y, weights).weights

    given, step = (jnp.asarray(0.2), WEIGHTS), 1e-5
    slopes = jax.jit(jax.jacrev(student, argnums=(0, 1)))(*given)
    direction, moved = jnp.sin(jnp.arange(40.0)), jax.jit(student)
    rise = (moved(0.2 + step, WEIGHTS) - moved(0.2 - step, WEIGHTS)) / (2 * step)
    np.testing.assert_allclose(slopes[0], rise, rtol=1e-5, atol=1e-7)
    rise = moved(0.2, WEIGHTS + step * direction) - moved(0.2, WEIGHTS - step * direction)
    np.testing.assert_allclose(slopes[1] @ direction, rise / (2 * step), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("penalty", [-0.1, 0.0, jnp.nan])
def test_a_bad_traced_penalty_is_undecided(penalty):
    def traced(value):
        return nfl.fit(Hinge(value), X, Y, ONES)

    found = jax.jit(traced)(jnp.asarray(penalty))
    assert not found.converged
    assert jnp.isnan(found.weights).all()


def test_data_that_say_nothing():
    assert not is_student(fit(Hinge(0.1), X, Y, jnp.zeros(40)))
    assert not is_student(fit(Hinge(0.1), X.at[3, 1].set(jnp.nan), Y, ONES))
    null = fit(Hinge(0.1), jnp.zeros((40, 5)), Y, ONES)
    assert is_student(null)
    np.testing.assert_allclose(null.weights, 0.0, atol=1e-12)
