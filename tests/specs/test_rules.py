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

RULES = of_kind(PointwiseRule)
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
    kept = num_kept(float(rule.fraction), len(SCORES))
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
def test_plain_rules_weigh_one(cls):
    np.testing.assert_array_equal(build(cls).weight(SCORES, jnp.asarray(0.3)), 1.0)


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
