"""The perceptron from end to end, at sample sizes of the order of the dimension."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.learners import Hinge, LogisticRegression, MaxMargin, Ridge
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import Margin, Uncertainty, Uniform
from nfl_sim.simulation.blocks import replicate_bytes
from nfl_sim.simulation.replicate import Chosen, shape_of, train
from tests.agreement import CRITICAL
from tests.learners.oracles import hinge_remainder, nearest_of_hull
from tests.strategies import example_perceptron_problem

KEY = jax.random.key(31)
DIM = 12
RULES = [(Uncertainty, KeepHardest), (Margin, KeepEasiest), (Uniform, KeepRandom)]
LEARNERS = [MaxMargin(), Hinge(0.05), LogisticRegression(0.05), Ridge(0.05)]


def chosen_rows(problem, index, num_samples):
    """The signed rows that a replicate keeps, by numpy."""
    keys = jax.random.split(jax.random.fold_in(KEY, index), 3)
    x, y = map(np.float64, nfl.sample(keys[0], problem.model, num_samples=num_samples, dim=DIM))
    margin = x[:, :2] @ np.asarray(problem.score.probe.plane)
    hardness = -y * margin if isinstance(problem.score, Margin) else -np.abs(margin)
    order = np.argsort(hardness if isinstance(problem.rule, KeepEasiest) else -hardness)
    return (x * y[:, None])[order[: num_samples // 2]]


@pytest.mark.parametrize(
    ("learner", "num_samples"),
    [*zip(LEARNERS, (72, 12, 72, 12), strict=True), (MaxMargin(), 12)],
    ids=lambda one: type(one).__name__,
)
def test_every_learner_and_rule_go_together(learner, num_samples):
    """With three rows a dimension, and with half a row."""
    errors = {}
    for score, rule in RULES:
        problem = example_perceptron_problem(score, rule, learner=learner)
        run = nfl.simulate(KEY, problem, dim=DIM, num_samples=num_samples, num_replicates=64)
        assert sum(run.failed.values()) == 0
        assert run.excess_risk.mean == run.excess_error.mean == run.error.mean
        assert np.isnan(run.calibration_slope.mean)
        assert np.isnan(run.calibration_error.mean)
        assert np.isfinite(run.margin.mean) == isinstance(learner, MaxMargin)
        assert np.isfinite(run.support_fraction.mean) == isinstance(learner, MaxMargin | Hinge)
        errors[rule] = run.error.mean
    assert 0.05 < min(errors.values()) < max(errors.values()) < 0.5
    assert len(set(errors.values())) == 3


@pytest.mark.parametrize(("score", "rule"), RULES[:2])
def test_replicate_is_that_of_an_active_set(score, rule):
    problem = example_perceptron_problem(score, rule)
    for num_samples in (72, 12):
        nearest, shares = nearest_of_hull(chosen_rows(problem, 3, num_samples))
        size = np.linalg.norm(nearest)
        found = nfl.replicate(KEY, problem, 3, dim=DIM, num_samples=num_samples, method="rows")
        assert found["margin"] == pytest.approx(size, rel=1e-8)
        assert found["parallel"] == pytest.approx(nearest[0] / size, abs=1e-8)
        assert found["error"] == pytest.approx(np.arccos(nearest[0] / size) / np.pi, abs=1e-8)
        assert found["support_fraction"] == pytest.approx(np.mean(shares > 1e-12))
        assert found["norm"] == pytest.approx(1.0, rel=1e-12)
        assert found["training_loss"] == 0.0


def test_hinge_is_stationary_on_the_rows_that_were_kept():
    problem = example_perceptron_problem(learner=Hinge(0.05), flip_probability=0.1)
    rows = chosen_rows(problem, 3, 72)
    found = nfl.replicate(KEY, problem, 3, dim=DIM, num_samples=72, method="rows")
    student = nfl.fit(
        Hinge(0.05), jnp.asarray(rows), jnp.ones(len(rows)), jnp.ones(len(rows))
    ).weights
    assert hinge_remainder(np.asarray(student), rows, np.full(36, 1 / 36), 0.05) < 1e-9
    assert found["parallel"] == pytest.approx(float(student[0]), rel=1e-6)
    losses = np.maximum(0.0, 1.0 - rows @ np.asarray(student))
    assert found["training_loss"] == pytest.approx(losses.mean(), rel=1e-6)


def test_what_one_learner_cannot_fit_the_other_can():
    """Of one sample, either the hard margin or the logistic regression has no student."""
    failed = {}
    for learner in (MaxMargin(), LogisticRegression(0.0)):
        problem = example_perceptron_problem(learner=learner, flip_probability=0.1)
        failed[type(learner)] = nfl.simulate(
            KEY, problem, dim=DIM, num_samples=72, num_replicates=256
        ).failed
    hard, logistic = failed[MaxMargin], failed[LogisticRegression]
    assert hard["inseparable"] + logistic["separable"] == 256
    assert min(hard["inseparable"], logistic["separable"]) > 20
    assert sum(hard.values()) == hard["inseparable"]
    assert sum(logistic.values()) == logistic["separable"]


def test_fewer_rows_than_dimensions():
    """Least squares interpolates, logistic regression without a penalty has no student."""
    size = {"dim": DIM, "num_samples": 12, "num_replicates": 32}
    run = nfl.simulate(KEY, example_perceptron_problem(learner=Ridge(0.0)), **size)
    assert sum(run.failed.values()) == 0
    assert run.training_loss.mean < 1e-20
    run = nfl.simulate(KEY, example_perceptron_problem(learner=LogisticRegression(0.0)), **size)
    assert run.failed["separable"] == 32


def test_maximum_margin_tends_to_its_proportional_limit():
    """Noiseless and unpruned, n/d = 3: 2 f(2d) - f(d) leaves O(1/d^2); false alarm 1e-6."""
    ratio, error, margin = 3, 0.142836, 0.317765
    problem = example_perceptron_problem(Uniform, KeepRandom, fraction=1.0)
    half, whole = (
        nfl.simulate(KEY, problem, dim=dim, num_samples=ratio * dim, num_replicates=count)
        for dim, count in ((20, 6000 // ratio), (40, 3000 // ratio))
    )
    for name, expected in (("error", error), ("margin", margin)):
        one, two = getattr(half, name), getattr(whole, name)
        sem = np.hypot(one.sem, 2 * two.sem)
        assert sem < 0.03 * expected
        assert abs(2 * two.mean - one.mean - expected) < CRITICAL * sem


def test_support_vectors_are_at_most_as_many_as_dimensions():
    problem = example_perceptron_problem()
    counts = [
        36 * nfl.replicate(KEY, problem, i, dim=DIM, num_samples=72)["support_fraction"]
        for i in range(20)
    ]
    assert min(counts) > 1.5
    assert max(counts) < DIM + 0.5
    assert stats.describe(counts).variance > 0.0


@pytest.mark.parametrize("num_samples", [30, 300])
def test_the_memory_budget_covers_the_program(num_samples):
    """What XLA sets aside for a fit is no more than the replicate was said to take."""
    problem = example_perceptron_problem(fraction=0.9)
    shape, quota = shape_of(problem, 30, num_samples)

    def fit(chosen):
        nothing = jnp.full(2, jnp.nan)
        options = {"underdetermined": shape.underdetermined}
        return train(chosen, problem.model, MaxMargin(), nothing, **options)

    rows = jnp.zeros((8, shape.bucket, 30), jnp.float32)
    kept = jnp.broadcast_to(jnp.arange(shape.bucket) < quota.kept, rows.shape[:2])
    weights = kept.astype(rows.dtype)
    chosen = Chosen(rows, rows[:, :, 0] + 1.0, weights, jnp.zeros(8), jnp.full(8, True))
    compiled = jax.jit(jax.vmap(fit)).lower(chosen).compile()
    assert compiled.memory_analysis().temp_size_in_bytes <= 8 * replicate_bytes(shape)
