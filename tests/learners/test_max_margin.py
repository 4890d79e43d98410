"""The student of maximum margin, against active sets; its existence, against linear programs."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.learners import LogisticRegression, MaxMargin
from tests.agreement import FALSE_ALARM
from tests.learners.oracles import is_separable, nearest_of_hull

LEARNER = MaxMargin()
fit = jax.jit(nfl.fit)
fit_each = jax.jit(jax.vmap(nfl.fit, in_axes=(None, 0, 0, 0)))
measure = jax.jit(LEARNER.diagnostics)


def verdicts(found):
    """One word a member: student, inseparable or undecided; weights are nan without a student."""
    exists, converged = np.asarray(found.exists), np.asarray(found.converged)
    words = np.where(~converged, "undecided", np.where(exists, "student", "inseparable"))
    finite = np.isfinite(found.weights).all(axis=-1)
    np.testing.assert_array_equal(finite, words == "student")
    np.testing.assert_array_equal(np.isnan(found.weights).all(axis=-1), ~finite)
    return words


def teacher_sets(seed, count, num_rows, dim):
    """Sets that e_1 separates."""
    x = np.random.default_rng(seed).normal(size=(count, num_rows, dim))
    return x, np.where(x[:, :, 0] > 0.0, 1.0, -1.0)


X, Y = (jnp.asarray(part[0]) for part in teacher_sets(0, 1, 40, 5))
ONES = jnp.ones(40)


@pytest.mark.parametrize(
    ("num_rows", "dim"), [(10, 20), (40, 20), (60, 20), (200, 20), (400, 10), (1, 3), (9, 1)]
)
def test_student_is_the_nearest_point_of_the_hull(num_rows, dim):
    """From fewer rows than dimensions to 40 a dimension; margin, direction and support."""
    x, y = teacher_sets(num_rows, 4, num_rows, dim)
    found = fit_each(LEARNER, jnp.asarray(x), jnp.asarray(y), jnp.ones((4, num_rows)))
    assert set(verdicts(found)) == {"student"}
    for rows, student in zip(x * y[:, :, None], np.asarray(found.weights), strict=True):
        nearest, shares = nearest_of_hull(rows)
        margin = np.linalg.norm(nearest)
        assert np.min(rows @ student) == pytest.approx(margin, rel=1e-10)
        np.testing.assert_allclose(student, nearest / margin, atol=1e-8)
        quantities = measure(jnp.asarray(student), jnp.asarray(rows), *jnp.ones((2, num_rows)))
        assert quantities["margin"] == pytest.approx(margin, rel=1e-10)
        assert quantities["support_fraction"] == np.sum(shares > 1e-12) / num_rows


def test_a_student_is_of_unit_length_and_has_no_training_loss():
    student = fit(LEARNER, X, Y, ONES).weights
    assert jnp.linalg.norm(student) == pytest.approx(1.0, rel=1e-14)
    assert LEARNER.training_loss(student, X, Y, ONES) == 0.0


def test_it_is_the_limit_of_vanishing_penalties():
    """Of logistic regression, slowly: the angle falls like 1 / log(1 / penalty)."""
    student = fit(LEARNER, X, Y, ONES).weights
    angles = []
    for penalty in (1e-2, 1e-4, 1e-8):
        other = fit(LogisticRegression(penalty), X, Y, ONES).weights
        angles.append(np.arccos(student @ other / np.linalg.norm(other)))
    assert angles[0] > angles[1] > angles[2]
    assert angles[2] < 0.15


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e5, 1e30])
def test_the_scale_of_the_rows_does_not_matter(scale):
    plain, scaled = fit(LEARNER, X, Y, ONES), fit(LEARNER, scale * X, Y, ONES)
    np.testing.assert_allclose(scaled.weights, plain.weights, rtol=1e-9)
    mixed = jnp.asarray(np.random.default_rng(1).normal(size=(40, 5)))
    assert verdicts(fit(LEARNER, mixed, Y, ONES)) == "inseparable"
    assert verdicts(fit(LEARNER, scale * mixed, Y, ONES)) == "inseparable"


def test_turning_the_rows_turns_the_student():
    turn = jnp.asarray(stats.ortho_group.rvs(5, random_state=np.random.default_rng(2)))
    turned = fit(LEARNER, X @ turn.T, Y, ONES).weights
    np.testing.assert_allclose(turned, turn @ fit(LEARNER, X, Y, ONES).weights, atol=1e-10)


def test_rows_of_weight_zero_do_not_count():
    """Whatever they hold; positive weights only say that a row counts."""
    spoilt = X.at[30:].set(jnp.nan).at[35:].set(jnp.inf)
    weights = jnp.where(jnp.arange(40) < 30, jnp.linspace(0.1, 2.0, 40), 0.0)
    padded, short = fit(LEARNER, spoilt, Y, weights), fit(LEARNER, X[:30], Y[:30], jnp.ones(30))
    np.testing.assert_allclose(padded.weights, short.weights, atol=1e-12)
    student = short.weights
    for name, value in measure(student, X[:30], Y[:30], jnp.ones(30)).items():
        assert measure(student, spoilt, Y, weights)[name] == pytest.approx(float(value), rel=1e-12)
    flipped = Y.at[30:].set(-Y[30:])
    assert verdicts(fit(LEARNER, X, flipped, ONES)) == "inseparable"
    np.testing.assert_allclose(fit(LEARNER, X, flipped, weights).weights, student, atol=1e-12)


def test_rows_of_single_precision_are_fitted_in_double():
    x = X.astype(jnp.float32)
    found = fit(LEARNER, x, Y.astype(jnp.float32), jnp.ones(40, jnp.float32)).weights
    assert found.dtype == jnp.float64
    np.testing.assert_allclose(found, fit(LEARNER, x.astype(jnp.float64), Y, ONES).weights)


def test_the_student_is_differentiable_in_the_covariates():
    """Against central differences, along a path on which no row enters or leaves the margin."""

    def student(shift):
        return nfl.fit(LEARNER, X + shift * jnp.sin(jnp.arange(200.0)).reshape(40, 5), Y, ONES)

    moved, step = jax.jit(lambda shift: student(shift).weights), 1e-5
    slope = jax.jit(jax.jacrev(lambda shift: student(shift).weights))(0.0)
    rise = (moved(step) - moved(-step)) / (2 * step)
    np.testing.assert_allclose(slope, rise, rtol=1e-5, atol=1e-7)
    assert jnp.max(jnp.abs(slope)) > 0.1


# ---------------------------------------------------------------- existence


@pytest.mark.parametrize(("num_rows", "dim"), [(4, 2), (20, 10), (40, 20)])
def test_at_capacity_every_set_is_decided_rightly(num_rows, dim):
    """Random labels at m = 2d: half of all sets are separable (Cover); false alarm 1e-6."""
    rng = np.random.default_rng(dim)
    x, y = rng.normal(size=(1500, num_rows, dim)), rng.choice([-1.0, 1.0], size=(1500, num_rows))
    found = fit_each(LEARNER, jnp.asarray(x), jnp.asarray(y), jnp.ones((1500, num_rows)))
    words = verdicts(found)
    assert np.sum(words == "undecided") == 0
    test = stats.binomtest(int(np.sum(words == "student")), 1500, 0.5)
    assert test.pvalue > FALSE_ALARM
    rows = x * y[:, :, None]
    separated = np.einsum("bmd,bd->bm", rows, np.nan_to_num(found.weights)).min(axis=1) > 0.0
    np.testing.assert_array_equal(separated, words == "student")
    expected = [is_separable(one) for one in rows[:150]]
    np.testing.assert_array_equal(words[:150] == "student", expected)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_ties_never_deceive(dim):
    """Rows of small integers: many touch the boundary, and many do not span the space."""
    rows = np.random.default_rng(dim).integers(-1, 2, size=(200, dim + 2, dim)).astype(float)
    ones = jnp.ones((200, dim + 2))
    words = verdicts(fit_each(LEARNER, jnp.asarray(rows), ones, ones))
    expected = np.array([is_separable(one) for one in rows])
    assert 5 < expected.sum() < 195
    np.testing.assert_array_equal(words == "student", expected)
    assert np.sum(words == "inseparable") > 5


@pytest.mark.parametrize("margin", [1e-2, 1e-4, 1e-5])
def test_a_thin_margin_is_found_and_its_lack_too(margin):
    """Rows moved along the teacher until the margin is +-``margin`` at the most."""
    x, y = teacher_sets(3, 1, 60, 3)
    rows = (x * y[:, :, None])[0]
    direction = nearest_of_hull(rows)[0]
    size = np.linalg.norm(direction)
    for sign, word in ((1, "student"), (-1, "inseparable")):
        thin = jnp.asarray(rows - direction * (1.0 - sign * margin / size))
        assert verdicts(fit(LEARNER, thin, jnp.ones(60), jnp.ones(60))) == word


def test_a_mixture_is_fitted_as_each_alone():
    """With a student, without, and undecided members under one vmap, in every order."""
    touching = jnp.concatenate([jnp.eye(5), -jnp.eye(5)[:1], jnp.tile(jnp.eye(5), (7, 1))])[:40]
    touching = jnp.concatenate([touching, jnp.eye(5)[: 40 - len(touching)]])
    sets = {"student": Y[:, None] * X, "inseparable": X, "undecided": touching}
    alone = {word: fit(LEARNER, sets[word], ONES, ONES) for word in sets}
    for order in itertools.permutations(sets):
        rows = jnp.stack([sets[word] for word in order])
        found = fit_each(LEARNER, rows, jnp.ones((3, 40)), jnp.ones((3, 40)))
        assert tuple(verdicts(found)) == order
        for weights, word in zip(found.weights, order, strict=True):
            np.testing.assert_allclose(weights, alone[word].weights, atol=1e-12)


@pytest.mark.parametrize("bad", [jnp.zeros((40, 5)), X.at[3, 1].set(jnp.nan)], ids=["null", "nan"])
def test_rows_that_say_nothing_are_undecided(bad):
    assert verdicts(fit(LEARNER, bad, Y, ONES)) == "undecided"


def test_no_row_of_weight_is_undecided():
    assert verdicts(fit(LEARNER, X, Y, jnp.zeros(40))) == "undecided"
