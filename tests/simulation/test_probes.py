"""Probes that are fitted to data, held against numpy row by row, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores
from nfl_sim.simulation.steps import consulted

KEY, DIM, SIZE = jax.random.key(11), 3, 40
LINEAR = models.Linear(1.0, 0.7)
X, Y = LINEAR.sample(KEY, SIZE, DIM, jnp.float64)


def linear(probe, rule=None, penalty=0.0, score=scores.EL2N):
    kept = pruning.KeepHardest(0.4) if rule is None else rule
    return nfl.Problem(LINEAR, score(probe), kept, learners.Ridge(penalty))


def ols(x, y):
    return np.linalg.lstsq(x, y, rcond=None)[0]


def residuals(*probe):
    return np.asarray(nfl.score(KEY, linear(*probe), X, Y))


def test_the_same_sample_probe_is_least_squares_on_all_rows():
    x, y = np.asarray(X), np.asarray(Y)
    expected = abs(y - x @ ols(x, y))
    np.testing.assert_allclose(residuals(nfl.SameSampleProbe()), expected, rtol=1e-9)
    for twin in (scores.SubsampleProbe(1.0), scores.IteratedProbe(1)):
        np.testing.assert_allclose(residuals(twin), expected, rtol=1e-9)


def test_with_a_penalty_it_is_the_ridge_of_the_learner():
    x, y = np.asarray(X), np.asarray(Y)
    probe = np.linalg.solve(x.T @ x + SIZE * 0.3 * np.eye(DIM), x.T @ y)
    found = nfl.score(KEY, linear(nfl.SameSampleProbe(), penalty=0.3), X, Y)
    np.testing.assert_allclose(found, abs(y - x @ probe), rtol=1e-9)


def test_iteration_prunes_refits_and_scores_all_again():
    x, y, probe = np.asarray(X), np.asarray(Y), ols(np.asarray(X), np.asarray(Y))
    for _ in range(2):
        kept = np.argsort(-abs(y - x @ probe))[:16]
        probe = ols(x[kept], y[kept])
    np.testing.assert_allclose(residuals(scores.IteratedProbe(3)), abs(y - x @ probe), rtol=1e-9)


def test_a_subsample_probe_knows_its_portion_alone():
    """The rows it fits perfectly well are as many as its portion, and others are not."""
    probe = scores.SubsampleProbe(0.11)  # 5 rows in 3 dimensions
    found = probe.fit(KEY, X, Y, learners.Ridge(0.0)).weights
    x, y = np.asarray(X), np.asarray(Y)
    gradients = x * (y - x @ np.asarray(found))[:, None]
    rng = np.random.default_rng(0)
    assert probe.rows(SIZE) == 5
    # the normal equations hold on one set of five rows: changing any other row changes nothing
    fit = jax.jit(lambda x: probe.fit(KEY, x, Y, learners.Ridge(0.0)).weights)
    moved = [fit(X.at[i].set(rng.normal(size=DIM))) for i in range(SIZE)]
    used = [not np.allclose(weights, found, rtol=1e-12) for weights in moved]
    assert sum(used) == 5
    np.testing.assert_allclose(gradients[used].sum(axis=0), 0.0, atol=1e-10)


def test_cross_fitting_asks_of_each_row_a_probe_that_has_not_seen_it():
    probe = scores.CrossFitProbe(4)
    fold = np.asarray(probe.deal(KEY, SIZE))
    assert sorted(np.bincount(fold)) == [10] * 4
    x, y = np.asarray(X), np.asarray(Y)
    expected = np.empty(SIZE)
    for f in range(4):
        expected[fold == f] = abs(y - x @ ols(x[fold != f], y[fold != f]))[fold == f]
    np.testing.assert_allclose(residuals(probe), expected, rtol=1e-9)


def test_a_fresh_probe_has_not_seen_the_sample():
    """Its weights are those of rows of its own: one step along it changes all scores alike."""
    probe = scores.FreshProbe(2.0)
    _, opinion = consulted(KEY, linear(probe), X, Y)
    _, again = consulted(KEY, linear(probe), X, Y + 5.0)
    np.testing.assert_array_equal(opinion.margin, again.margin)
    own = LINEAR.sample(KEY, 2 * SIZE, DIM, jnp.float64)
    np.testing.assert_allclose(opinion.margin, X @ ols(*map(np.asarray, own)), rtol=1e-9)


KINDS = {
    "none": scores.Leverage(),
    "fixed": scores.EL2N(nfl.Probe(0.0, 1.0)),
    "same sample": scores.EL2N(nfl.SameSampleProbe()),
    "subsample": scores.EL2N(scores.SubsampleProbe(0.5)),
    "fresh sample": scores.EL2N(scores.FreshProbe(0.5)),
    "cross-fitted": scores.EL2N(scores.CrossFitProbe(2)),
    "iterated": scores.EL2N(scores.IteratedProbe(2)),
}


@pytest.mark.parametrize("kind", ["none", "same sample", "fresh sample", "iterated"])
def test_a_simulation_says_which_probe_it_uses(kind):
    problem = nfl.Problem(LINEAR, KINDS[kind], pruning.KeepHardest(0.5), learners.Ridge(0.0))
    run = nfl.simulate(KEY, problem, dim=DIM, num_samples=SIZE, num_replicates=4)
    assert run.probe == kind
    assert run.excess_risk.mean > 0.0


def test_every_probe_has_a_kind_of_its_own():
    named = {"none" if score.probe is None else score.probe.kind for score in KINDS.values()}
    assert named == set(KINDS)


def test_a_probe_that_does_not_exist_is_a_counted_failure():
    """10 rows in 3 dimensions: some samples are separable, and then nothing can be scored."""
    logistic = nfl.Problem(
        models.Logistic(4.0),
        scores.EL2N(nfl.SameSampleProbe()),
        pruning.KeepEasiest(1.0),
        learners.LogisticRegression(0.0),
    )
    run = nfl.simulate(KEY, logistic, dim=DIM, num_samples=10, num_replicates=64)
    assert 0 < run.failed["no_probe"] < 64
    assert sum(run.failed.values()) == run.failed["no_probe"]  # the student is the probe
    assert run.excess_risk.num_replicates == 64 - run.failed["no_probe"]


def test_a_score_that_is_nan_is_a_counted_failure():
    """The root of a negative number, of one label in five or so."""
    score = scores.RowScore(lambda x, y: jnp.sqrt(y + 1.0))
    case = nfl.Problem(
        models.Linear(0.5, 1.0), score, pruning.KeepHardest(0.5), learners.Ridge(0.0)
    )
    run = nfl.simulate(KEY, case, dim=DIM, num_samples=10, num_replicates=256)
    assert run.failed["no_score"] == sum(run.failed.values())
    assert 0.5 < run.failed["no_score"] / 256 < 1.0
    assert run.excess_risk.num_replicates == 256 - run.failed["no_score"]
    assert np.isfinite(run.excess_risk.mean)


@pytest.mark.parametrize(("flips", "exists"), [(0.0, True), (0.3, False)])
def test_a_perceptron_with_flips_has_no_hard_margin_to_ask(flips, exists):
    score, rule = scores.Margin(nfl.SameSampleProbe()), pruning.KeepEasiest(0.5)
    problem = nfl.Problem(models.Perceptron(flips), score, rule, learners.MaxMargin())
    x, y = problem.model.sample(KEY, SIZE, DIM, jnp.float64)
    scored, opinion = consulted(KEY, problem, x, y)
    assert bool(opinion.fits) is exists
    if exists:
        assert float(scored.max()) < 0.0
        np.testing.assert_allclose(np.linalg.norm(opinion.direction), 1.0, rtol=1e-12)


REFUSED = {
    "interpolation": (linear(nfl.SameSampleProbe(), pruning.KeepHardest(1.0)), 4, r"5 or more"),
    "portion": (linear(scores.SubsampleProbe(0.1)), SIZE, r"SubsampleProbe needs 5.* got 4"),
    "folds": (linear(scores.CrossFitProbe(2), pruning.KeepHardest(1.0)), 8, r"5 or more.* got 4"),
    "fresh rows": (linear(scores.FreshProbe(0.1)), SIZE, r"FreshProbe needs 5 .* got 4"),
    "calibration": (
        linear(scores.IteratedProbe(2), pruning.ExactCalibration(0.5, 0.5)),
        SIZE,
        r"IteratedProbe needs a rule that keeps the highest.*ExactCalibration",
    ),
    "few for logistic regression": (
        nfl.Problem(
            models.Logistic(1.0),
            scores.EL2N(nfl.SameSampleProbe()),
            pruning.KeepHardest(1.0),
            learners.LogisticRegression(0.0),
        ),
        3,
        r"SameSampleProbe needs 4 or more rows to fit LogisticRegression at dim=3, got 3",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_probe_that_cannot_exist_is_refused_beforehand(name):
    problem, size, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        nfl.simulate(KEY, problem, dim=DIM, num_samples=size, num_replicates=2)


def test_a_control_variate_needs_a_fixed_probe():
    fixed = nfl.Problem(
        models.Logistic(1.0),
        scores.EL2N(nfl.Probe(0.0, 1.0)),
        pruning.KeepHardest(0.9),
        learners.LogisticRegression(0.0),
    )
    control = nfl.linear_influence(fixed, nfl.FixedDimension(DIM))
    same = nfl.Problem(fixed.model, scores.EL2N(nfl.SameSampleProbe()), fixed.rule, fixed.learner)
    with pytest.raises(ValueError, match=r"control variate needs .* fixed .* SameSampleProbe"):
        nfl.simulate(KEY, same, dim=DIM, num_samples=99, num_replicates=2, control=control)
    with pytest.raises(nfl.NoTheoryError, match="linear influence for SameSampleProbe"):
        nfl.linear_influence(same, nfl.FixedDimension(DIM))
