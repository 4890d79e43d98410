"""Ridge regression in high dimension: the properties P14, and what is refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.learners import Hinge, LogisticRegression, MaxMargin, Ridge
from nfl_sim.models import Linear, Logistic, Perceptron
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Leverage, Margin, Uncertainty

SIGNAL, NOISE = 1.3, 0.7
both_rules = pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])


def ridge(rule=KeepHardest, fraction=0.4, penalty=0.0):
    score = EL2N(nfl.Probe(0.6, 1.0))
    return nfl.Problem(Linear(SIGNAL, NOISE), score, rule(fraction), Ridge(penalty))


def kept(problem, ratio):
    """The prediction at this many kept samples a dimension."""
    return nfl.predict(problem, nfl.Proportional(ratio / problem.rule.fraction))


@both_rules
@pytest.mark.parametrize("ratio", [1.5, 4.0, 50.0])
def test_above_one_the_noise_is_spread_over_the_surplus(rule, ratio):
    """P14 (i), (ii): R = E + tau^2/(ratio - 1), E and tau^2 those of fixed dimension."""
    limit = nfl.predict(ridge(rule), nfl.FixedDimension(2))
    noise = 2.0 * limit.training_loss
    found = kept(ridge(rule), ratio)
    assert float(found.excess_risk) == pytest.approx(
        float(limit.excess_risk + noise / (ratio - 1.0)), rel=1e-12
    )
    # tau^2 + B = tau^2 ratio/(ratio - 1), shrunk by (1 - 1/ratio)^2 on the training rows
    assert float(found.training_loss) == pytest.approx(
        0.5 * float(noise) * (1.0 - 1.0 / ratio), rel=1e-12
    )


@both_rules
def test_the_peak_is_at_one(rule):
    """P14 (iii): |ratio - 1| R -> tau^2 from either side, and R is infinite at 1."""
    noise = 2.0 * float(nfl.predict(ridge(rule), nfl.FixedDimension(2)).training_loss)
    assert float(kept(ridge(rule), 1.0 + 1e-6).excess_risk) * 1e-6 == pytest.approx(noise, rel=1e-4)
    left = [float(kept(ridge(rule), 1.0 - gap).excess_risk) * gap for gap in (1e-3, 5e-4)]
    assert 2.0 * left[1] - left[0] == pytest.approx(noise, rel=1e-4)
    assert not float(kept(ridge(rule, 0.5), 1.0).excess_risk) < 1e6


def test_nothing_is_learned_from_nothing_or_under_a_heavy_penalty():
    """P14 (iv), (v)."""
    assert float(kept(ridge(), 1e-8).excess_risk) == pytest.approx(SIGNAL**2, rel=1e-6)
    assert float(kept(ridge(penalty=1e8), 3.0).excess_risk) == pytest.approx(SIGNAL**2, rel=1e-6)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_random_pruning_below_one(ratio):
    """P14 (vi): |w0|^2 (1 - ratio) + sigma^2 ratio/(1 - ratio)."""
    expected = SIGNAL**2 * (1.0 - ratio) + NOISE**2 * ratio / (1.0 - ratio)
    assert float(kept(ridge(KeepRandom), ratio).excess_risk) == pytest.approx(expected, rel=1e-12)


def test_high_dimension_forgets_the_norm():
    """GraNd is EL2N, Leverage is random pruning."""
    for model, learner in ((Linear(1.0, 1.0), Ridge(0.1)), (Logistic(1.0), Ridge(0.1))):
        probe, rule = nfl.Probe(0.6, 1.0), KeepHardest(0.4)
        errors = [
            float(nfl.predict(nfl.Problem(model, s, rule, learner), nfl.Proportional(5.0)).norm)
            for s in (GraNd(probe), EL2N(probe), Leverage())
        ]
        random = nfl.Problem(model, Leverage(), KeepRandom(0.4), learner)
        assert errors[0] == errors[1]
        assert errors[2] == float(nfl.predict(random, nfl.Proportional(5.0)).norm)


@pytest.mark.parametrize("model", [Logistic(0.0), Logistic(2.0, 0.5), Perceptron(0.5)])
def test_noise_is_separable_up_to_two_samples_a_dimension(model):
    """Cover's capacity."""
    problem = nfl.Problem(model, Leverage(), KeepRandom(0.5), LogisticRegression(0.0))
    assert float(nfl.separability_ratio(problem)) == pytest.approx(4.0, rel=1e-9)


def test_random_pruning_scales_capacity():
    """Property 16 of the logistic sheet: gamma_sep(r) = gamma_sep(1)/r."""
    found = [
        0.1
        * k
        * float(
            nfl.separability_ratio(
                nfl.Problem(Logistic(2.0), Leverage(), KeepRandom(0.1 * k), LogisticRegression(0.0))
            )
        )
        for k in (2, 5, 10)
    ]
    np.testing.assert_allclose(found, 2.899138, rtol=2e-7)


def test_no_student_below_capacity():
    problem = nfl.Problem(Logistic(2.0), Leverage(), KeepRandom(0.5), LogisticRegression(0.0))
    edge = float(nfl.separability_ratio(problem))
    below, above = (nfl.predict(problem, nfl.Proportional(c * edge)) for c in (0.95, 1.05))
    assert not bool(below.exists)
    assert bool(above.exists)
    assert math.isinf(below.norm)
    assert math.isinf(below.excess_risk)
    assert math.isfinite(above.norm)
    assert 0.0 < float(below.parallel) < 1.0  # a direction


def margin(flip=0.0, score=Uncertainty, ratio=10.0, learner=None):
    problem = nfl.Problem(
        Perceptron(flip), score(nfl.Probe(0.3, 1.0)), KeepHardest(0.5), learner or MaxMargin()
    )
    return nfl.predict(problem, nfl.Proportional(ratio))


def test_what_is_impossible_is_refused_by_name():
    with pytest.raises(ValueError, match=r"use Hinge\(penalty\)"):
        margin(flip=0.1)
    with pytest.raises(nfl.NoTheoryError, match="two values on Perceptron"):
        margin(score=EL2N)
    for ratio in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="sample_ratio must lie in"):
            nfl.Proportional(ratio)
    with pytest.raises(ValueError, match="needs labels"):
        nfl.Problem(Linear(1.0, 1.0), Margin(nfl.Probe(0.3, 1.0)), KeepHardest(0.5), Hinge(0.1))


def test_gradients_are_those_of_finite_differences():
    """Of the error in angle, fraction, ratio, penalty and flips, through the implicit solution."""

    def error(x):
        angle, fraction, ratio, penalty, flip = x
        problem = nfl.Problem(
            Perceptron(flip),
            Uncertainty(nfl.Probe(angle, 1.0)),
            KeepHardest(fraction),
            Hinge(penalty),
        )
        return nfl.predict(problem, nfl.Proportional(ratio)).error

    point = jnp.array([0.5, 0.4, 6.0, 0.1, 0.1])
    found = jax.jacfwd(error)(point)
    for k in range(5):
        step = jnp.zeros(5).at[k].set(1e-5)
        slope = (error(point + step) - error(point - step)) / 2e-5
        assert float(found[k]) == pytest.approx(float(slope), rel=1e-5, abs=1e-8)
