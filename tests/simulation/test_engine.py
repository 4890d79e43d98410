"""Many replicates: addressable, whatever the blocks; compiled once a shape; honest errors."""

import logging

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.learners import Learner
from nfl_sim.simulation.blocks import outcomes, replicate_bytes
from nfl_sim.simulation.replicate import shape_of
from nfl_sim.simulation.result import QUANTITIES
from tests.agreement import honest
from tests.strategies import example_problem

KEY = jax.random.key(7)
PROBLEM = example_problem(fraction=0.3)
SIZES = {"dim": 3, "num_samples": 40}
SHAPE, KEPT = shape_of(PROBLEM, 3, 40)
REPLICATES = 50


def simulate(problem=PROBLEM, key=KEY, **changes):
    return nfl.simulate(key, problem, **(SIZES | {"num_replicates": REPLICATES} | changes))


@pytest.fixture(scope="module")
def values():
    """Every quantity of every replicate, drawn at once."""
    found = outcomes(KEY, PROBLEM, jnp.asarray(KEPT), jnp.arange(REPLICATES), SHAPE).values
    return np.asarray(found)


@pytest.mark.parametrize("block", [50, 16, 1])
def test_blocks_change_nothing(values, block):
    """Also a last block that is partly filled: 50 = 3 * 16 + 2."""
    finished = []
    run = simulate(memory_budget=block * replicate_bytes(SHAPE), progress=finished.append)
    assert finished == [*range(block, REPLICATES, block), REPLICATES]
    assert run.moments.count == REPLICATES
    np.testing.assert_allclose(run.moments.mean, values.mean(axis=0), 1e-5)
    np.testing.assert_allclose(run.moments.m2, REPLICATES * values.var(axis=0), 1e-4)


def test_estimates_are_those_of_numpy(values):
    run = simulate()
    for name, column in zip(QUANTITIES, values.T, strict=True):
        estimate = getattr(run, name)
        assert estimate.num_replicates == REPLICATES
        assert estimate.mean == pytest.approx(column.mean(), rel=1e-12)
        assert estimate.sem == pytest.approx(column.std(ddof=1) / np.sqrt(REPLICATES), rel=1e-6)


def test_same_call_same_bits():
    assert eqx.tree_equal(simulate(), simulate())
    assert not eqx.tree_equal(simulate(), simulate(key=jax.random.key(8)))


def test_a_replicate_is_addressable(values):
    for index in (0, 17, 49):
        again = nfl.replicate(KEY, PROBLEM, index, **SIZES)
        np.testing.assert_allclose(list(again.values()), values[index], 1e-5)


def test_more_replicates_extend_the_same_sequence(values):
    run = simulate(num_replicates=16, memory_budget=16 * replicate_bytes(SHAPE))
    np.testing.assert_allclose(run.moments.mean, values[:16].mean(axis=0), 1e-5)


def test_one_compilation_a_shape(caplog):
    """Other values of every scalar, another fraction of the same bucket: nothing is compiled."""
    sizes = {"num_samples": 44, "num_replicates": 10}

    def compilations(problem):
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            simulate(problem, **sizes)
        return sum("XLA compilation of jit(_block_stat" in line for line in caplog.messages)

    changed = example_problem(
        angle=1.1, norm=2.0, fraction=0.35, penalty=0.2, signal=3.0, noise_std=0.1
    )
    assert compilations(example_problem(fraction=0.3)) == 1  # 14 of 44: bucket 16
    assert compilations(changed) == 0  # 16 of 44
    assert compilations(example_problem(fraction=0.4)) == 1  # 18 of 44: bucket 32


@pytest.mark.parametrize(
    ("kept", "trustworthy"), [(6, False), (7, False), (8, True), (2, False), (0, None), (4, None)]
)
def test_heavy_tails_are_marked_or_refused(kept, trustworthy):
    """Least squares in 4 dimensions: mean infinite at |m - d| <= 1, variance at <= 3."""
    problem = example_problem(fraction=max(kept, 3) / 20 if trustworthy is None else kept / 20)
    sizes = {"dim": 4, "num_samples": 20, "num_replicates": 2}
    if trustworthy is None:
        with pytest.raises(ValueError, match="infinite"):
            simulate(problem, **sizes)
    else:
        assert simulate(problem, **sizes).excess_risk.trustworthy == trustworthy


def test_a_penalty_tames_the_tails():
    run = simulate(example_problem(fraction=0.2, penalty=0.1), dim=4, num_samples=20)
    assert run.num_kept == 4
    assert run.excess_risk.trustworthy


class Fragile(Learner):
    """Diverges when its first label is positive; fits the first row otherwise."""

    def fit(self, covariates, labels, weights, *, underdetermined=None):
        return jnp.where(labels[0] > 0.0, jnp.nan, covariates[0].astype(jnp.float64))

    def training_loss(self, student, covariates, labels, weights):
        return jnp.zeros(())


def test_failures_are_counted_and_left_out():
    problem = eqx.tree_at(lambda p: p.learner, PROBLEM, Fragile())
    run = simulate(problem, memory_budget=16 * replicate_bytes(SHAPE))
    each = [nfl.replicate(KEY, problem, i, **SIZES)["excess_risk"] for i in range(REPLICATES)]
    good = np.isfinite(each)
    assert 0 < good.sum() < REPLICATES
    assert run.failed["diverged"] == sum(run.failed.values()) == REPLICATES - good.sum()
    assert run.excess_risk.num_replicates == good.sum()
    assert run.excess_risk.mean == pytest.approx(np.mean(np.array(each)[good]), rel=1e-5)


def test_standard_errors_are_honest():
    """The means of 300 disjoint groups scatter as their errors say; false alarm 1e-6."""
    keys = jax.random.split(jax.random.key(9), 300)
    risks = [simulate(key=key).excess_risk for key in keys]
    assert honest([r.mean for r in risks], [r.sem for r in risks])
