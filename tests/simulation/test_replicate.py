"""One replicate, against the same replicate written out in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import erfinv
from scipy import stats

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Leverage, Margin, Uncertainty
from nfl_sim.simulation.replicate import shape_of
from nfl_sim.simulation.result import QUANTITIES
from tests.agreement import is_mean
from tests.strategies import example_logistic_problem, example_problem

KEY = jax.random.key(11)


def by_hand(problem, index, dim, num_samples):
    """The quantities of a replicate, from its rows on; ties do not occur."""
    keys = jax.random.split(jax.random.fold_in(KEY, index), 3)
    x, y = (
        np.float64(a) for a in nfl.sample(keys[0], problem.model, num_samples=num_samples, dim=dim)
    )
    plane = np.asarray(problem.score.probe.plane) if problem.score.probe else np.zeros(2)
    margin, norm = x[:, :2] @ plane, np.linalg.norm(x, axis=1)
    scores = {
        EL2N: np.abs(y - margin),
        GraNd: np.abs(y - margin) * norm,
        Uncertainty: -np.abs(margin),
        Leverage: norm,
    }[type(problem.score)]
    order = np.argsort(scores if isinstance(problem.rule, KeepEasiest) else -scores)
    chosen = order[: nfl.num_kept(float(problem.rule.fraction), num_samples)]
    rows, targets = x[chosen], y[chosen]
    root = np.sqrt(len(chosen) * float(problem.learner.penalty)) * np.eye(dim)
    student = np.linalg.lstsq(np.vstack([rows, root]), np.append(targets, np.zeros(dim)))[0]
    teacher = float(problem.model.signal) * np.eye(dim)[0]
    overlap = np.nan if problem.score.probe is None else student[:2] @ plane / np.linalg.norm(plane)
    return dict.fromkeys(QUANTITIES, np.nan) | {
        "excess_risk": np.sum((student - teacher) ** 2),
        "parallel": student[0],
        "orthogonal": student[1],
        "norm": np.linalg.norm(student),
        "probe_overlap": overlap,
        "threshold": scores[chosen[-1]],
        "training_loss": np.mean((targets - rows @ student) ** 2) / 2,
    }


@pytest.mark.parametrize(
    ("score", "rule", "penalty", "dim"),
    [
        (EL2N, KeepHardest, 0.0, 3),
        (GraNd, KeepEasiest, 0.3, 3),
        (Uncertainty, KeepEasiest, 0.0, 18),  # fewer rows than dimensions
        (Leverage, KeepHardest, 0.3, 3),
    ],
)
def test_replicate_is_that_of_numpy(score, rule, penalty, dim):
    problem = example_problem(score, rule, fraction=0.3, penalty=penalty)
    for index in (0, 5):
        found = nfl.replicate(KEY, problem, index, dim=dim, num_samples=40, method="rows")
        expected = by_hand(problem, index, dim, 40)
        assert tuple(found) == QUANTITIES
        for name in QUANTITIES:
            np.testing.assert_allclose(found[name], expected[name], 2e-5, 1e-6, err_msg=name)


def test_random_pruning_has_no_threshold_and_no_probe_no_overlap():
    problem = example_problem(Leverage, KeepRandom)
    found = nfl.replicate(KEY, problem, 0, dim=1, num_samples=20)
    assert np.isnan([found["threshold"], found["probe_overlap"]]).all()
    assert found["orthogonal"] == 0.0
    assert found["excess_risk"] == pytest.approx((found["parallel"] - 1.0) ** 2, rel=1e-12)


@pytest.mark.parametrize(
    ("fraction", "kept", "bucket"),
    [(0.01, 1, 1), (0.02, 2, 2), (0.05, 5, 8), (0.08, 8, 8), (0.09, 9, 16), (0.7, 70, 100)],
)
def test_rows_are_padded_to_a_bucket(fraction, kept, bucket):
    shape, found = shape_of(example_problem(fraction=fraction), 2, 100)
    assert (found.kept, shape.bucket) == (kept, bucket)


@pytest.mark.parametrize(
    ("fraction", "num_samples", "noise_std", "double"),
    [
        (0.5, 100, 1.0, False),
        (1e-3, 10_000, 1.0, False),
        (9e-4, 10_000, 1.0, True),
        (0.5, 1_000_000, 1.0, False),
        (0.5, 1_000_001, 1.0, True),
        (0.5, 100, 1e-2, False),
        (0.5, 100, 5e-4, True),
    ],
)
def test_rows_are_double_where_single_would_blur(fraction, num_samples, noise_std, double):
    problem = example_problem(fraction=fraction, noise_std=noise_std)
    assert shape_of(problem, 2, num_samples)[0].double == double


@pytest.mark.parametrize(
    ("score", "norm", "double"),
    [(EL2N, 5.0, False), (EL2N, 5.1, True), (GraNd, 9.0, True), (Margin, 9.0, False)],
)
def test_rows_are_double_where_residuals_of_signs_would_saturate(score, norm, double):
    assert shape_of(example_logistic_problem(score, norm=norm), 2, 100)[0].double == double
    assert not shape_of(example_problem(score, norm=norm), 2, 100)[0].double


def test_a_fitted_probe_rates_single_rows_in_double():
    problem = nfl.Problem(
        nfl.models.Logistic(2.0),
        EL2N(nfl.SameSampleProbe()),
        nfl.pruning.KeepHardest(0.5),
        nfl.learners.LogisticRegression(0.1),
    )
    assert not shape_of(problem, 2, 100)[0].double
    rows, labels = nfl.sample(jax.random.key(0), problem.model, num_samples=100, dim=2)
    assert rows.dtype == jnp.float32
    found = nfl.score(jax.random.key(1), problem, rows, labels)
    student = nfl.fit(problem.learner, rows, labels, jnp.ones(100)).weights
    margins = np.float64(labels) * (np.float64(rows) @ np.asarray(student))
    np.testing.assert_allclose(found, 1.0 / (1.0 + np.exp(margins)), rtol=1e-12)


def test_single_precision_residuals_of_signs_saturate():
    """Why: of a probe of norm 12, the hardest by EL2N tie in float32 and not in float64."""
    problem = example_logistic_problem(EL2N, norm=12.0)
    for dtype, distinct in ((jnp.float32, False), (jnp.float64, True)):
        x, y = nfl.sample(KEY, problem.model, num_samples=2000, dim=2, dtype=dtype)
        hardest = jnp.sort(nfl.score(KEY, problem, x, y))[-50:]
        assert (len(np.unique(hardest)) == 50) == distinct


def test_single_precision_normals_have_no_tail():
    """Why: over all 2^23 values of jax's single-precision uniform, no normal exceeds 5.5."""
    uniform = jnp.arange(2**23, dtype=jnp.float32) / jnp.float32(2**22) - jnp.float32(1.0)
    lowest = jnp.nextafter(jnp.float32(-1.0), jnp.float32(0.0))
    normals = jnp.sqrt(jnp.float32(2.0)) * erfinv(jnp.maximum(uniform, lowest))
    assert 5.3 < float(jnp.max(jnp.abs(normals))) < 5.5


def test_the_tail_is_kept_faithfully():
    """The mean of the second largest of 20000 |residuals|; false alarm 1e-6."""
    n, kept = 20_000, 2
    problem = example_problem(
        EL2N, KeepHardest, norm=0.0, signal=0.0, noise_std=1.0, fraction=kept / n, penalty=0.1
    )
    sizes = {"dim": 1, "num_samples": n, "num_replicates": 100}
    run = nfl.simulate(KEY, problem, **sizes, method="rows")
    mass = stats.beta(kept, n - kept + 1)
    expected = mass.expect(lambda u: stats.norm.isf(u / 2), lb=0.0, ub=0.01)
    assert run.num_kept == kept
    assert is_mean(run.threshold, expected)
    assert run.threshold.sem < 0.01 * expected
