"""T9 and T11: they hold, they bite, and they need what they assume."""

import jax
from hypothesis import given, settings
from hypothesis import strategies as st

from nfl_sim import pruning
from nfl_sim.theorems import Calibration, Ceiling
from tests.theorems.problems import DIM, linear

KEY = jax.random.key(5)


@settings(max_examples=8)
@given(
    angle=st.floats(0.0, 2.0),
    fraction=st.floats(0.2, 0.8),
    mixing=st.floats(0.1, 0.8),
)
def test_the_criterion_says_what_calibration_gains(angle, fraction, mixing):
    problem = linear(rule=pruning.ExactCalibration(fraction, mixing), angle=angle)
    found = Calibration().check(problem, DIM, KEY, draws=200_000)
    assert found.outcome == "holds", found


def test_calibration_bites():
    """A gain with a good probe and a loss on the easy side, both found; 10 % off is found out."""
    good = linear(rule=pruning.ExactCalibration(0.6, 0.5), angle=0.0)
    bad = linear(rule=pruning.ExactCalibration(0.6, 0.5, hardest=False), angle=0.0)
    for problem, word in ((good, "a gain"), (bad, "a loss")):
        found = Calibration().check(problem, DIM, KEY, draws=200_000)
        assert found.outcome == "holds", found
        assert found.claim.endswith(word)
    wrong = Calibration(scale=1.1).check(good, DIM, KEY, draws=2_000_000)
    assert wrong.outcome == "violated", wrong


def test_calibration_needs_weights():
    problem = linear(rule=pruning.SoftCalibration(0.6, 0.5))
    assert "'exact calibration' fails" in Calibration().check(problem, DIM, KEY).reason


@settings(max_examples=3)
@given(exponent=st.floats(0.3, 1.4), fraction=st.floats(0.1, 0.7), floor=st.floats(0.1, 0.8))
def test_no_unbiased_rule_goes_below_the_ceiling(exponent, fraction, floor):
    rule = pruning.ImportanceSampling(fraction, exponent, floor=floor)
    found = Ceiling().check(linear(rule=rule, angle=0.0), DIM, KEY)
    assert found.outcome == "holds", found


def test_the_ceiling_bites():
    """In ten dimensions the residual alone comes within 6 %; a ceiling 10 % too high is found."""
    problem = linear(rule=pruning.ImportanceSampling(0.3), angle=0.0)
    found = Ceiling().check(problem, 10, KEY)
    assert found.outcome == "holds", found
    assert found.margin < 0.06 * Ceiling().bound(problem, 10)
    assert Ceiling(scale=1.1).check(problem, 10, KEY).outcome == "violated"


def test_an_infinite_variance_is_above_any_ceiling():
    """Needs the teacher as its probe: without a floor another one has an infinite variance."""
    problem = linear(rule=pruning.ImportanceSampling(0.3), angle=0.5)
    found = Ceiling().check(problem, DIM, KEY)
    assert (found.outcome, found.reason) == ("holds", "an infinite variance")


def test_the_ceiling_needs_coins():
    problem = linear(rule=pruning.ExactCalibration(0.5, 0.5))
    assert "'independent coins' fails" in Ceiling().check(problem, DIM, KEY).reason
