"""Pruning by a probe of the same sample: what holds exactly at finite n, held against samples."""

import jax
import numpy as np
import pytest

import nfl_sim as nfl
from tests.agreement import CRITICAL

DIM, COUNT, KEPT, REPLICATES = 3, 24, 12, 20_000
SCORES = {
    "EL2N": lambda x, error, margin: np.abs(error),
    "GraNd": lambda x, error, margin: np.abs(error) * np.linalg.norm(x, axis=-1),
    "Uncertainty": lambda x, error, margin: -np.abs(margin),
    "Leverage": lambda x, error, margin: np.linalg.norm(x, axis=-1),
}


def ridge(x, y, penalty):
    moments = np.swapaxes(x, -1, -2) @ x + penalty * np.eye(DIM)
    return np.linalg.solve(moments, np.swapaxes(x, -1, -2) @ y[..., None])[..., 0]


def overlaps(score, penalty=0.0, side=1.0):
    """(w_p - w0).(w - w_p) of each replicate, w being trained on what the probe w_p keeps."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(REPLICATES, COUNT, DIM))
    y = x[..., 0] + rng.normal(size=(REPLICATES, COUNT))
    probe = ridge(x, y, penalty)
    margin = (x @ probe[..., None])[..., 0]
    kept = np.argsort(-side * SCORES[score](x, y - margin, margin), axis=1)[:, :KEPT]
    chosen = np.take_along_axis(x, kept[..., None], axis=1)
    student = ridge(chosen, np.take_along_axis(y, kept, axis=1), penalty)
    return np.sum((probe - np.eye(DIM)[0]) * (student - probe), axis=1)


def z_of_mean(values):
    return np.mean(values) / (np.std(values) / np.sqrt(len(values)))


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("score", SCORES)
def test_pruning_moves_the_student_at_right_angles_to_the_error_of_the_probe(score, side):
    """Hence no rule of the same sample beats the full fit: eq-orthogonality."""
    assert abs(z_of_mean(overlaps(score, side=side))) < CRITICAL


def test_it_needs_least_squares():
    assert abs(z_of_mean(overlaps("EL2N", penalty=8.0))) > 2.0 * CRITICAL


def combined(rng, case, together, count):
    """Excess risks of the best combination and of the debiased one, times n, of each replicate."""
    fresh = isinstance(case.score.probe, nfl.scores.FreshProbe)
    kept, draws = round(count * float(case.rule.fraction)), 40_000_000 // (count * DIM * 4)
    x = rng.normal(size=(draws, count, DIM))
    y = x[..., 0] + rng.normal(size=(draws, count))
    other = rng.normal(size=(draws, count, DIM)) if fresh else x
    probe = ridge(other, other[..., 0] + rng.normal(size=y.shape) if fresh else y, 0.0)
    residual = np.abs(y - (x @ probe[..., None])[..., 0])
    best = np.argsort(-residual, axis=1)[:, :kept]
    chosen = np.take_along_axis(x, best[..., None], axis=1)
    student = ridge(chosen, np.take_along_axis(y, best, axis=1), 0.0)
    weights = float(together.weight), float(together.debiasing[0])
    found = [a * student + (1.0 - a) * probe - np.eye(DIM)[0] for a in weights]
    return [count * np.sum(error**2, axis=1) for error in found]


@pytest.mark.parametrize(
    "probe", [nfl.scores.FreshProbe(1.0), nfl.SameSampleProbe()], ids=["fresh", "same"]
)
def test_student_and_probe_together_are_worth_what_is_predicted(probe):
    """The best combination and the debiased student, from n = 200 and 400 to n = infinity."""
    model, learner = nfl.models.Linear(1.0, 1.0), nfl.learners.Ridge(0.0)
    case = nfl.Problem(model, nfl.scores.EL2N(probe), nfl.pruning.KeepHardest(0.5), learner)
    together = nfl.probe_combination(case, nfl.FixedDimension(DIM))
    rng = np.random.default_rng(11)
    small, large = (combined(rng, case, together, count) for count in (200, 400))
    for one, two, known in zip(
        small, large, (together.finite_size, together.debiased_size), strict=True
    ):
        limit = 2.0 * two.mean() - one.mean()
        sem = np.hypot(2.0 * two.std() / np.sqrt(len(two)), one.std() / np.sqrt(len(one)))
        assert abs(limit - float(known)) < CRITICAL * sem
        assert sem < 0.03 * float(known)


@pytest.mark.parametrize("rule", [nfl.pruning.KeepHardest, nfl.pruning.KeepEasiest])
def test_the_exact_law_is_that_of_the_rows(rule):
    """n = 40, and the law of a probe that is fixed is told from it."""
    model, learner = nfl.models.Linear(1.0, 1.0), nfl.learners.Ridge(0.0)
    case = nfl.Problem(model, nfl.scores.EL2N(nfl.SameSampleProbe()), rule(0.5), learner)
    exact = nfl.predict(case, nfl.FiniteSample(4, 40)).excess_risk
    run = nfl.simulate(jax.random.key(3), case, dim=4, num_samples=40, num_replicates=16_384)
    assert run.probe == "same sample"
    assert abs(run.excess_risk.mean - exact) < CRITICAL * run.excess_risk.sem
    fixed = nfl.Problem(model, nfl.scores.EL2N(nfl.Probe(0.0, 1.0)), rule(0.5), learner)
    other = nfl.predict(fixed, nfl.FiniteSample(4, 40)).excess_risk
    assert abs(run.excess_risk.mean - other) > 2.0 * CRITICAL * run.excess_risk.sem
