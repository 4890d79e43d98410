"""T14: it holds, it bites, and it needs what it assumes."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

import nfl_sim as nfl
from nfl_sim import pruning, scores
from nfl_sim.theorems import BayesBound, Information, bayes_risk
from nfl_sim.theorems.detective import mean_and_sem
from nfl_sim.theorems.information import offsets
from nfl_sim.theorems.truncated import Truncated, draw_kept, kept_information
from tests.theorems.problems import DIM, linear, logistic

KEY = jax.random.key(14)
RULES = {
    "hardest": linear(),
    "easiest": linear(rule=pruning.KeepEasiest(0.3)),
    "label-free": linear(scores.Uncertainty),
    "joint": linear(rule=pruning.BalancedVertex(0.3)),
}


@pytest.mark.parametrize("problem", RULES.values(), ids=RULES)
def test_no_rule_beats_the_full_data_on_average(problem):
    theorem = BayesBound()
    found = theorem.check(problem, DIM, KEY, draws=200_000)
    assert found.margin > -5.0 * found.sem
    assert found.outcome != "violated", found


def average_of_ridge(error, num_samples, penalty, count=4000):
    """Ridge to the probe, here the origin, on all samples, averaged over teachers."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(count, num_samples, DIM))
    teachers = np.sqrt(error / DIM) * rng.normal(size=(count, DIM))
    labels = np.einsum("rnd,rd->rn", rows, teachers) + rng.normal(size=(count, num_samples))
    second = np.einsum("rnd,rne->rde", rows, rows) + penalty * np.eye(DIM)
    first = np.einsum("rnd,rn->rd", rows, labels)
    students = np.linalg.solve(second, first[:, :, None])[:, :, 0]
    return mean_and_sem(np.sum((students - teachers) ** 2, axis=1))


def test_ridge_to_the_probe_attains_it():
    least = bayes_risk(DIM, 30, noise_std=1.0, error=0.5)
    mean, sem = average_of_ridge(0.5, 30, DIM / 0.5)
    assert abs(mean - least.mean) < 5.0 * np.hypot(sem, least.sem)
    other, other_sem = average_of_ridge(0.5, 30, 0.0)
    assert other - 5.0 * other_sem > least.mean


def test_the_bayes_risk_by_quadrature():
    """d = 1: E 1/(chi^2_n / sigma^2 + 1/Q)."""
    found = bayes_risk(1, 12, noise_std=0.7, error=0.4)
    exact = integrate.quad(lambda s: stats.chi2.pdf(s, 12) / (s / 0.49 + 1.0 / 0.4), 0.0, np.inf)[0]
    assert abs(found.mean - exact) < 5.0 * found.sem
    assert found.least <= exact


@settings(max_examples=20)
@given(noise=st.floats(0.1, 5.0), error=st.floats(1e-3, 10.0), size=st.integers(1, 40))
def test_the_closed_form_is_below_and_no_more_than_the_error_is_lost(noise, error, size):
    found = bayes_risk(DIM, size, noise_std=noise, error=error, draws=50)
    assert found.least <= found.mean + 6.0 * found.sem
    assert found.mean <= error * (1.0 + 1e-9)


def test_a_bound_above_random_pruning_is_found_out():
    """Least squares on all samples is 7 % above the bound at n = 100; 1.6 times it is wrong."""
    problem = linear(rule=pruning.KeepRandom(1.0))
    wrong = BayesBound(scale=1.6).check(problem, DIM, KEY, draws=400_000)
    assert wrong.outcome == "violated", wrong


def test_the_bayes_bound_needs_the_average():
    """At w0 = w_p the easiest samples go far below it: kappa is 0.00525 at r = 0.1."""
    assert kept_information(0.1, hardest=False) == pytest.approx(0.00525, rel=2e-3)
    theorem, problem = BayesBound(), linear(rule=pruning.KeepEasiest(0.1), angle=0.0)
    run = nfl.simulate(KEY, problem, dim=DIM, num_samples=100, num_replicates=200).excess_risk
    assert run.mean + 5.0 * run.sem < 0.25 * theorem.bound(problem, DIM)
    averaged = theorem.risks(problem, DIM, KEY, 60)
    assert np.mean(averaged) > 5.0 * theorem.bound(problem, DIM)


def test_the_bayes_bound_says_what_it_needs():
    assert "'linear regression' fails" in BayesBound().check(logistic(), DIM, KEY).reason
    wrong = BayesBound(error=0.0).check(linear(), DIM, KEY)
    assert "'a probe that may be wrong' fails: error=0" in wrong.reason
    assert "'more than one dimension' fails" in BayesBound().check(linear(), 1, KEY).reason


@pytest.mark.parametrize(
    "rule", [pruning.KeepHardest(0.3), pruning.KeepEasiest(0.6)], ids=["hardest", "easiest"]
)
def test_truncated_likelihood_has_all_the_information(rule):
    problem = linear(rule=rule, angle=0.0, noise_std=0.7)
    found = Information().check(problem, DIM, KEY, draws=1_000_000)
    assert found.outcome == "holds", found
    wrong = Information(scale=1.15).check(problem, DIM, KEY, draws=600_000)
    assert wrong.outcome == "violated", wrong


