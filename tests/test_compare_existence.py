"""The comparison where no student is predicted: the share of replicates without one tends to 1."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.shares import Shares
from tests.agreement import FALSE_ALARM, ladder
from tests.strategies import example_problem
from tests.synthetic import COUNT, LIMIT, PROBLEM, SIZES, separable, synthetic


@pytest.fixture(scope="module")
def nobody():
    return eqx.tree_at(lambda p: p.exists, nfl.predict(PROBLEM, LIMIT), jnp.asarray(False))


def runs(*counts, sizes=SIZES, **changes):
    """Simulations in which so many of 1000 replicates are separable."""
    plain = [synthetic(size, 1.0, 0.1, **changes) for size in sizes]
    return [separable(run, count) for run, count in zip(plain, counts, strict=True)]


@pytest.mark.parametrize(
    ("counts", "verdict", "reason"),
    [
        ((1000, 1000, 1000), "agree", "rises from 1 to 1"),
        ((500, 900, 980), "agree", "rises"),
        ((550, 750, 900), "agree", "rises"),  # the rest has halved
        ((700, 720, 750), "inconclusive", "neither near 1"),
        ((1000, 980, 900), "inconclusive", "falls"),
        ((550, 510, 470), "inconclusive", "neither near 1"),  # not significantly below 1/2
        ((550, 300, 100), "disagree", "less than half"),
        ((0, 0, 0), "disagree", "less than half"),
        ((0, 100, 300), "disagree", "less than half"),
    ],
)
def test_verdicts(nobody, counts, verdict, reason):
    found = nfl.compare(nobody, runs(*counts))
    assert (found.verdict, reason in found.reason) == (verdict, True)
    share = counts[-1] / COUNT
    assert (found.predicted, found.limit) == (1.0, share)
    assert found.sem == pytest.approx(np.sqrt(share * (1 - share) / COUNT))
    assert np.isnan([found.z, found.rate, found.rate_sem, found.rate_z]).all()
    assert "nan" not in str(found)


def test_the_order_of_the_runs_does_not_matter_and_equal_sizes_are_pooled(nobody):
    found = nfl.compare(nobody, runs(900, 500, 980, 980, sizes=(800, 400, 1600, 1600)))
    assert (found.verdict, found.limit) == ("agree", 0.98)
    assert found.sem == pytest.approx(np.sqrt(0.98 * 0.02 / (2 * COUNT)))


def test_other_failures_are_inconclusive(nobody):
    broken = runs(900, 900, 900, failed=10)
    found = nfl.compare(nobody, broken)
    assert (found.verdict, found.reason) == ("inconclusive", "30 of 3000 replicates are undecided")


def test_few_samples_are_separable_by_chance(nobody):
    """In three dimensions, up to 11 kept."""
    few, enough = (runs(1000, 1000, 1000, sizes=sizes) for sizes in ((20, 32, 44), (20, 32, 48)))
    assert nfl.compare(nobody, few).verdict == "inconclusive"
    assert "11 samples are separable by chance" in nfl.compare(nobody, few).reason
    assert nfl.compare(nobody, enough).verdict == "agree"


def test_sizes_are_needed_as_for_any_limit(nobody):
    with pytest.raises(ValueError, match="3 or more distinct num_samples"):
        nfl.compare(nobody, runs(1000, 1000, sizes=(400, 800)))
    with pytest.raises(ValueError, match="another problem"):
        nfl.compare(nobody, runs(1, 1, 1, problem=example_problem(angle=0.1)))


def test_failures_of_an_existing_student_are_inconclusive():
    found = nfl.compare(nfl.predict(PROBLEM, LIMIT), runs(0, 0, 10))
    assert (found.verdict, found.reason) == ("inconclusive", "10 of 3000 replicates failed")


@pytest.mark.parametrize(("count", "total"), [(0, 50), (3, 50), (49, 50), (50, 50)])
def test_bounds_are_exact(count, total):
    """At a bound, so many or more, or fewer, have the probability asked for."""
    shares = Shares.of(np.array([count]), np.array([total]), 0.01)
    if count > 0:
        assert stats.binom.sf(count - 1, total, shares.lower[0]) == pytest.approx(0.01)
    if count < total:
        assert stats.binom.cdf(count, total, shares.upper[0]) == pytest.approx(0.01)
    assert 0.0 <= shares.lower[0] <= shares.values[0] <= shares.upper[0] <= 1.0


def test_false_alarms_are_at_most_as_stated(nobody):
    """A share of one half at the largest size, the worst case; false alarm of the test 1e-6."""
    draws, alpha = 1000, 0.02
    counts = np.random.default_rng(7).binomial(COUNT, 0.5, size=draws)
    alarms = [
        nfl.compare(nobody, runs(800, 700, count), false_alarm=alpha).verdict == "disagree"
        for count in counts
    ]
    assert 0 < sum(alarms) <= stats.binom.isf(FALSE_ALARM, draws, alpha)


@pytest.mark.parametrize(
    ("rule", "verdict"), [("KeepHardest", "agree"), ("KeepRandom", "disagree")]
)
def test_a_real_ladder(rule, verdict):
    """Kept are fewer than lie beyond the probe's boundary, or as many at random."""
    problem = nfl.Problem(
        nfl.models.Logistic(2.0),
        nfl.scores.EL2N(nfl.Probe(angle=0.6, norm=1.0)),
        getattr(nfl.pruning, rule)(0.2),
        nfl.learners.LogisticRegression(0.0),
    )
    nobody = nfl.Prediction(problem, nfl.FixedDimension(4), exists=jnp.asarray(False))
    runs = ladder(problem, dim=4, sizes=(80, 160, 320), num_replicates=500)
    assert nfl.compare(nobody, runs).verdict == verdict
