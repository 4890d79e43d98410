"""Replicates without a student are counted by cause and never averaged."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn import linear_model

import nfl_sim as nfl
from nfl_sim.learners import Fit, Learner
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, Margin, Uncertainty
from nfl_sim.simulation.result import QUANTITIES
from tests.agreement import FALSE_ALARM
from tests.strategies import example_logistic_problem

KEY = jax.random.key(21)
DIM, COUNT = 4, 24
FEW = {"dim": DIM, "num_samples": COUNT, "num_replicates": 40}


def replicate(problem, index, method="auto"):
    return nfl.replicate(KEY, problem, index, dim=DIM, num_samples=COUNT, method=method)


def each(problem):
    """The quantities of the replicates, one by one."""
    found = [replicate(problem, i) for i in range(40)]
    return {name: np.array([values[name] for values in found]) for name in QUANTITIES}


@pytest.mark.parametrize(("rule", "fraction"), [(KeepHardest, 0.5), (KeepEasiest, 0.9)])
def test_separable_replicates_are_counted_and_left_out(rule, fraction):
    problem = example_logistic_problem(rule=rule, fraction=fraction, flip_probability=0.1)
    run = nfl.simulate(KEY, problem, **FEW)
    alone = each(problem)
    good = np.isfinite(alone["excess_risk"])
    assert 0 < run.failed["separable"] == 40 - good.sum() < 40
    assert sum(run.failed.values()) == run.failed["separable"]
    for name in set(QUANTITIES) - {"controlled_risk", "margin", "support_fraction"}:
        estimate = getattr(run, name)
        assert estimate.num_replicates == good.sum()
        assert estimate.mean == pytest.approx(alone[name][good].mean(), rel=1e-5), name
        assert estimate.sem == pytest.approx(stats.sem(alone[name][good]), rel=1e-4), name
    assert np.isnan(alone["norm"][~good]).all()


def test_if_none_exists_there_is_no_mean():
    run = nfl.simulate(KEY, example_logistic_problem(fraction=0.1), **FEW)
    assert run.failed["separable"] == 40
    assert run.excess_risk.num_replicates == 0
    assert all(math.isnan(getattr(run, name).mean) for name in QUANTITIES)


@pytest.mark.parametrize("kept", [8, 12])
def test_random_labels_are_separable_as_often_as_cover_says(kept):
    """P = 2^(1-m) sum_(k<d) C(m-1, k), of m random labels; false alarm 1e-6."""
    problem = example_logistic_problem(Uncertainty, KeepRandom, fraction=kept / COUNT, signal=0.0)
    run = nfl.simulate(KEY, problem, **(FEW | {"num_replicates": 4000}))
    assert run.num_kept == kept
    expected = float(stats.binom.cdf(DIM - 1, kept - 1, 0.5))
    test = stats.binomtest(run.failed["separable"], 4000, expected)
    assert test.pvalue > FALSE_ALARM


@pytest.mark.parametrize(
    ("score", "rule", "penalty", "flip"),
    [
        (EL2N, KeepHardest, 0.0, 0.0),
        (Margin, KeepEasiest, 0.2, 0.1),
        (Uncertainty, KeepHardest, 0.01, 0.0),
    ],
)
def test_replicate_is_that_of_scikit_learn(score, rule, penalty, flip):
    """From its rows on; risk and diagnostics are those of the fitted student."""
    parts = {"fraction": 0.9, "penalty": penalty, "flip_probability": flip}
    problem = example_logistic_problem(score, rule, **parts)
    found = replicate(problem, 3, "rows")
    keys = jax.random.split(jax.random.fold_in(KEY, 3), 3)
    x, y = map(np.float64, nfl.sample(keys[0], problem.model, num_samples=COUNT, dim=DIM))
    margin = x[:, :2] @ np.asarray(problem.score.probe.plane)
    hardness = -np.abs(margin) if score is Uncertainty else -y * margin
    chosen = np.argsort(hardness if rule is KeepEasiest else -hardness)[:22]
    inverse = 1 / (22 * penalty) if penalty else np.inf
    peer = linear_model.LogisticRegression(
        C=inverse, fit_intercept=False, solver="newton-cholesky", tol=1e-12
    )
    student = peer.fit(x[chosen], y[chosen]).coef_[0]
    expected = {
        "excess_risk": problem.model.excess_risk(jnp.asarray(student)),
        **problem.model.diagnostics(jnp.asarray(student)),
        "parallel": student[0],
        "orthogonal": student[1],
        "norm": np.linalg.norm(student),
        "probe_overlap": student[:2] @ np.asarray(problem.score.probe.direction),
        "training_loss": np.mean(np.log1p(np.exp(-y[chosen] * (x[chosen] @ student)))),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(float(value), rel=1e-5, abs=1e-6), name


def test_the_means_of_the_errors_fit_together():
    problem = example_logistic_problem(flip_probability=0.2, fraction=0.9)
    run = nfl.simulate(KEY, problem, **FEW)
    least = float(problem.model.diagnostics(jnp.array([1.0, 0.0]))["error"])
    error = run.error.mean
    assert run.excess_error.mean == pytest.approx(error - least, abs=1e-12)
    assert run.noisy_error.mean == pytest.approx(0.2 + 0.6 * error, abs=1e-12)
    assert run.noisy_error.sem == pytest.approx(0.6 * run.error.sem, rel=1e-9)
    assert 0.0 < run.calibration_slope.mean < 1.0
    assert run.calibration_error.mean > 0.0


def test_a_regression_has_neither_errors_nor_calibration():
    linear = nfl.Problem(
        nfl.models.Linear(1.0, 1.0), nfl.scores.Uniform(), KeepRandom(0.5), nfl.learners.Ridge(0.0)
    )
    run = nfl.simulate(KEY, linear, **FEW)
    for name in ("error", "excess_error", "noisy_error", "calibration_slope", "calibration_error"):
        assert math.isnan(getattr(run, name).mean)
    assert math.isfinite(run.excess_risk.mean)


def test_least_squares_serves_signs_too():
    """`Ridge` on a logistic teacher: the labels are numbers to it."""
    problem = eqx.tree_at(lambda p: p.learner, example_logistic_problem(), nfl.learners.Ridge(0.1))
    run = nfl.simulate(KEY, problem, **FEW)
    assert sum(run.failed.values()) == 0
    assert 0.0 < run.error.mean < 1.0


class Hesitant(Learner):
    """Gives up when its first label is positive; separates when its second is."""

    def fit(self, covariates, labels, weights, *, underdetermined=None):
        decided, exists = labels[0] < 0.0, labels[1] < 0.0
        return Fit(covariates[0].astype(jnp.float64), exists=exists, converged=decided)

    def training_loss(self, student, covariates, labels, weights):
        return jnp.zeros(())


def test_causes_are_told_apart():
    """Certainty that there is no student comes first; whatever is returned then is not used."""
    problem = eqx.tree_at(lambda p: p.learner, example_logistic_problem(), Hesitant())
    run = nfl.simulate(KEY, problem, **FEW)
    assert min(run.failed["separable"], run.failed["undecided"], run.norm.num_replicates) > 2
    assert run.failed["diverged"] == run.failed["too_few_kept"] == 0
    assert run.norm.num_replicates == 40 - run.failed["separable"] - run.failed["undecided"]
