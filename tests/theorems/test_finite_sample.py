"""T13: it holds, it bites, and it needs what it assumes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nfl_sim import num_kept, pruning, scores
from nfl_sim.theorems import Insurance, TopM, Undetectability
from nfl_sim.theorems.detective import (
    audited_risks,
    mean_and_sem,
    strong_adversary,
    top_m_risks,
)
from nfl_sim.theorems.finite_sample import battery
from tests.theorems.problems import DIM, linear

KEY = jax.random.key(13)
EASIEST = linear(rule=pruning.KeepEasiest(0.3), angle=0.0)
HARDEST = linear(scores.Uncertainty, pruning.KeepHardest(0.3))
every_pair = pytest.mark.parametrize("problem", [EASIEST, HARDEST], ids=["EL2N", "Uncertainty"])


@every_pair
@pytest.mark.parametrize("room", [0.0, 0.1])
def test_top_m_holds_and_the_detective_attains_it(problem, room):
    """Equality to 1 %, with and without room, and a bound 10 % too high is found out."""
    theorem = TopM(room=room)
    found = theorem.check(problem, DIM, KEY, draws=1_000_000)
    assert found.margin == pytest.approx(0.0, abs=5.0 * found.sem)
    assert found.sem < 0.006 * theorem.bound(problem, DIM)
    assert found.outcome == "holds", found
    wrong = TopM(room=room, scale=1.1).check(problem, DIM, KEY, draws=1_000_000)
    assert wrong.outcome == "violated", wrong


def test_top_m_halves_the_bound_of_t4():
    """Needs independent coins, or room: at r' = r the factor is near one half, with room near 1."""
    factors = [TopM(num_samples=n).factor(EASIEST) for n in (50, 1000, 100_000)]
    np.testing.assert_allclose(factors, 0.5, atol=0.07)
    assert abs(factors[2] - 0.5) < abs(factors[0] - 0.5)
    assert TopM(num_samples=2000, room=0.05).factor(EASIEST) > 0.999


@given(size=st.integers(10, 5000), fraction=st.floats(0.05, 0.9), room=st.floats(0.0, 0.09))
def test_hoeffding_is_below_the_binomial(size, fraction, room):
    problem = linear(scores.Uncertainty, pruning.KeepHardest(fraction))
    least = size * (fraction + room) - num_kept(fraction, size)
    if least >= 0.0:
        hoeffding = 1.0 - np.exp(-2.0 * least**2 / size)
        assert TopM(num_samples=size, room=room).factor(problem) >= hoeffding - 1e-12


@every_pair
def test_insurance_holds_and_is_attained(problem):
    """Risk against the number of audits: Delta (1 - N/n)^n, near Delta e^-N; 10 % is found out."""
    for audits in (0.5, 2.0):
        theorem = Insurance(audits=audits)
        found = theorem.check(problem, DIM, KEY, draws=400_000)
        assert found.margin == pytest.approx(0.0, abs=5.0 * found.sem)
        assert found.outcome != "violated"
        share = theorem.bound(problem, DIM) / strong_adversary(problem).bound
        assert np.exp(-audits) * (1.0 - audits**2 / 20) <= share <= np.exp(-audits)
    wrong = Insurance(scale=1.1).check(problem, DIM, KEY, draws=400_000)
    assert wrong.outcome == "violated", wrong


def test_insurance_costs_the_logarithm_of_what_it_saves():
    """N audits for the risk eps: (1 - N/n) log(Delta/eps) <= N <= log(Delta/eps)."""
    audits = np.linspace(0.1, 30.0, 50)
    logs = np.array([-50.0 * np.log1p(-n / 50.0) for n in audits])
    assert np.all(audits <= logs)
    assert np.all(audits >= (1.0 - audits / 50.0) * logs)


def test_no_audits_leave_all_of_delta():
    found = strong_adversary(EASIEST)
    risks = audited_risks(found, KEY, num_samples=50, audit=0.0, replicates=100)
    np.testing.assert_allclose(risks, found.bound, rtol=1e-12)
    everything = audited_risks(found, KEY, num_samples=50, audit=1.0, replicates=100)
    np.testing.assert_allclose(everything, 0.0, atol=1e-12)


def test_a_weak_shift_is_misread_as_often_as_the_note_says():
    """B = sigma / 2: Delta [P(N >= m) + 4 E Phi(-B sqrt(T) / sigma)], T = m - N samples off K."""
    base = strong_adversary(HARDEST)
    weak = type(base).of(base.model, base.score, HARDEST.rule, jnp.asarray(0.5))
    risk, sem = mean_and_sem(top_m_risks(weak, KEY, num_samples=50, num_kept=15, replicates=20_000))
    inside = np.arange(51)
    chances, off = stats.binom.pmf(inside, 50, 0.3), np.maximum(15 - inside, 0)
    misread = np.where(off > 0, 4.0 * stats.norm.sf(0.5 * np.sqrt(off)), 1.0)
    assert abs(risk - weak.bound * float(chances @ misread)) < 5.0 * sem


def test_failure_goes_unseen_and_audit_labels_show_it():
    found = Undetectability().check(HARDEST, DIM, KEY)
    assert found.outcome == "holds", found
    audited = Undetectability(audits=5).check(HARDEST, DIM, KEY)
    assert audited.outcome == "violated", audited
    assert audited.margin < -0.9


def test_the_battery_sees_what_there_is_to_see():
    """Its size is about 5 % and it finds a shift of one noise, or another scale, in 50 samples."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 3, 2000, 50))
    assert 0.01 < np.mean(battery(one, other)) < 0.06
    assert np.mean(battery(one, other + 1.0)) > 0.95
    assert np.mean(battery(one, 2.0 * other)) > 0.9


@pytest.mark.parametrize("theorem", [TopM(), Insurance(), Undetectability()], ids=lambda t: t.name)
def test_finite_samples_need_two_processes_that_look_alike(theorem):
    for rule, match in (
        (pruning.KeepRandom(0.3), "'a rule that discards' fails"),
        (pruning.KeepHardest(0.3), "'an adversary' cannot be told"),
    ):
        assert match in theorem.check(linear(rule=rule), DIM, KEY).reason
    assert "'a rule that discards' fails" in TopM(room=0.8).check(HARDEST, DIM, KEY).reason
    assert "'as many as are discarded' fails: audits=40 of 14" in (
        Insurance(audits=40.0).check(HARDEST, DIM, KEY).reason
    )
