"""Runs that stop at a standard error, and runs that go on from earlier ones."""

import itertools
import math

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim.simulation import blocks
from nfl_sim.simulation.result import CAUSES, QUANTITIES, Moments
from nfl_sim.simulation.stopping import Target
from tests.agreement import CRITICAL
from tests.strategies import example_problem

KEY = jax.random.key(11)
PROBLEM = example_problem(fraction=0.3)
SIZES = {"dim": 3, "num_samples": 40}
BUDGET = 64 * blocks.replicate_bytes(blocks.shape_of(PROBLEM, 3, 40)[0])


def simulate(count, **changes):
    options = SIZES | {"memory_budget": BUDGET, "num_replicates": count}
    return nfl.simulate(KEY, PROBLEM, **(options | changes))


def same(one, other, rtol=1e-12):
    assert (one.num_replicates, one.moments.count) == (other.num_replicates, other.moments.count)
    np.testing.assert_allclose(one.moments.mean, other.moments.mean, rtol)
    np.testing.assert_allclose(one.moments.m2, other.moments.m2, rtol)
    np.testing.assert_array_equal(one.moments.failed, other.moments.failed)


@pytest.fixture(scope="module")
def whole():
    return simulate(1000)


@pytest.fixture(scope="module")
def stopped(whole):
    """Aims at what a few hundred replicates give."""
    return simulate(1000, target_sem=whole.excess_risk.sem * math.sqrt(1000 / 300))


def test_a_run_stops_once_its_target_is_reached(whole, stopped):
    target = whole.excess_risk.sem * math.sqrt(1000 / 300)
    assert stopped.reached is True
    assert whole.reached is None
    assert stopped.excess_risk.sem <= target
    looks = list(Target("excess_risk", target).looks(0, 1000))
    place = looks.index(stopped.num_replicates)
    assert place > 1
    assert simulate(looks[place - 1]).excess_risk.sem > target
    same(stopped, simulate(stopped.num_replicates))


def test_where_it_stops_does_not_depend_on_the_blocks(whole, stopped):
    target = whole.excess_risk.sem * math.sqrt(1000 / 300)
    budget = BUDGET // 64 * 1000
    same(simulate(1000, target_sem=target, memory_budget=budget), stopped, rtol=1e-4)


def test_a_budget_that_is_too_small_gives_its_result_marked():
    run = simulate(100, target_sem=1e-9)
    assert run.reached is False
    same(run, simulate(100))


def test_the_target_may_be_another_quantity(whole):
    target = whole.norm.sem * math.sqrt(1000 / 200)
    run = simulate(1000, target_sem=target, quantity="norm")
    assert run.reached
    assert run.norm.sem <= target
    assert run.num_replicates < 1000
    assert simulate(128, target_sem=1.0, quantity="margin").reached is False  # nan: no meaning


@pytest.mark.parametrize("steps", [(64, 128, 1000), (500, 501, 1000), (1000, 1000)])
def test_extended_runs_are_one_run(whole, steps):
    run = None
    for count in steps:
        run = simulate(count, start=run)
    same(run, whole, rtol=1e-6)


def test_an_extension_draws_only_what_is_new(monkeypatch, whole):
    drawn, original = [], blocks.outcomes

    def counting(key, problem, quota, indices, *rest):
        drawn.extend(map(int, indices))
        return original(key, problem, quota, indices, *rest)

    monkeypatch.setattr(blocks, "outcomes", counting)
    simulate(1064, start=whole)
    assert drawn == list(range(1000, 1064))
    assert simulate(1000, start=whole).moments is whole.moments
    assert len(drawn) == 64


def test_an_extension_stops_where_one_run_does(whole, stopped):
    target = whole.excess_risk.sem * math.sqrt(1000 / 300)
    same(simulate(1000, target_sem=target, start=simulate(100)), stopped, rtol=1e-6)
    enough = simulate(1000, target_sem=target, start=stopped)
    assert enough.reached
    same(enough, stopped)


BAD_STARTS = {
    "another key": {"key": jax.random.key(12)},
    "another problem": {"problem": example_problem(fraction=0.3, norm=0.9)},
    "another size": {"num_samples": 41},
    "another dimension": {"dim": 2},
}


@pytest.mark.parametrize("other", BAD_STARTS.values(), ids=BAD_STARTS)
def test_a_run_is_not_extended_by_another(whole, other):
    given = {"key": KEY, "problem": PROBLEM, "num_replicates": 2000} | SIZES
    with pytest.raises(ValueError, match="start must be a run with the same key"):
        nfl.simulate(**(given | other), start=whole)


def test_bad_targets_and_starts_are_named(whole):
    for value in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="target_sem"):
            simulate(200, target_sem=value)
    with pytest.raises(ValueError, match=r"quantity must be one of.*got 'risk'"):
        simulate(200, target_sem=1.0, quantity="risk")
    with pytest.raises(ValueError, match="at least the 1000 of start, got 200"):
        simulate(200, start=whole)


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_looks_are_on_one_grid_wherever_a_run_starts(start, more):
    stop, target = start + more, Target("norm", 1.0)
    looks = list(target.looks(start, stop))
    assert looks[-1] == stop
    assert all(start < one < other for one, other in itertools.pairwise(looks))
    grid = set(target.looks(0, 10**9))
    assert set(looks[:-1]) == {look for look in grid if start < look < stop}


def test_stopping_hardly_favours_small_standard_errors():
    """500 runs of normal values, stopped: |mean| <= 2 sem nearly as often as promised.

    Of fixed runs that share is 0.954; stopping is allowed to take 0.01 from it.
    """
    rng, target = np.random.default_rng(0), Target("excess_risk", 0.05)
    hits = sum(_covers(rng.standard_normal(2000), target) for _ in range(500))
    share, error = hits / 500, math.sqrt(0.954 * 0.046 / 500)
    assert 0.944 - CRITICAL * error < share < 0.954 + CRITICAL * error


def _covers(values, target):
    total, width = Moments.empty(), len(QUANTITIES)
    for low, high in zip((0, *target.looks(0, 2000)), target.looks(0, 2000), strict=False):
        part = values[low:high]
        spread = np.full(width, len(part) * part.var())
        found = Moments(len(part), np.full(width, part.mean()), spread, np.zeros(len(CAUSES), int))
        total = total.merge(found)
        if target.is_reached(total):
            break
    estimate = total.estimate("excess_risk")
    return abs(estimate.mean) <= 2.0 * estimate.sem
