"""T6, T7 and T8: they hold, they bite, and they need what they assume."""

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim import pruning, scores
from nfl_sim.theorems import HighCompression, LimitOfTraining, NoNewExponent, SecondOrder
from tests.theorems.problems import DIM, linear, logistic

KEY = jax.random.key(11)


@settings(max_examples=10)
@given(angle=st.floats(0.2, 3.0), norm=st.floats(0.2, 2.0), fraction=st.floats(0.02, 0.2))
def test_the_limit_of_high_compression_is_approached(angle, norm, fraction):
    rule = pruning.KeepEasiest(fraction)
    found = HighCompression().check(linear(rule=rule, angle=angle, norm=norm), DIM, KEY)
    assert found.outcome == "holds", found


def test_high_compression_bites():
    """EL2N easiest: the student becomes the probe, E -> |w0 - w_p|^2, at the rate r^2."""
    problem = linear(rule=pruning.KeepEasiest(0.01))
    limit = HighCompression().bound(problem, DIM)
    assert limit == pytest.approx(
        float(
            nfl.models.Linear(1.0, 1.0).excess_risk(jax.numpy.asarray(problem.score.probe.plane))
        ),
        rel=1e-6,
    )
    found = nfl.predict(problem, nfl.FixedDimension(DIM))
    assert float(found.excess_risk) == pytest.approx(limit, rel=1e-3)


def test_a_wrong_limit_is_found_out():
    found = HighCompression(scale=1.05).check(linear(rule=pruning.KeepEasiest(0.05)), DIM, KEY)
    assert found.outcome == "violated", found


def test_high_compression_needs_a_score():
    found = HighCompression().check(linear(rule=pruning.KeepRandom(0.3)), DIM, KEY)
    assert "'pruning by score' fails" in found.reason


def test_training_tends_to_the_predicted_limit():
    """Bites: the limit is not the teacher; a limit 20 % off is found out."""
    problem = linear()
    found = LimitOfTraining().check(problem, DIM, KEY, draws=2_000_000)
    assert found.outcome == "holds", found
    wrong = LimitOfTraining(scale=1.2).check(problem, DIM, KEY, draws=2_000_000)
    assert wrong.outcome == "violated", wrong


def test_training_needs_a_minimiser():
    """EL2N hardest below the error of the probe: every kept label contradicts it."""
    found = LimitOfTraining().check(logistic(rule=pruning.KeepHardest(0.2)), DIM, KEY)
    assert "'one finite minimiser of the kept loss' fails" in found.reason


def test_the_second_order_holds():
    problem = linear(rule=pruning.KeepRandom(0.5))
    found = SecondOrder().check(problem, DIM, KEY, draws=2_000_000)
    assert found.outcome == "holds", found
    assert SecondOrder().bound(problem, DIM) == pytest.approx(DIM / 0.5)
    wrong = SecondOrder(scale=1.3).check(problem, DIM, KEY, draws=2_000_000)
    assert wrong.outcome == "violated", wrong


def test_the_second_order_needs_a_valid_rule():
    found = SecondOrder().check(linear(), DIM, KEY, draws=100)
    assert "'a valid rule' fails" in found.reason


def test_random_pruning_wins_beyond_the_crossover():
    found = NoNewExponent().check(linear(), DIM, KEY, draws=400_000)
    assert found.outcome == "holds", found


def test_the_crossover_bites():
    """A good probe, easiest kept: n* is large, and the plateau is above random pruning there."""
    problem = linear(rule=pruning.KeepEasiest(0.1), angle=0.005)
    assert NoNewExponent().bound(problem, DIM) > 200_000
    assert NoNewExponent().check(problem, DIM, KEY).outcome == "holds"


def test_no_crossover_is_forced_on_a_valid_rule():
    found = NoNewExponent().check(linear(scores.Uncertainty), DIM, KEY, draws=100)
    assert "'the rule is invalid' fails" in found.reason
