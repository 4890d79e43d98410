"""T12: it holds, it bites, and it needs what it assumes; and the free lunch on the other side."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfl_sim import pruning
from nfl_sim.theorems import FreeLunch, Universality
from nfl_sim.theorems.universality import Circuits, least_squares
from tests.theorems.problems import DIM, linear, logistic

KEY = jax.random.key(12)
seeds = st.integers(0, 10**6)
densities = st.lists(st.floats(0.05, 20.0), min_size=DIM + 1, max_size=DIM + 1)


def circuits(seed, density):
    """One process of d + 1 random points, under a rule that has these values there."""
    rng = np.random.default_rng(seed)
    rows, labels = rng.normal(size=(1, DIM + 1, DIM)), rng.normal(size=(1, DIM + 1))
    return Circuits(rows, labels, np.asarray(density)[None])


def student(found, density):
    """Least squares by orthogonal decomposition: no normal equations."""
    root = np.sqrt(np.asarray(density))
    return least_squares(root[:, None] * found.covariates[0], root * found.labels[0])


@given(seed=seeds, level=st.floats(0.05, 20.0))
def test_a_constant_density_is_right_on_any_process(seed, level):
    found = circuits(seed, [level] * (DIM + 1))
    assert not len(found.uneven.labels)
    np.testing.assert_allclose(found.stated(), 0.0, atol=1e-9)
    even = student(found, np.ones(DIM + 1))
    np.testing.assert_allclose(student(found, found.density[0]), even, rtol=1e-7, atol=1e-9)


@given(seed=seeds, density=densities)
def test_the_students_differ_by_what_the_relation_of_the_points_says(seed, density):
    found = circuits(seed, density)
    gap = student(found, density) - student(found, np.ones(DIM + 1))
    scale = np.max(np.abs(found.labels)) + np.max(np.abs(found.covariates @ gap))
    np.testing.assert_allclose(
        found.covariates[0] @ gap, found.stated()[0], atol=1e-6 * float(scale)
    )


@given(seed=seeds, density=densities)
def test_it_needs_more_points_than_dimensions(seed, density):
    """d points are fitted exactly, whatever they weigh."""
    rng = np.random.default_rng(seed)
    rows, labels, root = rng.normal(size=(DIM, DIM)), rng.normal(size=DIM), np.sqrt(density[:DIM])
    weighted = least_squares(root[:, None] * rows, root * labels)
    np.testing.assert_allclose(rows @ weighted, labels, atol=1e-6)


def test_the_values_of_the_reference():
    """h = (1, 1, 0.2): w = (3.18, 0.45), w* = (1, -1); exactly (35/11, 5/11)."""
    rows = np.array([[[1.0, 0.0], [-1.0, 3.0], [0.0, 1.5]]])
    labels = np.array([[4.0, -1.0, -7.5]])
    found = Circuits(rows, labels, np.array([[1.0, 1.0, 0.2]]))
    best, trained = found._student(np.ones((1, 3))), found._student(found.density)
    np.testing.assert_allclose(best, [[1.0, -1.0]], rtol=1e-12)
    np.testing.assert_allclose(trained, [[35 / 11, 5 / 11]], rtol=1e-12)
    np.testing.assert_allclose(np.round(trained, 2), [[3.18, 0.45]])
    gaps = rows[0] @ (trained - best)[0]
    np.testing.assert_allclose(found.stated()[0], gaps, rtol=1e-12)


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        (pruning.KeepRandom(0.3), "is constant"),
        (pruning.ExactCalibration(0.3, 0.4), "is constant"),
        (pruning.SoftCalibration(0.3, 0.4), "is not constant"),
    ],
)
def test_rules_are_told_apart(rule, word):
    found = Universality().check(linear(rule=rule), DIM, KEY)
    assert found.outcome == "holds", found
    assert word in found.claim


def test_universality_bites():
    """A distance that is 5 % off is found out."""
    problem = linear(rule=pruning.SoftCalibration(0.3, 0.4))
    assert Universality().bound(problem, DIM) > 0.01
    assert Universality(scale=1.05).check(problem, DIM, KEY).outcome == "violated"


def test_universality_needs_a_rule_that_keeps_everything_sometimes():
    found = Universality().check(linear(), DIM, KEY)
    assert "'a density that is never 0' fails" in found.reason
    signs = Universality().check(logistic(rule=pruning.KeepRandom(0.5)), DIM, KEY)
    assert "'square loss' fails" in signs.reason


@settings(max_examples=6)
@given(fraction=st.floats(0.05, 1.0), signal=st.floats(0.1, 3.0))
def test_a_balanced_vertex_is_within_the_bound(fraction, signal):
    problem = linear(rule=pruning.BalancedVertex(fraction), signal=signal)
    found = FreeLunch().check(problem, DIM, KEY, draws=100)
    assert found.outcome == "holds", found


def test_the_free_lunch_bites():
    """At r = 0.1 it is within a hundredth; a bound 50 times as tight is found out."""
    problem = linear(rule=pruning.BalancedVertex(0.1))
    assert FreeLunch().distance(problem, DIM, KEY)[0] < 0.01
    assert FreeLunch(scale=0.02).check(problem, DIM, KEY, draws=500_000).outcome == "violated"


@pytest.mark.parametrize("size", [400, 1600, 6400])
def test_the_bound_and_the_distance_fall_like_one_over_n(size):
    problem = linear(rule=pruning.BalancedVertex(0.4))
    gap, bound = FreeLunch(num_samples=size).distance(problem, DIM, KEY)
    assert gap <= bound
    assert size * gap < 40.0
    if size > 400:
        assert size * bound < 400.0


def test_the_free_lunch_needs_joint_selection():
    """Random rows of that number are ten times as far as the bound on a vertex allows."""
    problem, size = linear(rule=pruning.BalancedVertex(0.4)), 100_000
    theorem = FreeLunch(num_samples=size)
    covariates, labels = theorem._sample(problem, DIM, KEY)
    half = slice(0, 40_000)
    gap = least_squares(covariates[half], labels[half]) - least_squares(covariates, labels)
    assert np.linalg.norm(gap) > 2.0 * theorem._bound(problem, covariates, labels)


@pytest.mark.parametrize(
    ("rule", "size", "match"),
    [
        (pruning.KeepRandom(0.3), 400, "'a JointRule' fails: KeepRandom is none"),
        (pruning.BalancedVertex(0.1), 50, "'more rows than sums' fails: 5 rows, 10 sums"),
        (pruning.BalancedVertex(0.1), 400, "'a sample so large that there is a bound' fails"),
    ],
)
def test_the_free_lunch_says_what_it_needs(rule, size, match):
    assert match in FreeLunch(num_samples=size).check(linear(rule=rule), DIM, KEY).reason
