"""The harness is tested too: a theory that is a little wrong must be rejected.

One ladder of simulations, of a problem whose 1/n term is mostly that of the random threshold.
"""

import equinox as eqx
import jax.numpy as jnp
import pytest

import nfl_sim as nfl
from tests.agreement import DIM, FRACTION, SIZES, ladder
from tests.strategies import example_problem

REGIME = nfl.FixedDimension(DIM)
PROBLEM = example_problem(
    rule=nfl.pruning.KeepEasiest, fraction=FRACTION, angle=0.0, norm=2.0, noise_std=0.3
)


@pytest.fixture(scope="module")
def truth():
    return nfl.predict(PROBLEM, REGIME)


@pytest.fixture(scope="module")
def runs():
    return ladder(PROBLEM, dim=DIM, sizes=SIZES, num_replicates=12_000)


def verdict(truth, runs, **wrong):
    changed = truth
    for name, value in wrong.items():
        changed = eqx.tree_at(lambda p, name=name: getattr(p, name), changed, value)
    return nfl.compare(changed, runs).verdict


def threshold_term(fraction, step=1e-3):
    """(1 - r) l' + r (1 - r) l'' / 2: what the random threshold adds to the coefficient."""
    low, mid, high = (
        float(nfl.predict(with_fraction(fraction + k * step), REGIME).excess_risk)
        for k in (-1, 0, 1)
    )
    slope, curvature = (high - low) / (2 * step), (high - 2 * mid + low) / step**2
    return (1 - fraction) * (slope + 0.5 * fraction * curvature)


def with_fraction(fraction):
    return eqx.tree_at(lambda p: p.rule.fraction, PROBLEM, jnp.asarray(fraction))


def test_the_truth_is_accepted(truth, runs):
    assert nfl.compare(truth, runs).verdict == "agree"


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_a_limit_off_by_one_percent_is_rejected(truth, runs, factor):
    assert verdict(truth, runs, excess_risk=factor * truth.excess_risk) == "disagree"


def test_a_coefficient_without_the_threshold_is_rejected(truth, runs):
    wrong = truth.finite_size - threshold_term(FRACTION)
    assert verdict(truth, runs, finite_size=wrong) == "disagree"


def test_a_coefficient_of_the_variance_alone_is_rejected(truth, runs):
    assert verdict(truth, runs, finite_size=jnp.trace(truth.covariance)) == "disagree"


@pytest.mark.parametrize("factor", [-1.0, 10.0])
def test_a_grossly_wrong_coefficient_is_never_accepted(truth, runs, factor):
    assert verdict(truth, runs, finite_size=factor * truth.finite_size) != "agree"
