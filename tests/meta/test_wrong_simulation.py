"""The harness is tested too: a simulator with one bug must be rejected.

A bug is a simulation of another problem that claims to be of this one.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.scores import PointwiseScore, Probe, Uniform
from tests.agreement import DIM, HALF, SMALL, fair, honest, ladder, relabel
from tests.strategies import example_problem

REGIME = nfl.FiniteSample(DIM, SMALL)
KEPT = int(HALF * SMALL)
PERFECT = example_problem(fraction=HALF, angle=0.0, norm=1.0)
RANDOM = example_problem(Uniform, nfl.pruning.KeepRandom, fraction=HALF)


class LargestLabel(PointwiseScore):
    """Uniform, but ties go to the largest label."""

    sees: ClassVar = frozenset({"label"})
    probe: Probe | None = None

    def __call__(self, view):
        return view.label


def verdict(claimed, really, **claims):
    (run,) = ladder(really, dim=DIM, sizes=(SMALL,), num_replicates=8000)
    return nfl.compare(nfl.predict(claimed, REGIME), [relabel(run, claimed, **claims)]).verdict


@pytest.mark.parametrize("problem", [PERFECT, RANDOM], ids=["perfect", "random"])
def test_the_truth_is_accepted(problem):
    assert verdict(problem, problem) == "agree"


def test_ties_to_the_largest_label_are_rejected():
    """Of a quarter: the upper half has, by symmetry, the moments of the whole."""
    claimed = eqx.tree_at(lambda p: p.rule.fraction, RANDOM, jnp.asarray(0.25))
    parts = LargestLabel(), nfl.pruning.KeepHardest(0.25)
    biased = eqx.tree_at(lambda p: (p.score, p.rule), claimed, parts)
    assert verdict(claimed, biased) == "disagree"


@pytest.mark.parametrize("extra", [-1, 1])
def test_one_sample_too_many_or_too_few_is_rejected(extra):
    kept = jnp.asarray((KEPT + extra) / SMALL)
    off_by_one = eqx.tree_at(lambda p: p.rule.fraction, PERFECT, kept)
    assert verdict(PERFECT, off_by_one, num_kept=KEPT) == "disagree"


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_a_wrong_noise_is_rejected(factor):
    noisy = eqx.tree_at(lambda p: p.model.noise_std, PERFECT, factor * PERFECT.model.noise_std)
    assert verdict(PERFECT, noisy) == "disagree"


def test_pruning_the_wrong_end_is_rejected():
    easiest = eqx.tree_at(lambda p: p.rule, PERFECT, nfl.pruning.KeepEasiest(HALF))
    assert verdict(PERFECT, easiest) == "disagree"


def test_dishonest_errors_are_rejected():
    """Standard errors that are half, or twice, what they should be."""
    draws = np.random.default_rng(2).normal(size=(300, 50))
    means, sems = draws.mean(axis=1), draws.std(axis=1, ddof=1) / np.sqrt(50)
    assert honest(means, sems)
    assert not honest(means, sems / 2)
    assert not honest(means, 2 * sems)


def test_replicates_that_repeat_are_rejected():
    """Groups that share half of their replicates scatter too little."""
    draws = np.random.default_rng(2).normal(size=(300, 50))
    draws[:, :25] = draws[0, :25]
    means, sems = draws.mean(axis=1), draws.std(axis=1, ddof=1) / np.sqrt(50)
    assert not honest(means, sems)


def counts(select):
    keys = jax.random.split(jax.random.key(0), 20_000)
    chosen = np.asarray(jax.vmap(select)(keys))
    return np.bincount(chosen.ravel(), minlength=12)


def test_unfair_ties_are_rejected():
    """One index in twelve that wins its ties a tenth more often, and ties by position."""
    rule = nfl.pruning.KeepRandom(0.5)

    def loaded(key):
        coin, lots = jax.random.split(key)
        bonus = jax.random.bernoulli(coin, 0.1) & (jnp.arange(12) == 0)
        return nfl.select(lots, nfl.pruning.KeepHardest(0.5), bonus.astype(jnp.float64), 6)

    assert fair(counts(lambda key: nfl.select(key, rule, jnp.zeros(12), 6)), 20_000, 6)
    assert not fair(counts(loaded), 20_000, 6)
    assert not fair(counts(lambda key: jnp.arange(6)), 20_000, 6)
