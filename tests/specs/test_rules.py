"""Rules: how many are kept, and which."""

import itertools
import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim.pruning import PointwiseRule, num_kept, num_kept_traced
from tests.specs.discovery import build, of_kind

RULES = [cls for cls in of_kind(PointwiseRule) if not issubclass(cls, nfl.pruning.PoissonRule)]
COINS = [cls for cls in of_kind(PointwiseRule) if issubclass(cls, nfl.pruning.PoissonRule)]
every_coin = pytest.mark.parametrize("cls", COINS, ids=lambda c: c.__name__)
every_rule = pytest.mark.parametrize("cls", RULES, ids=lambda c: c.__name__)
SCORES = jnp.asarray(np.random.default_rng(1).normal(size=1000))
HARDEST, EASIEST = nfl.pruning.KeepHardest(0.3), nfl.pruning.KeepEasiest(0.3)


@pytest.mark.parametrize(
    ("fraction", "num_samples", "kept"),
    [(0.07, 100, 7), (0.1, 30, 3), (0.3, 10, 3), (0.55, 100, 55), (1.0, 9, 9), (1e-6, 10, 1)],
)
def test_rounding_of_the_product_is_absorbed(fraction, num_samples, kept):
    assert num_kept(fraction, num_samples) == kept
    assert num_kept(np.nextafter(fraction, 0), num_samples) == kept


def test_a_plain_ceil_would_keep_one_more():
    assert math.ceil(0.07 * 100) == 8


@given(st.integers(1, 6), st.data())
def test_num_kept_is_the_exact_ceil_of_the_decimal(digits, data):
    """Fractions as a user writes them, 0.d…d, against exact rational arithmetic."""
    numerator = data.draw(st.integers(1, 10**digits))
    num_samples = data.draw(st.integers(1, 10**6))
    written = f"{numerator / 10**digits:.{digits}f}"
    exact = math.ceil(Fraction(written) * num_samples)
    assert num_kept(float(written), num_samples) == exact
    assert num_kept_traced(jnp.asarray(float(written)), num_samples) == exact


@given(st.integers(1, 10**6), st.data())
def test_every_number_can_be_kept(num_samples, data):
    kept = data.draw(st.integers(1, num_samples))
    assert num_kept(kept / num_samples, num_samples) == kept


@every_rule
def test_mean_inclusion_is_the_fraction(cls):
    rule = build(cls)
    kept = rule.quota(len(SCORES)).top
    ranked = jnp.sort(rule.priority(SCORES), descending=True)
    sign = jnp.where(rule.priority(jnp.ones(())) < 0.0, -1.0, 1.0)
    level = sign * 0.5 * (ranked[kept - 1] + ranked[kept])
    inclusion = rule.inclusion(SCORES, level)
    assert inclusion.shape == SCORES.shape
    assert jnp.all((inclusion >= 0.0) & (inclusion <= 1.0))
    assert jnp.mean(inclusion) == pytest.approx(float(rule.fraction), rel=1e-12)


@every_rule
def test_inclusion_and_weight_jump_at_the_breakpoints_only(cls):
    rule, level = build(cls), jnp.asarray(0.3)
    ends = [-jnp.inf, *sorted(float(b) for b in rule.breakpoints(level)), jnp.inf]
    for low, high in itertools.pairwise(ends):
        inside = jnp.linspace(max(low, -5.0), min(high, 5.0), 102)[1:-1]
        for function in (rule.inclusion, rule.weight):
            assert jnp.ptp(function(inside, level)) == 0.0


@every_rule
def test_the_training_loss_is_unbiased_or_every_sample_weighs_one(cls):
    rule, level = build(cls), jnp.asarray(0.3)
    weight = rule.weight(SCORES, level)
    if cls is nfl.pruning.ExactCalibration:
        np.testing.assert_allclose(weight * rule.inclusion(SCORES, level), 1.0, rtol=1e-15)
    else:
        np.testing.assert_array_equal(weight, 1.0)


@every_coin
def test_coins_have_probabilities_that_fall_with_the_level(cls):
    rule, sizes = build(cls), jnp.abs(SCORES)
    levels = jnp.linspace(*rule.levels(jnp.min(sizes), jnp.max(sizes)), 20)[1:]
    chances = jax.vmap(lambda level: rule.inclusion(sizes, level))(levels)
    assert jnp.all((chances >= 0.0) & (chances <= 1.0))
    assert jnp.all(jnp.diff(chances, axis=0) <= 0.0)
    means = jnp.mean(chances, axis=1)
    assert means[0] > rule.fraction >= means[-1]
    if rule.unbiased:
        weights = jax.vmap(lambda level: rule.weight(sizes, level))(levels)
        np.testing.assert_allclose(weights * chances, 1.0, rtol=1e-15)


