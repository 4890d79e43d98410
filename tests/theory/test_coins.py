"""Rules that toss coins: importance sampling, its ceiling, and rules of the user's own."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize, stats

import nfl_sim as nfl
from nfl_sim import learners, models, scores
from nfl_sim.pruning import ImportanceSampling, PoissonRule
from nfl_sim.validation import Scalar

PERFECT = nfl.Probe(0.0, 1.0)
OTHER = nfl.Probe(0.5, 1.3)
LINEAR, LOGISTIC = models.Linear(1.0, 0.8), models.Logistic(1.0)


def at(model, score, rule, *, dim=3, penalty=0.0):
    learner = learners.Ridge if isinstance(model, models.Linear) else learners.LogisticRegression
    problem = nfl.Problem(model, score, rule, learner(penalty))
    found = nfl.predict(problem, nfl.FixedDimension(dim))
    assert bool(found.converged)
    return found


@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.8])
def test_residuals_of_the_teacher_by_adaptive_integration(fraction):
    """pi = min(1, sigma |xi| / c): E[pi] = r, and C = d E[sigma^2 xi^2 / pi]."""

    def mean(function, level):
        inside = integrate.quad(function, 0.0, level, epsabs=1e-13)[0]
        return inside + 2.0 * integrate.quad(stats.norm.pdf, level, np.inf, epsabs=1e-13)[0]

    def shortfall(level):
        return mean(lambda x: 2.0 * stats.norm.pdf(x) * x / level, level) - fraction

    level = optimize.brentq(shortfall, 1e-6, 100.0, xtol=1e-14)
    low = integrate.quad(lambda x: 2.0 * stats.norm.pdf(x) * x * level, 0.0, level)[0]
    high = integrate.quad(lambda x: 2.0 * stats.norm.pdf(x) * x**2, level, np.inf)[0]
    found = at(LINEAR, scores.EL2N(PERFECT), ImportanceSampling(fraction))
    assert float(found.threshold) == pytest.approx(0.8 * level, rel=1e-7)
    assert float(found.finite_size) == pytest.approx(3 * 0.64 * (low + high), rel=1e-4)
    assert float(found.excess_risk) < 1e-16


CEILINGS = [
    (LINEAR, scores.EL2N, "residual"),
    (LINEAR, None, "covariates"),
    (LOGISTIC, scores.Influence, "everything"),
]


@pytest.mark.parametrize(("model", "score", "sees"), CEILINGS)
def test_the_ceiling_is_attained(model, score, sees):
    """T11: by pi = min(1, c s) for the s that each view of a sample allows."""
    ceiling = nfl.theory.unbiased_ceiling(model, 3, 0.2, sees=sees)
    best = at(
        model, scores.Leverage() if score is None else score(PERFECT), ImportanceSampling(0.2)
    )
    random = nfl.predict(
        nfl.Problem(
            model,
            scores.Uniform(),
            nfl.pruning.KeepRandom(0.2),
            learners.Ridge(0.0)
            if isinstance(model, models.Linear)
            else learners.LogisticRegression(0.0),
        ),
        nfl.FixedDimension(3),
    )
    ratio = float(best.finite_size / random.finite_size)
    assert ratio == pytest.approx(float(ceiling.variance_ratio), rel=2e-4)
    assert ratio < 1.0


def test_the_optimal_unbiased_rule_is_the_influence_with_reweighted_coins():
    score, rule = nfl.OptimalUnbiased.at(PERFECT, 0.2, floor=0.1)
    assert isinstance(score, scores.Influence)
    assert rule == ImportanceSampling(0.2, floor=0.1)
    assert rule.unbiased
    covariates, labels = nfl.sample(jax.random.key(0), LINEAR, num_samples=50, dim=3)
    influence, grand = (
        nfl.score(
            jax.random.key(1),
            nfl.Problem(LINEAR, kind, rule, learners.Ridge(0.0)),
            covariates,
            labels,
        )
        for kind in (score, scores.GraNd(PERFECT))
    )
    np.testing.assert_allclose(influence, grand, rtol=1e-6)


@pytest.mark.parametrize("model", [LINEAR, LOGISTIC], ids=["linear", "logistic"])
def test_reweighted_rules_are_unbiased_whatever_the_probe(model):
    found = at(model, scores.EL2N(OTHER), ImportanceSampling(0.3, 1.5, floor=0.2))
    assert float(found.parallel) == pytest.approx(1.0, abs=1e-8)
    assert abs(float(found.orthogonal)) < 1e-8
    assert float(found.excess_risk) < 1e-14


@pytest.mark.parametrize(
    ("score", "exponent", "floor", "infinite"),
    [
        (scores.EL2N(PERFECT), 1.0, 0.0, False),
        (scores.EL2N(OTHER), 1.0, 0.0, True),
        (scores.EL2N(OTHER), 0.9, 0.0, False),
        (scores.EL2N(OTHER), 1.0, 0.1, False),
        (scores.Leverage(), 4.9, 0.0, False),
        (scores.Leverage(), 5.0, 0.0, True),
    ],
)
def test_the_variance_without_a_floor(score, exponent, floor, infinite):
    """T11's last line: with an imperfect probe pi = c |residual| has an infinite variance."""
    found = at(LINEAR, score, ImportanceSampling(0.3, exponent, floor=floor))
    assert math.isinf(float(found.finite_size)) == infinite
    assert float(found.finite_size) > 0.0


