"""A theorem that says 5 % too much is found out, and the same theorem as it is holds."""

import jax
import pytest

from nfl_sim import pruning, scores
from nfl_sim.theorems import (
    Adversaries,
    Calibration,
    Ceiling,
    Distance,
    HighCompression,
    LimitOfTraining,
    NoFreeLunch,
    NoNewExponent,
    SecondOrder,
    Validity,
    validity,
)
from tests.theorems.problems import DIM, linear

KEY = jax.random.key(31)
EASIEST = linear(rule=pruning.KeepEasiest(0.3))
LABEL_FREE = linear(scores.Uncertainty)
WRONG = {
    "T1": (LimitOfTraining, {}, EASIEST, 400_000),
    "T3": (Distance, {}, linear(rule=pruning.KeepEasiest(0.1)), 2_000_000),
    "T4": (NoFreeLunch, {"students": ()}, LABEL_FREE, 1_000_000),
    "T5": (Adversaries, {}, LABEL_FREE, 400_000),
    "T6": (HighCompression, {}, linear(rule=pruning.KeepEasiest(0.05)), 1),
    "T7": (SecondOrder, {}, linear(rule=pruning.KeepRandom(0.9)), 9_000_000),
    "T9": (
        Calibration,
        {},
        linear(rule=pruning.ExactCalibration(0.6, 0.2), angle=0.0),
        4_000_000,
    ),
    "T11": (
        Ceiling,
        {},
        linear(scores.Influence, pruning.ImportanceSampling(0.3), angle=0.0),
        1,
    ),
}


@pytest.mark.parametrize(("kind", "rest", "problem", "draws"), WRONG.values(), ids=WRONG)
def test_five_per_cent_too_much_is_found_out(kind, rest, problem, draws):
    dim = 1 if kind is Ceiling else DIM  # its integrals take seconds in more dimensions
    wrong = kind(scale=1.05, **rest).check(problem, dim, KEY, draws=draws)
    assert wrong.outcome == "violated", wrong
    right = kind(**rest).check(problem, dim, KEY, draws=draws)
    assert right.outcome == "holds", right


def test_a_crossover_too_early_is_found_out():
    """T8 at twice a quarter of n*: the invalid rule still wins there."""
    problem = linear(rule=pruning.KeepEasiest(0.3), angle=0.12)
    wrong = NoNewExponent(scale=0.25).check(problem, DIM, KEY, draws=2_000_000)
    assert wrong.outcome == "violated", wrong


@pytest.mark.parametrize("problem", [linear(), EASIEST])
def test_a_theory_that_calls_every_rule_valid_is_found_out(problem, monkeypatch):
    """T2 has the bound 0, which no factor makes wrong."""
    monkeypatch.setattr(validity, "is_valid", lambda prediction: True)
    wrong = Validity().check(problem, DIM, KEY, draws=100_000)
    assert wrong.outcome == "violated", wrong
