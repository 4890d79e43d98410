"""Many replicates: addressable, whatever the blocks; compiled once a shape; honest errors."""

import logging

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.learners import Fit, Learner
from nfl_sim.simulation.blocks import outcomes, replicate_bytes
from nfl_sim.simulation.engine import summarise
from nfl_sim.simulation.replicate import shape_of
from nfl_sim.simulation.result import QUANTITIES, Moments
from tests.agreement import honest
from tests.strategies import example_problem

KEY = jax.random.key(7)
PROBLEM = example_problem(fraction=0.3)
SIZES = {"dim": 3, "num_samples": 40}
ROWS = {"method": "rows"}
SHAPE, QUOTA = shape_of(PROBLEM, 3, 40)
REPLICATES = 50


def simulate(problem=PROBLEM, key=KEY, **changes):
    return nfl.simulate(key, problem, **(SIZES | ROWS | {"num_replicates": REPLICATES} | changes))


@pytest.fixture(scope="module")
def values():
    """Every quantity of every replicate, drawn at once."""
    found = outcomes(KEY, PROBLEM, QUOTA, jnp.arange(REPLICATES), SHAPE).values
    return np.asarray(found)


@pytest.mark.parametrize("block", [50, 16])
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
        assert estimate.mean == pytest.approx(column.mean(), rel=1e-12, nan_ok=True)
        sem = column.std(ddof=1) / np.sqrt(REPLICATES)
        assert estimate.sem == pytest.approx(sem, rel=1e-6, nan_ok=True)


def test_same_call_same_bits():
    one, same, other = (simulate(key=jax.random.key(seed)).moments for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.mean, same.mean)
    np.testing.assert_array_equal(one.m2, same.m2)
    assert not np.array_equal(one.mean, other.mean, equal_nan=True)


def test_a_replicate_is_addressable(values):
    for index in (0, 17, 49):
        again = nfl.replicate(KEY, PROBLEM, index, **SIZES, **ROWS)
        np.testing.assert_allclose(list(again.values()), values[index], 1e-5)


def test_more_replicates_extend_the_same_sequence(values):
    run = simulate(num_replicates=16, memory_budget=16 * replicate_bytes(SHAPE))
    np.testing.assert_allclose(run.moments.mean, values[:16].mean(axis=0), 1e-5)


def test_nothing_is_compiled_twice(caplog):
    """Other values of every scalar, another fraction of the same bucket: nothing is compiled."""

    def compilations(problem):
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            simulate(problem, num_samples=44)
        return sum("Finished XLA compilation" in line for line in caplog.messages)

    changed = example_problem(
        angle=1.1, norm=2.0, fraction=0.35, penalty=0.2, signal=3.0, noise_std=0.1
    )
    first = compilations(example_problem(fraction=0.3))  # 14 of 44: bucket 16
    assert compilations(changed) == 0  # 16 of 44
    other_bucket = compilations(example_problem(fraction=0.4))  # 18 of 44: bucket 32
    assert 0 < other_bucket < first  # the samples are drawn by the same code


@pytest.mark.parametrize("kept", [3, 4, 5])
def test_an_infinite_mean_is_refused(kept):
    with pytest.raises(ValueError, match=rf"infinite .*num_kept={kept} and dim=4"):
        simulate(example_problem(fraction=kept / 20), dim=4, num_samples=20)


@pytest.mark.parametrize("kept", [1, 2, 6, 7, 8])
@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_an_infinite_variance_is_marked(kept, penalty):
    """Least squares in 4 dimensions: |m - d| <= 3. A penalty tames the tails."""
    problem = example_problem(fraction=kept / 20, penalty=penalty)
    run = summarise(problem, 4, 20, 2, Moments.empty())
    assert run.num_kept == kept
    assert run.excess_risk.trustworthy == (penalty > 0.0 or abs(kept - 4) > 3)


def test_a_penalty_permits_as_many_rows_as_dimensions():
    run = simulate(example_problem(fraction=0.1, penalty=0.1), dim=4)
    assert run.num_kept == 4
    assert run.excess_risk.trustworthy
    assert np.isfinite(run.excess_risk.mean)


class Fragile(Learner):
    """Diverges when its first label is positive; fits the first row otherwise."""

    def fit(self, covariates, labels, weights, *, underdetermined=None):
        return Fit.of(jnp.where(labels[0] > 0.0, jnp.nan, covariates[0].astype(jnp.float64)))

    def training_loss(self, student, covariates, labels, weights):
        return jnp.zeros(())


def test_failures_are_counted_and_left_out():
    problem = eqx.tree_at(lambda p: p.learner, PROBLEM, Fragile())
    run = simulate(problem, memory_budget=16 * replicate_bytes(SHAPE))
    each = [
        nfl.replicate(KEY, problem, i, **SIZES, **ROWS)["excess_risk"] for i in range(REPLICATES)
    ]
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
