"""T15: it holds, it bites, and it needs the probe to be of the sample."""

import dataclasses

import jax
import pytest

import nfl_sim as nfl
from nfl_sim import pruning, scores
from nfl_sim.theorems import SameSample
from tests.theorems.problems import DIM, linear, logistic

KEY = jax.random.key(15)
DRAWS = 1_500_000
RULES = (pruning.KeepHardest, pruning.KeepEasiest)


def problem(rule, probe=None):
    fitted = scores.SameSampleProbe() if probe is None else probe
    return dataclasses.replace(linear(rule=rule), score=scores.EL2N(fitted))


@pytest.mark.parametrize("rule", [pruning.KeepHardest(0.5), pruning.KeepEasiest(0.5)])
def test_the_same_sample_costs_what_is_stated_and_other_constants_are_found_out(rule):
    """The constants of the perfect probe and of a fresh one are not it, on either side."""
    same = problem(rule)
    found = SameSample().check(same, DIM, KEY, draws=DRAWS)
    assert found.outcome == "holds", found
    fresh = nfl.predict(problem(rule, scores.FreshProbe(1.0)), nfl.FixedDimension(DIM))
    perfect = nfl.predict(linear(rule=rule, angle=0.0), nfl.FixedDimension(DIM))
    for other in (fresh, perfect):
        scale = float(other.finite_size) / SameSample().bound(same, DIM)
        wrong = SameSample(scale=scale).check(same, DIM, KEY, draws=DRAWS)
        assert wrong.outcome == "violated", wrong


def test_the_same_sample_bites():
    """At one half both rules cost 1.265 of all data, where random pruning costs 2."""
    tie = [SameSample().bound(problem(rule(0.5)), 1) for rule in RULES]
    assert tie[0] == pytest.approx(tie[1], rel=1e-12)
    assert tie[0] == pytest.approx(1.26495, abs=5e-6)
    assert SameSample().bound(problem(pruning.KeepRandom(0.5)), 1) == 2.0
    assert SameSample().bound(problem(pruning.KeepHardest(0.9)), 1) == pytest.approx(
        1.0006, abs=5e-5
    )


def test_the_bound_is_that_of_the_prediction():
    for rule in (*RULES, pruning.KeepRandom):
        found = nfl.predict(problem(rule(0.3)), nfl.FixedDimension(DIM))
        assert SameSample().bound(problem(rule(0.3)), DIM) == pytest.approx(found.finite_size)


def test_the_same_sample_needs_the_sample():
    """A fresh probe of n rows has another constant: 4.45, hardest half."""
    fresh = problem(pruning.KeepHardest(0.5), scores.FreshProbe(1.0))
    found = SameSample().check(fresh, DIM, KEY, draws=100)
    assert "'a probe fitted on the sample itself' fails: FreshProbe" in found.reason
    constant = float(nfl.predict(fresh, nfl.FixedDimension(DIM)).finite_size) / DIM
    assert constant == pytest.approx(4.45, abs=0.005)
    assert (
        "'least squares with normal noise' fails" in SameSample().check(logistic(), DIM, KEY).reason
    )