@pytest.mark.parametrize("hardest", [True, False])
def test_least_squares_loses_or_gains_that_factor(hardest):
    """The ratio to random pruning is kappa for least squares, and 1/kappa for the likelihood."""
    kappa = kept_information(0.3, hardest=hardest)
    found = offsets(KEY, DIM, 2000, 0.3, 1000, hardest=hardest)
    even, sem = mean_and_sem(found["least squares"])
    exact = kappa * DIM / (600 - DIM - 1)
    assert abs(even - exact) < 5.0 * sem + 0.01 * exact
    likely, likely_sem = mean_and_sem(found["controlled"])
    assert likely == pytest.approx(DIM / (kappa * 600), rel=0.1, abs=5.0 * likely_sem)
    assert (likely < even) == hardest


def test_the_information_is_that_of_the_prediction():
    """n times the limit variance of least squares is predicted apart: sigma^2 d kappa / r."""
    for rule, hardest in ((pruning.KeepHardest, True), (pruning.KeepEasiest, False)):
        problem = linear(rule=rule(0.3), angle=0.0)
        predicted = float(nfl.predict(problem, nfl.FixedDimension(DIM)).finite_size)
        kappa = kept_information(0.3, hardest=hardest)
        assert predicted == pytest.approx(DIM * kappa / 0.3, rel=1e-8)
        assert Information().bound(problem, DIM) == pytest.approx(DIM / (0.3 * kappa), rel=1e-12)


@given(fraction=st.floats(0.01, 1.0))
def test_kept_samples_never_carry_more_than_all(fraction):
    """J = r kappa I <= I; and kappa is on its side of 1."""
    hard, easy = (kept_information(fraction, hardest=hardest) for hardest in (True, False))
    assert easy <= 1.0 + 1e-12 <= hard + 2e-12
    assert fraction * hard <= 1.0 + 1e-12
    assert easy <= fraction + 1e-12


@pytest.mark.parametrize("hardest", [True, False])
def test_the_moments_of_a_kept_residual_by_quadrature(hardest):
    cut, outputs = 0.8, np.array([[-3.0, -0.4, 0.0, 0.7, 2.5]])
    sample = Truncated(np.zeros((1, 2, 1)), np.array([[1.0, cut]]), hardest)
    means, variances = sample.moments(outputs)
    edges = [(-np.inf, -cut), (cut, np.inf)] if hardest else [(-cut, cut)]
    for output, mean, variance in zip(outputs[0], means[0], variances[0], strict=True):
        mass, first, second = (
            sum(
                integrate.quad(lambda t, k=k, at=output: t**k * stats.norm.pdf(t - at), *edge)[0]
                for edge in edges
            )
            for k in range(3)
        )
        assert mean == pytest.approx(first / mass, abs=1e-8)
        assert variance == pytest.approx(second / mass - (first / mass) ** 2, abs=1e-8)


@pytest.mark.parametrize("hardest", [True, False])
def test_kept_residuals_have_the_law_of_the_best_of_n(hardest):
    """Drawn through the order statistic, and by sorting: edge and mean square; KS at 1e-6."""
    rng = np.random.default_rng(2)
    drawn = draw_kept(rng, 4000, 40, 12, 1, hardest=hardest)
    sizes = np.sort(np.abs(rng.normal(size=(4000, 40))), axis=1)
    kept = sizes[:, -12:] if hardest else sizes[:, :12]
    edge = np.min(kept, axis=1) if hardest else np.max(kept, axis=1)
    squares = np.mean(kept**2, axis=1), np.mean(drawn.residuals**2, axis=1)
    assert stats.ks_2samp(edge, drawn.cut[:, 0]).pvalue > 1e-6
    assert stats.ks_2samp(*squares).pvalue > 1e-6


@pytest.mark.parametrize("hardest", [True, False])
def test_the_fit_is_where_the_likelihood_is_flat(hardest):
    """Against the likelihood itself, differenced: concave, and highest at the fit."""
    sample = draw_kept(np.random.default_rng(3), 1, 200, 60, 2, hardest=hardest)
    best, ended = sample.fit()
    assert bool(ended[0])

    def likelihood(offset):
        output = sample.covariates[0, :-1] @ offset
        inside = special.ndtr(sample.cut[0] - output) - special.ndtr(-sample.cut[0] - output)
        mass = 1.0 - inside if hardest else inside
        densities = stats.norm.logpdf(sample.residuals[0, :-1], loc=output)
        return float(np.sum(densities - np.log(mass)))

    top = likelihood(best[0])
    for angle in np.linspace(0.0, 2.0 * np.pi, 9):
        step = 1e-3 * np.array([np.cos(angle), np.sin(angle)])
        assert likelihood(best[0] + step) < top
        assert likelihood(best[0] + 1000.0 * step) < likelihood(best[0] + 500.0 * step)


@pytest.mark.parametrize(
    ("problem", "match"),
    [
        (logistic(), "'linear regression' fails"),
        (linear(rule=pruning.KeepRandom(0.3)), "'pruning by score' fails"),
        (linear(scores.Uncertainty), "'the residual' fails"),
        (linear(), "'the teacher as the probe' fails"),
        (linear(rule=pruning.BalancedVertex(0.3)), "'a PointwiseRule' fails"),
    ],
)
def test_information_says_what_it_needs(problem, match):
    assert match in Information().check(problem, DIM, KEY).reason
