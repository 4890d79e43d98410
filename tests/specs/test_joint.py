"""Joint rules: a vertex balances what least squares sums up, and any rule can be run."""

from typing import ClassVar

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim import pruning
from nfl_sim.pruning import JointRule, balanced_subset, num_kept
from nfl_sim.pruning._base import fraction_field
from nfl_sim.validation import Scalar

DIM, SUMS = 3, 10
KEY = jax.random.key(4)
seeds = st.integers(0, 10**6)


def draw(seed, count, dim=DIM):
    """A misspecified, heavy-tailed process: nothing of the free lunch needs a model."""
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(count, dim)) + 0.5
    return covariates, covariates[:, 0] ** 2 + rng.standard_t(6, size=count)


def least_squares(covariates, labels):
    return np.linalg.lstsq(covariates, labels, rcond=None)[0]


def kept_by(fraction, covariates, labels, key=KEY):
    return pruning.BalancedVertex(fraction).select(key, covariates, labels, np.zeros(len(labels)))


@settings(max_examples=15)
@given(seed=seeds, size=st.integers(6, 200), spread=st.floats(1e-3, 1e3))
def test_the_mean_of_the_features_is_kept_up_to_the_rounding(seed, size, spread):
    features = np.random.default_rng(seed).standard_cauchy(size=(200, 5)) * spread
    kept = balanced_subset(jax.random.key(seed), features, size)
    assert (len(kept), len(np.unique(kept))) == (size, size)
    centred = features - np.mean(features, axis=0)
    # Each of the 6 entries that are not whole is rounded by less than 1.
    room = 6.0 * np.max(np.abs(centred), axis=0) * (1.0 + 1e-5)
    assert np.all(np.abs(np.sum(centred[kept], axis=0)) <= room)


@settings(max_examples=15)
@given(seed=seeds, fraction=st.floats(0.15, 1.0))
def test_least_squares_is_that_of_all_rows_up_to_the_bound(seed, fraction):
    """|w_S - w| <= p max|x e| / (r lambda_min(X'X) - p max|x|^2), whatever the process."""
    covariates, labels = draw(seed, 400)
    kept = kept_by(fraction, covariates, labels, jax.random.key(seed))
    assert len(kept) == num_kept(fraction, 400)
    full = least_squares(covariates, labels)
    gap = np.linalg.norm(least_squares(covariates[kept], labels[kept]) - full)
    lengths = np.linalg.norm(covariates, axis=1)
    pushes = lengths * np.abs(labels - covariates @ full)
    inside = np.linalg.eigvalsh(covariates[kept].T @ covariates[kept])[0]
    assert gap <= SUMS * np.max(pushes) / inside * (1.0 + 1e-6)


def distances(count, repeats=6, fraction=0.1):
    """Mean distance to least squares on all rows, of a vertex and of random rows."""
    found = []
    for seed in range(repeats):
        covariates, labels = draw(seed, count)
        full = least_squares(covariates, labels)
        random = np.random.default_rng(seed).permutation(count)[: num_kept(fraction, count)]
        pair = kept_by(fraction, covariates, labels, jax.random.key(seed)), random
        found.append([np.linalg.norm(least_squares(covariates[k], labels[k]) - full) for k in pair])
    return np.mean(found, axis=0)


def test_the_free_lunch():
    """n times the distance stays where it is from 400 to 6400; of random rows it grows as n^1/2."""
    scaled = np.array([n * distances(n) for n in (400, 1600, 6400)])
    vertex, random = scaled.T
    assert np.max(vertex) < 3.0 * np.min(vertex)
    assert vertex[2] < 0.2 * random[2]
    assert random[2] > 2.0 * random[0]


def test_it_scales_to_the_largest_of_the_sizes():
    """21 sums over 6400 rows, r = 0.1: exactly 640 kept, and a distance of some 45/n."""
    rng = np.random.default_rng(0)
    covariates = rng.normal(size=(6400, 5))
    labels = covariates[:, 0] + rng.normal(size=6400)
    kept = kept_by(0.1, covariates, labels)
    assert len(np.unique(kept)) == 640
    gap = least_squares(covariates[kept], labels[kept]) - least_squares(covariates, labels)
    assert np.linalg.norm(gap) < 200.0 / 6400


def test_a_vertex_is_found_again_by_another_route():
    """A walk along null vectors from r 1 ends where all but p entries are whole (Caratheodory)."""
    covariates, labels = draw(0, 60)
    features = np.column_stack([np.ones(60), pruning._balanced.moments(covariates, labels)])
    shares, free = np.full(60, 0.5), np.arange(60)
    while len(free) > SUMS:
        step = np.linalg.svd(features[free].T)[2][-1]
        room = np.where(step > 0.0, 1.0 - shares[free], shares[free]) / np.abs(step)
        shares[free] += np.min(room) * step
        free = free[np.abs(shares[free] - np.round(shares[free])) > 1e-9]
    walked = np.argsort(-shares)[:30]
    for kept in (walked, kept_by(0.5, covariates, labels)):
        sums = np.sum(features[kept], axis=0) - 0.5 * np.sum(features, axis=0)
        assert np.all(np.abs(sums) <= SUMS * np.max(np.abs(features), axis=0))


