"""Verdicts: intervals, families of claims, and the harness itself."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nfl_sim.theorems import at_least, equal, holm, undecided, until_decided, worst


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


def test_rounds_share_the_false_alarm():
    """2000 true claims on the bound, each looked at in three rounds: at 5 %, Holm of one."""
    draws = iter(np.random.default_rng(2).normal(size=6000))
    alarms = 0
    for _ in range(2000):
        found = until_decided(lambda count: claim(next(draws)), 1, 16)
        assert found.looks == 3
        alarms += holm([found], 0.05)[0].outcome == "violated"
    assert alarms <= stats.binom.isf(1e-6, 2000, 0.05)


def test_the_worst_of_several_pays_for_all_of_them():
    """2000 families of six true claims, of which the worst is put to Holm at 5 %."""
    draws = np.random.default_rng(3).normal(size=(2000, 6))
    picked = [worst([claim(margin) for margin in row]) for row in draws]
    assert {verdict.looks for verdict in picked} == {6}
    assert [verdict.margin for verdict in picked] == pytest.approx(np.min(draws, axis=1))
    alarms = sum(holm([verdict], 0.05)[0].outcome == "violated" for verdict in picked)
    assert 0.5 * 0.05 * 2000 <= alarms <= stats.binom.isf(1e-6, 2000, 0.05)


def test_one_without_a_margin_is_worse_than_what_holds():
    family = [claim(9.0), undecided("T0", "a claim", "no"), claim(8.0)]
    assert worst(family) == family[1]
    assert worst([*family, claim(-9.0)]).outcome == "violated"


def test_an_equality_is_two_sided():
    found = equal("T0", "a claim", 2.5, 1.0, resolution=1.0)
    assert found.p_value == pytest.approx(2.0 * stats.norm.sf(2.5))


def test_few_degrees_of_freedom_widen_the_interval():
    """20000 means of four normals over their own standard errors, at 1 %."""
    rows = np.random.default_rng(4).normal(size=(20_000, 4))
    sems = np.std(rows, axis=1, ddof=1) / 2.0
    alarms = sum(
        claim(mean, sem, freedom=3.0, false_alarm=0.01).outcome == "violated"
        for mean, sem in zip(np.mean(rows, axis=1), sems, strict=True)
    )
    assert stats.binom.isf(1.0 - 1e-6, 20_000, 0.01) <= alarms
    assert alarms <= stats.binom.isf(1e-6, 20_000, 0.01)


def test_an_exact_margin_is_judged_by_the_resolution():
    assert claim(-0.5, 0.0, resolution=1.0).outcome == "holds"
    assert claim(-1.5, 0.0, resolution=1.0).outcome == "violated"
    assert [v.outcome for v in holm([claim(-1.5, 0.0, resolution=1.0)])] == ["violated"]


def test_a_verdict_prints_on_one_line():
    found = dataclasses.replace(claim(6.0), reason="because")
    assert str(found) == "T0 holds: a claim; margin 6 ± 1; because"
