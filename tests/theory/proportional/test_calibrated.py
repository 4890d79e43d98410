"""Calibration in high dimension: its ends, its bias, its weights, its slopes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.learners import Ridge
from nfl_sim.models import Linear, Logistic
from nfl_sim.pruning import ExactCalibration, KeepHardest, KeepRandom, SoftCalibration
from nfl_sim.scores import EL2N, Leverage, Margin, Uncertainty, Uniform
from nfl_sim.theory.proportional.kept import keep
from tests.theory.proportional.problems import at, kept_law, perceptron
from tests.theory.shapes import hasty_jit, unrecognised, with_score

PROBE = nfl.Probe(0.6, 0.8)
RULES = pytest.mark.parametrize("rule", [ExactCalibration, SoftCalibration])
MODELS = {"Linear": Linear(1.0, 0.5), "Logistic": Logistic(1.5, 0.1)}
LAWS = [("Linear", EL2N), ("Logistic", Uncertainty)]


def least_squares(model="Linear", score=EL2N, rule=None, *, penalty=0.1, probe=PROBE):
    rated = score() if score in (Leverage, Uniform) else score(probe)
    return nfl.Problem(MODELS[model], rated, rule or KeepRandom(0.4), Ridge(penalty))


def assert_same(first, second, *, rtol=1e-9):
    for name in ("excess_risk", "norm", "parallel", "orthogonal", "training_loss"):
        pair = getattr(first, name), getattr(second, name)
        np.testing.assert_allclose(*pair, rtol=rtol, atol=rtol, err_msg=name)


@pytest.mark.parametrize(("model", "score"), LAWS)
def test_mixing_nothing_is_random_pruning(model, score):
    random = at(least_squares(model, score), 4.0)
    for rule in (ExactCalibration, SoftCalibration):
        mixed = at(least_squares(model, score, rule(0.4, 0.0)), 4.0)
        assert_same(mixed, random)
        assert np.isnan(float(mixed.threshold))


@pytest.mark.parametrize("law", LAWS)
def test_mixing_everything_is_pruning_by_score(law):
    """At the rate 1 - mixing. Exact: with the penalty over the fraction, as E[omega] stays 1."""
    fraction, penalty = 0.4, 0.1
    sharp = KeepHardest(fraction)
    for rule, felt in ((SoftCalibration, penalty), (ExactCalibration, penalty / fraction)):
        limit = at(least_squares(*law, sharp, penalty=felt), 4.0)
        far, near = (
            at(least_squares(*law, rule(fraction, 1.0 - gap)), 4.0) for gap in (2e-6, 1e-6)
        )
        for name in ("excess_risk", "norm", "parallel", "threshold"):
            found = 2.0 * float(getattr(near, name)) - float(getattr(far, name))
            np.testing.assert_allclose(found, getattr(limit, name), rtol=2e-8, err_msg=name)


def test_the_widest_margin_does_not_see_weights():
    """Its student is a function of masses and places, which the two rules share."""
    laws = [
        kept_law(perceptron(partial(rule, mixing=0.5))).fine
        for rule in (ExactCalibration, SoftCalibration)
    ]
    np.testing.assert_array_equal(laws[0].places, laws[1].places)
    np.testing.assert_allclose(laws[0].masses, laws[1].masses, rtol=1e-14)
    assert float(jnp.max(jnp.abs(laws[0].weights - laws[1].weights))) > 0.1
    for law in laws:
        assert float(law.mean_weight) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("mixing", [0.1, 0.7])
def test_exact_calibration_is_biased_at_a_finite_ratio(mixing):
    """P18: it tends to the teacher as n/d grows, at the rate (d/n)^2 of the squared bias.

    gamma (a - w0) -> (1/rho - 1) E[t eps; top]: the large weights are shrunk most. And
    gamma eta^2 tends to n times the variance in fixed dimension.
    """
    problem = least_squares(rule=ExactCalibration(0.3, mixing), penalty=0.0)
    teacher = np.array([float(problem.model.signal), 0.0])
    offset = teacher - np.asarray(problem.score.probe.plane)
    noise, top = float(problem.model.noise_std) ** 2, mixing * 0.3
    scale = noise + offset @ offset
    odds = 1.0 / float(problem.rule.rest_inclusion) - 1.0
    slope = odds * _excess(top) * noise / scale * offset
    variance = float(nfl.predict(problem, nfl.FixedDimension(3)).covariance[2, 2])
    gaps = []
    for ratio in (1e2, 1e3, 1e4):
        found = at(problem, ratio)
        bias = np.array([found.parallel, found.orthogonal]) - teacher
        spread = float(found.norm**2 - np.sum((bias + teacher) ** 2))
        gaps.append(np.linalg.norm(ratio * bias - slope) + abs(ratio * spread - variance))
    assert gaps[2] < 0.02 * (np.linalg.norm(slope) + variance)
    assert gaps[2] < 0.12 * gaps[1] < 0.12**2 * gaps[0] * 4.0
    assert np.linalg.norm(slope) > 1e-3
    small = at(problem, 8.0)
    assert np.hypot(small.parallel - 1.0, small.orthogonal) > 1e-3


def _excess(mass):
    """E[Z^2; top] - P(top), the top being the largest |Z| of a normal Z."""
    cut = stats.norm.isf(0.5 * mass)
    return 2.0 * cut * stats.norm.pdf(cut)


@pytest.mark.parametrize("law", LAWS)
def test_an_interpolating_student_does_not_see_weights(law):
    exact, soft = (
        at(least_squares(*law, rule(0.4, 0.5), penalty=0.0), 2.0)
        for rule in (ExactCalibration, SoftCalibration)
    )
    assert_same(exact, soft)
    assert float(exact.training_loss) == pytest.approx(0.0, abs=1e-12)
    seen = [
        float(at(least_squares(*law, rule(0.4, 0.5), penalty=0.0), 3.0).excess_risk)
        for rule in (ExactCalibration, SoftCalibration)
    ]
    assert abs(seen[0] - seen[1]) > 1e-3 * seen[0]


def test_a_top_that_is_random_still_has_its_weight():
    """A score without a part in high dimension: soft is random pruning, exact is not."""
    random = at(least_squares("Linear", Uniform), 4.0)
    for rule in (ExactCalibration, SoftCalibration):
        found = at(least_squares("Linear", Leverage, rule(0.4, 0.5)), 4.0)
        same = abs(float(found.excess_risk / random.excess_risk) - 1.0) < 1e-9
        assert same is (rule is SoftCalibration)
        null = nfl.Probe(0.6, 0.0)
        tied = keep(
            least_squares("Logistic", Margin, rule(0.4, 0.3), probe=null), 8, 5, 0.5, tied=True
        )
        shares = tied.fine.masses * tied.fine.chance(tied.fine.places)
        np.testing.assert_allclose(shares, [0.15, 0.15, 0.35, 0.35], rtol=1e-12)
        heavy = (1.0 - 0.12) / 0.28 if rule is ExactCalibration else 1.0
        weights = np.array([1.0, 1.0, heavy, heavy]) / (0.3 + 0.7 * heavy)
        np.testing.assert_allclose(tied.fine.weights, weights, rtol=1e-12)


def test_a_score_of_the_users_own_finds_the_same_strata():
    known = least_squares("Logistic", EL2N, ExactCalibration(0.4, 0.5, hardest=False))
    first, second = (
        kept_law(problem) for problem in (known, with_score(known, unrecognised(EL2N)(PROBE)))
    )
    assert bool(first.converged & second.converged)
    for one, other in zip(first.fine.plane_moments(), second.fine.plane_moments(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(first.fine.mean_weight, second.fine.mean_weight, rtol=1e-10)


@pytest.mark.parametrize("model", ["Linear", "Logistic"])
def test_slopes(model):
    """In mixing, fraction, ratio and penalty, by central differences."""

    def risk(numbers):
        mixing, fraction, ratio, penalty = numbers
        problem = least_squares(model, rule=ExactCalibration(fraction, mixing), penalty=penalty)
        return nfl.predict(problem, nfl.Proportional(ratio)).excess_risk

    numbers = jnp.array([0.3, 0.4, 4.0, 0.1])
    value, slopes = hasty_jit(jax.value_and_grad(risk))(numbers)
    np.testing.assert_allclose(value, risk(numbers), rtol=1e-9)
    for axis, step in enumerate(1e-4 * np.eye(4)):
        expected = (float(risk(numbers + step)) - float(risk(numbers - step))) / 2e-4
        assert float(slopes[axis]) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_a_traced_mixing_out_of_range_gives_nan():
    def risk(mixing):
        problem = least_squares(rule=ExactCalibration(0.4, mixing))
        return nfl.predict(problem, nfl.Proportional(4.0)).excess_risk

    risks = hasty_jit(jax.vmap(risk))(jnp.array([-0.1, 0.0, 0.5, 1.0]))
    np.testing.assert_array_equal(np.isfinite(risks), [False, True, True, False])


@RULES
def test_what_the_sharp_rules_refuse_is_refused(rule):
    with pytest.raises(nfl.NoTheoryError, match=r"EL2N takes two values.*Margin"):
        nfl.predict(perceptron(partial(rule, mixing=0.5), EL2N), nfl.Proportional(3.0))