def test_features_that_repeat_or_vanish_are_balanced_once():
    rng = np.random.default_rng(1)
    one = rng.normal(size=(50, 1))
    features = np.concatenate([one, 2.0 * one, np.zeros((50, 1)), np.ones((50, 1))], axis=1)
    assert len(balanced_subset(KEY, features, 2)) == 2
    with pytest.raises(ValueError, match="2 sums can be balanced by 2 to 50 of 50 rows, got 1"):
        balanced_subset(KEY, features, 1)


def test_a_solver_without_a_vertex_is_named(monkeypatch):
    class Nothing:
        x, success, message = None, False, "time limit reached"

    monkeypatch.setattr(pruning._balanced.optimize, "linprog", lambda *args, **kwargs: Nothing)
    with pytest.raises(ValueError, match="no vertex with 3 of 9 rows was found: time limit"):
        balanced_subset(KEY, np.arange(9.0)[:, None], 3)
    Nothing.x, Nothing.success = np.full(9, 0.5), True
    with pytest.raises(ValueError, match="9 of the entries are not whole, and 2 may be"):
        balanced_subset(KEY, np.arange(9.0)[:, None], 3)


def problem(rule):
    model, score = nfl.models.Linear(1.0, 1.0), nfl.scores.Uniform()
    return nfl.Problem(model, score, rule, nfl.learners.Ridge(0.0))


def simulate(rule, count=64, **options):
    sizes = dict(dim=DIM, num_samples=400, num_replicates=count)
    return nfl.simulate(KEY, problem(rule), **sizes, **options)


def test_simulation_pays_for_a_tenth_of_the_rows_and_gets_all():
    """At r = 0.1 the risk is near that of all rows, d/n; random pruning has ten times that."""
    found = simulate(pruning.BalancedVertex(0.1))
    assert (found.num_kept, sum(found.failed.values())) == (40, 0)
    assert np.isnan(found.threshold.mean)
    full, random = DIM / (400 - DIM - 1), DIM / (40 - DIM - 1)
    assert found.excess_risk.mean + 5.0 * found.excess_risk.sem < 0.5 * random
    assert found.excess_risk.mean > full - 5.0 * found.excess_risk.sem


def test_a_replicate_is_the_same_alone_and_in_a_block():
    rule = pruning.BalancedVertex(0.2)
    alone = [
        nfl.replicate(KEY, problem(rule), i, dim=DIM, num_samples=400)["excess_risk"]
        for i in range(2)
    ]
    together = simulate(rule, count=2)
    assert together.excess_risk.mean == pytest.approx(np.mean(alone), rel=1e-4)


class Given(JointRule):
    """Keep what the class is told to."""

    answer: ClassVar = None
    fraction: Scalar = fraction_field()

    def select(self, key, covariates, labels, scores):
        assert covariates.shape == (400, DIM)
        assert labels.shape == scores.shape == (400,)
        return np.asarray(type(self).answer)


def test_a_rule_of_ones_own_is_run_and_may_give_up(monkeypatch):
    monkeypatch.setattr(Given, "answer", np.arange(40))
    first = simulate(Given(0.1), count=2)
    assert sum(first.failed.values()) == 0
    monkeypatch.setattr(Given, "answer", np.arange(39))
    given_up = simulate(Given(0.1), count=2)
    assert given_up.failed["too_few_kept"] == 2


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (np.arange(41), "Given.select must return at most 40 distinct indices"),
        ([1, 1, 2], "Given.select must return at most 40 distinct indices"),
        ([0.5, 1.5], "Given.select must return at most 40 distinct indices"),
        ([[1, 2]], "Given.select must return at most 40 distinct indices"),
        ([0, 400], r"indices in \[0, 400\), got 0 to 400"),
        ([-1, 3], r"indices in \[0, 400\), got -1 to 3"),
    ],
)
def test_what_is_no_choice_is_refused(monkeypatch, answer, match):
    monkeypatch.setattr(Given, "answer", answer)
    with pytest.raises(ValueError, match=match):
        simulate(Given(0.1), count=2)


def test_every_theorem_on_pointwise_rules_says_that_this_is_none():
    for theorem in nfl.theorems.catalogue():
        if JointRule not in theorem.speaks_of:
            kinds = " or ".join(kind.__name__ for kind in theorem.speaks_of)
            found = theorem.check(problem(pruning.BalancedVertex(0.3)), DIM, KEY)
            assert found.outcome == "inconclusive"
            assert f"'a {kinds}' fails: BalancedVertex is none" in found.reason
