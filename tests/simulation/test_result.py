"""Statistics that merge exactly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nfl_sim.simulation.result import CAUSES, QUANTITIES, Moments

WIDTH = len(QUANTITIES)


def moments(values, failed=0):
    """Of rows of values, by numpy."""
    if len(values) == 0:
        return Moments(0, np.zeros(WIDTH), np.zeros(WIDTH), np.full(len(CAUSES), failed))
    spread = len(values) * values.var(axis=0)
    return Moments(len(values), values.mean(axis=0), spread, np.full(len(CAUSES), failed))


def samples():
    lengths = st.integers(0, 5)
    numbers = st.floats(-1e3, 1e3)
    return lengths.flatmap(lambda n: arrays(np.float64, (n, WIDTH), elements=numbers))


def same(one, other):
    assert one.count == other.count
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(one.m2, other.m2, rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(one.failed, other.failed)


@given(samples(), samples(), samples())
def test_merging_is_pooling_in_any_order(a, b, c):
    parts = [moments(values, failed=i) for i, values in enumerate((a, b, c))]
    pooled = moments(np.concatenate([a, b, c]), failed=3)
    same(parts[0].merge(parts[1]).merge(parts[2]), pooled)
    same(parts[0].merge(parts[1].merge(parts[2])), pooled)
    same(parts[2].merge(parts[0]).merge(parts[1]), pooled)


@given(samples())
def test_the_empty_statistics_are_neutral(values):
    found = moments(values, failed=1)
    same(Moments.empty().merge(found), found)
    same(found.merge(Moments.empty()), found)


def test_merging_is_stable_far_from_zero():
    values = 1e8 + np.random.default_rng(0).normal(size=(1000, WIDTH))
    total = Moments.empty()
    for part in np.split(values, 100):
        total = total.merge(moments(part))
    np.testing.assert_allclose(total.m2, 1000 * values.var(axis=0), rtol=1e-6)


def test_estimates_of_few():
    rows = np.arange(2.0 * WIDTH).reshape(2, WIDTH)
    none, one, two = (moments(rows[:k]).estimate("excess_risk") for k in range(3))
    assert none.num_replicates == 0
    assert math.isnan(none.mean)
    assert math.isnan(none.sem)
    assert one.mean == 0.0
    assert math.isnan(one.sem)
    assert two.mean == WIDTH / 2
    assert two.sem == pytest.approx(WIDTH / 2)  # |a - b| / 2
