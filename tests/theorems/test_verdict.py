"""Verdicts: intervals, families of claims, and the harness itself."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nfl_sim.theorems import at_least, equal, holm, undecided, until_decided


def claim(margin, sem=1.0, **rest):
    return at_least("T0", "a claim", margin, sem, **rest)


@pytest.mark.parametrize(
    ("margin", "outcome"), [(-6.0, "violated"), (0.0, "inconclusive"), (6.0, "holds")]
)
def test_an_interval_decides(margin, outcome):
    assert claim(margin).outcome == outcome


def test_the_resolution_decides_what_is_on_the_bound():
    assert claim(0.0, 0.1, resolution=1.0).outcome == "holds"
    assert claim(0.0, 1.0, resolution=1.0).outcome == "inconclusive"
    assert claim(-1e-9, 0.0).outcome == "violated"


@pytest.mark.parametrize(
    ("gap", "sem", "outcome"),
    [(0.1, 0.05, "holds"), (0.1, 0.5, "inconclusive"), (-3.0, 0.5, "violated")],
)
def test_equality(gap, sem, outcome):
    assert equal("T0", "a claim", gap, sem, resolution=1.0).outcome == outcome


@given(st.sampled_from([float("nan"), float("inf"), -float("inf")]))
def test_what_is_not_finite_is_undecided(value):
    found = claim(value)
    assert found.outcome == "inconclusive"
    assert str(value) in found.reason
    assert equal("T0", "a claim", 0.0, value, resolution=1.0).outcome == "inconclusive"


def test_false_alarms_are_at_most_as_stated():
    """Of 20000 true claims on the bound, at 1 %; false alarm of the test 1e-6."""
    margins = np.random.default_rng(0).normal(size=20_000)
    alarms = sum(claim(m, false_alarm=0.01).outcome == "violated" for m in margins)
    assert alarms <= stats.binom.isf(1e-6, 20_000, 0.01)
    assert alarms >= stats.binom.isf(1.0 - 1e-6, 20_000, 0.01)


def test_holm_controls_the_family():
    """2000 families of ten true claims on the bound, at 5 %: too few of them have an alarm."""
    draws = np.random.default_rng(1).normal(size=(2000, 10))
    families = [holm([claim(m) for m in row], 0.05) for row in draws]
    alarms = sum(any(v.outcome == "violated" for v in family) for family in families)
    assert alarms <= stats.binom.isf(1e-6, 2000, 0.05)
    assert alarms >= 0.5 * 0.05 * 2000


def test_holm_steps_down_and_leaves_out_what_has_no_margin():
    family = [claim(-4.0), claim(-2.4), claim(9.0), undecided("T0", "a claim", "no")]
    found = holm(family, 0.02)
    assert [v.outcome for v in found] == ["violated", "violated", "holds", "inconclusive"]
    assert stats.norm.cdf(-2.4) > 0.02 / 3  # Bonferroni would not have seen the second
    assert found[3] == family[3]
    with pytest.raises(ValueError, match=r"must lie in \(0, 1\), got 2"):
        holm(family, 2.0)


def test_draws_are_raised_until_it_decides_or_the_budget_is_spent():
    asked = []

    def check(count):
        asked.append(count)
        return claim(1.0, 100.0 / count)

    assert until_decided(check, 100, 10_000).outcome == "holds"
    assert asked == [100, 400, 1600]
    spent = until_decided(check, 100, 200)
    assert spent.outcome == "inconclusive"
    assert "budget of 200 draws spent" in spent.reason


def test_a_verdict_prints_on_one_line():
    found = dataclasses.replace(claim(6.0), reason="because")
    assert str(found) == "T0 holds: a claim; margin 6 ± 1; because"
