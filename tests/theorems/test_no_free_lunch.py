"""T4 and T5: the adversaries are what they say, and no learner beats them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import nfl_sim as nfl
from nfl_sim import pruning, scores
from nfl_sim.theorems import (
    Adversaries,
    NoFreeLunch,
    adversary,
    catalogue,
    midpoint,
    risks,
    same_kept_law,
)
from nfl_sim.theorems.students import STUDENTS
from tests.theorems.problems import DIM, linear

KEY = jax.random.key(2)
PROBE = nfl.Probe(0.6, 1.3)
TEACHER = nfl.Probe(0.0, 1.0)
CASES = {
    "uncertainty, hardest": (scores.Uncertainty(PROBE), pruning.KeepHardest(0.2), 1.5),
    "uncertainty, easiest": (scores.Uncertainty(PROBE), pruning.KeepEasiest(0.2), 1.5),
    "residual, hardest": (scores.EL2N(TEACHER), pruning.KeepHardest(0.2), 1.1),
    "residual, easiest": (scores.EL2N(TEACHER), pruning.KeepEasiest(0.2), 1.5),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_what_is_kept_is_the_same_and_what_is_not_differs(case):
    found = adversary(*case)
    rows = {sign: found.sample(KEY, sign, 2000, DIM) for sign in (1, -1)}
    kept = {sign: np.asarray(found.kept(*rows[sign])) for sign in rows}
    np.testing.assert_array_equal(kept[1], kept[-1])
    assert np.mean(kept[1]) == pytest.approx(0.2, abs=0.05)
    for column in (0, 1):
        first, second = (np.asarray(rows[sign][column]) for sign in (1, -1))
        np.testing.assert_array_equal(first[kept[1]], second[kept[1]])
    gaps = np.asarray(rows[1][1] - rows[-1][1])[~kept[1]]
    np.testing.assert_allclose(np.abs(gaps), 2.0 * case[2], rtol=1e-12)


@every_case
def test_the_pull_is_the_mean_that_it_is_defined_as(case):
    """The best students of both processes by least squares on a million rows; 5.5 sigma."""
    found = adversary(*case)
    for sign in (1, -1):
        covariates, labels = found.sample(KEY, sign, 1_000_000, 2)
        best = np.linalg.lstsq(np.asarray(covariates), np.asarray(labels), rcond=None)[0]
        np.testing.assert_allclose(best, found.best(sign, 2), atol=5.5 * 2.0e-3)
    assert found.bound == pytest.approx((case[2] * found.pull) ** 2)


def test_the_values_of_the_sheet():
    """r = 0.2: 2 phi(q), 2 (phi(0) - phi(q)) and sqrt(2/pi) (1 - r)."""
    pulls = {name: adversary(*case).pull for name, case in CASES.items()}
    density = {q: 2.0 * np.exp(-0.5 * q**2) / np.sqrt(2.0 * np.pi) for q in (0.2533471, 1.2815516)}
    assert pulls["uncertainty, hardest"] == pytest.approx(density[0.2533471], rel=1e-6)
    expected = np.sqrt(2.0 / np.pi) - density[1.2815516]
    assert pulls["uncertainty, easiest"] == pytest.approx(expected, rel=1e-6)
    for name in ("residual, hardest", "residual, easiest"):
        assert pulls[name] == pytest.approx(np.sqrt(2.0 / np.pi) * 0.8, rel=1e-12)


def test_kept_laws_pass_a_two_sample_test_that_finds_a_small_shift():
    found = adversary(*CASES["uncertainty, hardest"])
    assert same_kept_law(found, KEY, 50_000) > 1e-6
    one = found.sample(KEY, 1, 50_000, 2)
    moved = np.asarray(one[1])[np.asarray(found.kept(*one))]
    other = found.sample(jax.random.key(9), -1, 50_000, 2)
    still = np.asarray(other[1])[np.asarray(found.kept(*other))]
    assert stats.ks_2samp(moved + 0.2, still).pvalue < 1e-6


@pytest.mark.parametrize("name", ["least squares", "ridge 1", "constant", "random features"])
def test_no_learner_beats_the_bound_and_random_pruning_escapes_it(name):
    found = adversary(*CASES["uncertainty, hardest"])
    pruned = risks(found, STUDENTS[name], KEY, dim=DIM, num_kept=120, replicates=32)
    assert pruned.average > found.bound - 5.0 * pruned.sem
    assert pruned.worst > found.bound
    if name == "least squares":
        free = risks(found, STUDENTS[name], KEY, dim=DIM, num_kept=120, replicates=32, random=True)
        assert free.worst + 5.0 * np.max(free.sems) < 0.5 * found.bound


def test_a_trained_network_does_not_beat_it_either():
    found = adversary(*CASES["residual, hardest"])
    pruned = risks(found, STUDENTS["network"], KEY, dim=DIM, num_kept=120, replicates=8)
    assert pruned.average > found.bound - 6.0 * pruned.sem


def test_the_midpoint_attains_the_bound():
    found = adversary(*CASES["uncertainty, easiest"])
    pruned = risks(found, midpoint(found), KEY, dim=DIM, num_kept=10, replicates=200)
    assert abs(pruned.average - found.bound) < 5.0 * pruned.sem
    assert pruned.sem < 0.02 * found.bound


def test_a_bound_five_per_cent_too_tight_is_found_out():
    problem, few = linear(scores.Uncertainty), ("least squares",)
    wrong = NoFreeLunch(scale=1.05, students=few).check(problem, DIM, KEY, draws=1_000_000)
    assert wrong.outcome == "violated", wrong
    right = NoFreeLunch(students=few).check(problem, DIM, KEY, draws=1_000_000)
    assert right.outcome == "holds", right


def test_the_processes_of_a_problem_are_checked_and_a_wrong_pull_is_found_out():
    problem = linear(scores.Uncertainty)
    assert Adversaries().check(problem, DIM, KEY, draws=400_000).outcome == "holds"
    assert Adversaries(scale=1.05).check(problem, DIM, KEY, draws=400_000).outcome == "violated"


@settings(max_examples=20)
@given(fraction=st.floats(0.01, 0.99), size=st.floats(0.1, 10.0))
def test_the_bound_grows_without_limit_and_vanishes_with_what_is_discarded(fraction, size):
    score = scores.Uncertainty(PROBE)
    for rule in (pruning.KeepHardest(fraction), pruning.KeepEasiest(fraction)):
        found = adversary(score, rule, size)
        assert 0.0 < found.pull <= np.sqrt(2.0 / np.pi)
        assert adversary(score, rule, 2.0 * size).bound == pytest.approx(4.0 * found.bound)


@pytest.mark.parametrize(
    ("score", "rule", "size", "match"),
    [
        (scores.Uncertainty(PROBE), pruning.KeepHardest(1.0), 1.0, "must be < 1"),
        (scores.Uncertainty(PROBE), pruning.KeepRandom(0.5), 1.0, "never keeps some samples"),
        (scores.Uncertainty(PROBE), pruning.KeepHardest(0.5), -1.0, "magnitude must lie in"),
        (scores.Uncertainty(nfl.Probe(0.0, 0.0)), pruning.KeepHardest(0.5), 1.0, "null probe"),
        (scores.Leverage(), pruning.KeepHardest(0.5), 1.0, "known for Uncertainty and EL2N"),
        (scores.EL2N(PROBE), pruning.KeepHardest(0.5), 0.1, "of the teacher"),
        (scores.EL2N(TEACHER), pruning.KeepHardest(0.5), 0.7, "must lie below the threshold"),
        (scores.EL2N(TEACHER), pruning.KeepEasiest(0.5), 0.6, "must lie above the threshold"),
    ],
)
def test_bad_input_is_named(score, rule, size, match):
    with pytest.raises(ValueError, match=match):
        adversary(score, rule, size)


def test_a_sign_is_one_of_two():
    with pytest.raises(ValueError, match="must be 1 or -1, got 2"):
        adversary(*CASES["uncertainty, hardest"]).sample(KEY, 2, 10, DIM)


def test_a_learner_that_returns_nan_is_named(monkeypatch):
    def broken(key, covariates, labels):
        return lambda fresh: jnp.full(fresh.shape[0], jnp.nan)

    monkeypatch.setitem(STUDENTS, "broken", broken)
    theorem = NoFreeLunch(students=("broken",))
    found = theorem.check(linear(scores.Uncertainty), DIM, KEY, draws=100)
    assert found.outcome == "inconclusive"
    assert "'broken' returned nan" in found.reason


def test_an_inclusion_probability_of_zero_is_needed():
    """If every sample may be kept, there is no room for an adversary."""
    problem = linear(rule=pruning.ImportanceSampling(0.5, floor=0.1))
    assert "probability of 0 somewhere' fails" in NoFreeLunch().check(problem, DIM, KEY).reason


def test_the_catalogue_states_and_cites():
    names = [theorem.name for theorem in catalogue()]
    assert names[:11] == ["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11"]
    assert names[11:] == ["T12", "T12 joint", "T13a", "T13b", "T13c", "T14a", "T14b", "T15"]
    for theorem in catalogue():
        assert len(theorem.statement) > 60
        assert "theory_notes/" in theorem.reference
        assert theorem.scale == 1.0
    assert isinstance(catalogue()[3], NoFreeLunch)