@pytest.mark.parametrize(("floor", "expected"), [(0.5, 12.48), (0.1, 16.32), (0.01, 22.74)])
def test_the_price_of_a_floor(floor, expected):
    """d = 3, sigma = 1, |w0 - w_p|^2 = 1/4, r = 0.2; random pruning costs 15."""
    model, score = models.Linear(1.0, 1.0), scores.EL2N(nfl.Probe(0.0, 0.5))
    found = at(model, score, ImportanceSampling(0.2, floor=floor))
    assert float(found.finite_size) == pytest.approx(expected, abs=0.006)


class Tempered(PoissonRule):
    """Importance sampling as a user would write it."""

    fraction: Scalar
    reweight: bool = eqx.field(static=True)

    def inclusion(self, score, level):
        return jnp.minimum(score / level, 1.0)

    def weight(self, score, level):
        return 1.0 / self.inclusion(score, level) if self.reweight else jnp.ones_like(score)

    def levels(self, lowest, highest):
        return 0.1 * lowest, highest / self.fraction


@pytest.mark.parametrize(
    ("model", "reweight"), [(LINEAR, True), (LOGISTIC, False)], ids=["linear", "logistic"]
)
def test_a_rule_of_the_users_own(model, reweight):
    """The general route, which lets the level fluctuate, and the one that knows pi omega = 1."""
    own = at(model, scores.EL2N(OTHER), Tempered(jnp.asarray(0.3), reweight), penalty=0.1)
    known = at(model, scores.EL2N(OTHER), ImportanceSampling(0.3, reweight=reweight), penalty=0.1)
    names = ("excess_risk", "parallel", "orthogonal", "threshold", "training_loss")
    for name in names:
        assert float(getattr(own, name)) == pytest.approx(float(getattr(known, name)), rel=1e-6)
    if isinstance(model, models.Logistic) or not reweight:
        same = pytest.approx(float(known.finite_size), rel=1e-4)
        assert float(own.finite_size) == same


class Blind(PoissonRule):
    """Keeps at random, whatever the level."""

    fraction: Scalar

    def inclusion(self, score, level):
        return self.fraction + 0.0 * (score + level)


def test_coins_that_do_not_look_at_the_score_are_random_pruning():
    """To this order it does not matter that their number is random."""
    coins = at(LINEAR, scores.EL2N(OTHER), Blind(jnp.asarray(0.3)))
    assert float(coins.finite_size) == pytest.approx(0.64 * 3 / 0.3, rel=1e-6)
    assert float(coins.excess_risk) < 1e-14


def test_a_score_that_may_be_negative_is_refused():
    with pytest.raises(ValueError, match=r"never negative.*got Margin"):
        nfl.Problem(LINEAR, scores.Margin(OTHER), ImportanceSampling(0.3), learners.Ridge(0.0))


def test_samples_that_tie_are_refused():
    problem = nfl.Problem(
        LOGISTIC,
        scores.EL2N(nfl.Probe(0.0, 0.0)),
        ImportanceSampling(0.3),
        learners.LogisticRegression(0.0),
    )
    with pytest.raises(nfl.NoTheoryError, match="use KeepRandom"):
        nfl.predict(problem, nfl.FixedDimension(2))
