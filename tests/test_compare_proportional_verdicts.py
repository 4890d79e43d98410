"""The comparison as n and d grow together: refusals, doubts, existence, and a real ladder."""

import importlib
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import nfl_sim as nfl
from tests.growing import DIMS, RATIO, REGIME, closed_form, expansion, grown
from tests.strategies import example_problem
from tests.synthetic import EXACT, separable, synthetic

PREDICTION = closed_form(EXACT, REGIME)
NOBODY = eqx.tree_at(lambda p: p.exists, PREDICTION, jnp.asarray(False))
FAR = (8, 32, 64, 128)


@pytest.fixture(autouse=True)
def theory(monkeypatch):
    """The closed form answers for `predict`, but for fractions above one half."""

    def predict(problem, regime):
        found = closed_form(problem, regime)
        known = problem.rule.fraction <= 0.5
        risk = jnp.where(known, found.excess_risk, jnp.nan)
        return eqx.tree_at(lambda p: p.excess_risk, found, risk)

    monkeypatch.setattr(importlib.import_module("nfl_sim.compare.moved"), "predict", predict)


def one(dim, num_samples, problem=EXACT):
    return synthetic(num_samples, 0.5, 0.01, problem, dim=dim)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "at least one simulation"),
        (grown([0.5] * 2, dims=(32, 64)), r"Proportional needs .* 3 or more distinct dim .*32, 64"),
        (grown([0.5] * 3, dims=(32, 32, 64)), r"3 or more distinct dim .*\[32, 64\]"),
        (grown([0.5] * 3, problem=example_problem()), "another problem"),
        ([one(32, 257)], "sample_ratio=8, but simulated num_samples=257 at dim=32.*= 256, rounded"),
        ([one(32, 255)], "num_samples must be sample_ratio"),
        ([one(64, 256)], "= 512"),
    ],
)
def test_refusals(runs, message):
    with pytest.raises(ValueError, match=message):
        nfl.compare(PREDICTION, runs)


@pytest.mark.parametrize(("num_samples", "fits"), [(264, False), (265, True), (266, False)])
def test_the_number_of_samples_is_the_rounded_one(num_samples, fits):
    """8.02 * 33 = 264.66."""
    prediction = closed_form(EXACT, nfl.Proportional(8.02))
    runs = [one(33, num_samples), one(50, 401), one(100, 802)]
    if fits:
        assert nfl.compare(prediction, runs).verdict == "agree"
    else:
        with pytest.raises(ValueError, match="at dim=33"):
            nfl.compare(prediction, runs)


def test_half_a_sample_may_be_rounded_either_way():
    prediction = closed_form(EXACT, nfl.Proportional(8.5))
    for num_samples in (280, 281):
        runs = [one(33, num_samples), one(50, 425), one(100, 850)]
        assert nfl.compare(prediction, runs).verdict == "agree"


def test_a_prediction_without_a_finite_risk_is_refused():
    """As given, and at the fractions that were really kept: 43 of 85 are more than one half."""
    blank = eqx.tree_at(lambda p: p.excess_risk, PREDICTION, jnp.asarray(jnp.nan))
    with pytest.raises(ValueError, match="has no excess risk"):
        nfl.compare(blank, grown([0.5] * 3))
    half = example_problem(nfl.scores.Uniform, fraction=0.5)
    runs = [one(dim, n, half) for dim, n in ((17, 85), (34, 170), (68, 340))]
    with pytest.raises(ValueError, match=r"no finite excess risk .* m/n=0.505882 and n/d=5"):
        nfl.compare(closed_form(half, nfl.Proportional(5.0)), runs)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"failed": 2}, "6 of 3000 replicates failed"),
        ({"trustworthy": False}, "infinite variance"),
        ({"sems": 0.1}, r"standard error 0.33 is not small against 0.5"),
    ],
)
def test_inconclusive(changes, reason):
    found = nfl.compare(PREDICTION, grown(expansion(PREDICTION, 1.0), **changes))
    assert found.verdict == "inconclusive"
    assert re.search(reason, found.reason)


def test_sizes_that_do_not_fit_the_rate_are_inconclusive():
    """Three terms go through any three sizes; a fourth, too small for the expansion, tells."""
    terms = (-3.0, 50.0, 100.0)
    found = nfl.compare(PREDICTION, grown(expansion(PREDICTION, *terms, dims=FAR), dims=FAR))
    assert found.verdict == "inconclusive"
    assert "do not fit the rate" in found.reason
    fine = nfl.compare(PREDICTION, grown(expansion(PREDICTION, *terms[:2], dims=FAR), dims=FAR))
    assert fine.verdict == "agree"


@pytest.mark.parametrize(
    ("counts", "verdict", "reason"),
    [
        ((500, 900, 980), "agree", "rises from 0.5 to 0.98"),
        ((700, 720, 750), "inconclusive", "neither near 1"),
        ((1000, 980, 900), "inconclusive", "falls"),
        ((550, 300, 100), "disagree", "less than half"),
    ],
)
def test_existence_is_judged_over_dims(counts, verdict, reason):
    """Two samples are kept a dimension, which at fixed dimension would be too few."""
    runs = [separable(run, count) for run, count in zip(grown([1.0] * 3), counts, strict=True)]
    for order in (runs, runs[::-1]):
        found = nfl.compare(NOBODY, order)
        assert (found.verdict, reason in found.reason) == (verdict, True)
        assert (found.predicted, found.limit) == (1.0, counts[-1] / 1000)


def test_existence_needs_dims_too():
    runs = [separable(run, 1000) for run in grown([1.0] * 2, dims=DIMS[:2])]
    with pytest.raises(ValueError, match="3 or more distinct dim"):
        nfl.compare(NOBODY, runs)


def test_a_real_ladder():
    """Least squares at d = 8, 16, 32, against its limit and against that of fixed dimension."""
    root = jax.random.key(3)
    runs = [
        nfl.simulate(
            jax.random.fold_in(root, dim),
            EXACT,
            dim=dim,
            num_samples=int(2 * RATIO * dim),
            num_replicates=2000,
        )
        for dim in (8, 16, 32)
    ]
    truth = closed_form(EXACT, nfl.Proportional(2 * RATIO))
    assert nfl.compare(truth, runs).verdict == "agree"
    classical = 0.75 * truth.excess_risk  # sigma^2 / kappa, where 1 / (kappa - 1) is right
    wrong = eqx.tree_at(lambda p: p.excess_risk, truth, classical)
    assert nfl.compare(wrong, runs).verdict == "disagree"