@every_coin
def test_coins_are_smooth_between_their_breakpoints(cls):
    """Second differences are second derivatives, but across a kink."""
    rule, level = build(cls), jnp.asarray(0.7)
    kinks = jnp.stack(rule.breakpoints(level))
    places = jnp.linspace(0.2, 3.0, 4001)
    values, step = rule.inclusion(places, level), places[1] - places[0]
    bends = (values[2:] - 2.0 * values[1:-1] + values[:-2]) / step**2
    slopes = jax.grad(jax.grad(lambda score: rule.inclusion(score, level)))
    far = jnp.all(jnp.abs(places[1:-1, None] - kinks[None, :]) > 2.0 * step, axis=1)
    gaps = jnp.abs(bends - jax.vmap(slopes)(places[1:-1]))
    assert jnp.max(jnp.where(far, gaps, 0.0)) < 1e-3
    assert jnp.max(gaps) > 10.0


@given(st.floats(-3.0, 3.0))
def test_easiest_is_hardest_of_minus_the_score(level):
    level = jnp.asarray(level)
    np.testing.assert_array_equal(
        EASIEST.inclusion(SCORES, level), HARDEST.inclusion(-SCORES, -level)
    )
    np.testing.assert_array_equal(EASIEST.priority(SCORES), HARDEST.priority(-SCORES))


def test_easiest_selects_what_hardest_of_minus_the_score_selects():
    key = jax.random.key(0)
    easiest, hardest = (
        nfl.select(key, rule, scores, 300)
        for rule, scores in ((EASIEST, SCORES), (HARDEST, -SCORES))
    )
    np.testing.assert_array_equal(easiest, hardest)


def test_random_ignores_the_scores():
    rule, key = nfl.pruning.KeepRandom(0.3), jax.random.key(0)
    chosen = nfl.select(key, rule, SCORES, 300)
    np.testing.assert_array_equal(chosen, nfl.select(key, rule, jnp.zeros_like(SCORES), 300))
    np.testing.assert_array_equal(rule.inclusion(SCORES, jnp.asarray(0.0)), 0.3)


@pytest.mark.parametrize("hardest", [True, False])
def test_a_calibration_selects_its_top_and_a_fair_sample_of_the_rest(hardest):
    rule = nfl.pruning.SoftCalibration(0.3, 0.25, hardest=hardest)
    keys = jax.random.split(jax.random.key(0), 2000)
    chosen = np.asarray(jax.vmap(lambda key: nfl.select(key, rule, SCORES[:40], 12))(keys))
    order = np.argsort(np.asarray(rule.priority(SCORES[:40])))[::-1]
    assert all(len(set(one)) == 12 for one in chosen)
    assert all(set(order[:3]) <= set(one) for one in chosen)
    counts = np.bincount(chosen.ravel(), minlength=40)[order[3:]]
    # Of 37 samples 9 are drawn: a binomial count each, at 1e-6 over all of them.
    share = 9 / 37
    sigma = np.sqrt(len(keys) * share * (1 - share))
    assert np.max(np.abs(counts - len(keys) * share)) < 5.7 * sigma


def test_the_pruned_loss_of_an_exact_calibration_is_unbiased_for_that_of_all_samples():
    """Whatever the losses are, here the scores' own squares; the soft one is biased."""
    keys, scored = jax.random.split(jax.random.key(0), 4000), SCORES[:40]
    gaps = {}
    for cls in (nfl.pruning.ExactCalibration, nfl.pruning.SoftCalibration):
        rule = cls(0.3, 0.25)
        quota = rule.quota(40)
        weights = jnp.where(jnp.arange(12) < quota.top, 1.0, quota.rest_weight)
        chosen = jax.vmap(lambda key, rule=rule: nfl.select(key, rule, scored, 12))(keys)
        losses = scored[chosen] ** 2 @ weights / jnp.sum(weights)
        sem = float(jnp.std(losses)) / len(keys) ** 0.5
        gaps[cls] = float(jnp.mean(losses) - jnp.mean(scored**2)) / sem
    assert abs(gaps[nfl.pruning.ExactCalibration]) < 4.9  # false alarm 1e-6
    assert gaps[nfl.pruning.SoftCalibration] > 20.0


@pytest.mark.parametrize("cls", [nfl.pruning.ExactCalibration, nfl.pruning.SoftCalibration])
def test_a_calibration_counts_whole_samples(cls):
    rule = cls(0.3, 0.4)
    quota = rule.quota(101)
    assert (quota.top, quota.rest) == (12, 19)
    assert quota.rest_weight == (89 / 19 if cls is nfl.pruning.ExactCalibration else 1.0)
    realised = rule.realised(101)
    assert float(realised.fraction) == 31 / 101
    assert float(realised.mixing) == 12 / 31


def test_an_exact_calibration_needs_a_rest():
    with pytest.raises(ValueError, match=r"mixing=0\.9 leaves none of the 3 samples"):
        nfl.pruning.ExactCalibration(0.3, 0.9).quota(10)
    assert nfl.pruning.ExactCalibration(1.0, 0.9).quota(10).rest_weight == 1.0


@pytest.mark.parametrize("mixing", [-0.1, 1.0, float("nan")])
@pytest.mark.parametrize("cls", [nfl.pruning.ExactCalibration, nfl.pruning.SoftCalibration])
def test_mixing_lies_below_one(cls, mixing):
    with pytest.raises(ValueError, match=r"mixing must lie in \[0, 1\), got"):
        cls(0.3, mixing)
