"""T2 and T3: they hold, they bite, and they need what they assume."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores
from nfl_sim.theorems import Distance, Validity, push_curve
from tests.theorems.problems import DIM, linear, logistic

KEY = jax.random.key(7)
DRAWS = 100_000
VALID = {
    "random": linear(rule=pruning.KeepRandom(0.3)),
    "no labels": linear(scores.Uncertainty),
    "the teacher's residual": linear(angle=0.0),
    "calibrated": linear(rule=pruning.ExactCalibration(0.3, 0.4)),
    "logistic, no labels": logistic(scores.Uncertainty),
}
INVALID = {
    "hardest": linear(),
    "easiest": linear(rule=pruning.KeepEasiest(0.3)),
    "soft": linear(rule=pruning.SoftCalibration(0.3, 0.4)),
    "logistic, the teacher's residual": logistic(angle=0.0),
    # Consequence (f): without labels too, where the model is misspecified.
    "logistic, flipped, no labels": logistic(scores.Uncertainty, angle=0.0, signal=4.0, flips=0.3),
}


@pytest.mark.parametrize("problem", VALID.values(), ids=VALID)
def test_nothing_pushes_at_a_valid_rule(problem):
    found = Validity().check(problem, DIM, KEY, draws=DRAWS)
    assert found.outcome == "holds", found
    assert found.claim.startswith("valid")


@pytest.mark.parametrize("problem", INVALID.values(), ids=INVALID)
def test_an_invalid_rule_is_pushed_to_its_limit(problem):
    """Bites: by more than five standard errors."""
    found = Validity().check(problem, DIM, KEY, draws=DRAWS)
    assert found.outcome == "holds", found
    assert found.claim.startswith("invalid")


def test_the_curve_of_the_push_is_flat_for_a_consistent_score_only():
    """Over 20 bins of two coordinates each, at 5.5 standard errors; false alarm 2e-6."""
    for angle, consistent in ((0.0, True), (0.6, False)):
        curve = push_curve(linear(angle=angle), DIM, KEY, draws=DRAWS)
        assert curve.means.shape == (20, 2)
        assert bool(np.max(np.abs(curve.means / curve.sems)) < 5.5) == consistent
        assert np.all(np.abs(np.mean(curve.means, axis=0)) < 5.5 * np.mean(curve.sems, axis=0))


def test_a_score_with_an_atom_has_no_curve():
    with pytest.raises(ValueError, match="Uniform has an atom"):
        push_curve(
            dataclasses.replace(linear(rule=pruning.KeepRandom(0.3)), score=scores.Uniform()),
            DIM,
            KEY,
            draws=1000,
        )


@settings(max_examples=10)
@given(angle=st.floats(0.4, 2.5), norm=st.floats(0.3, 2.0), fraction=st.floats(0.1, 0.8))
def test_the_sides_of_the_distance_hold(angle, norm, fraction):
    rule = pruning.KeepEasiest(fraction)
    problem = linear(rule=rule, angle=angle, norm=norm)
    found = Distance().check(problem, DIM, KEY, draws=DRAWS)
    assert found.outcome != "violated", found


@pytest.mark.parametrize("rule", [pruning.KeepHardest(0.1), pruning.KeepEasiest(0.1)])
def test_the_distance_bites(rule):
    """EL2N on the linear model attains the lower bound (hard) and the upper one (easy)."""
    problem = linear(rule=rule)
    found = Distance().check(problem, DIM, KEY, draws=400_000)
    assert found.outcome != "violated", found
    excess = float(nfl.predict(problem, nfl.FixedDimension(DIM)).excess_risk)
    assert abs(found.margin) < 0.1 * excess


def test_a_bound_that_is_too_tight_is_found_out():
    """By a tenth, on the side that is attained."""
    problem = linear(rule=pruning.KeepEasiest(0.1))
    found = Distance(scale=1.1).check(problem, DIM, KEY, draws=400_000)
    assert found.outcome == "violated", found


def test_the_bound_of_the_logistic_loss_holds_with_room():
    found = Distance().check(logistic(), DIM, KEY, draws=DRAWS)
    assert found.outcome == "holds", found


def test_a_minimiser_at_the_edge_breaks_the_lower_bound():
    """Needs an interior minimiser: on W = [-e, e] the student is close, however hard the push."""
    edge, teacher, push = 0.05, 0.0, 2.0
    student = np.clip(teacher + push, -edge, edge)
    lower = 1.0 * push**2 / (2.0 * 1.0**2)  # m = beta_nu = 1
    assert 0.5 * (student - teacher) ** 2 < 1e-3 * lower


@pytest.mark.parametrize(
    ("problem", "word"),
    [
        (
            nfl.Problem(
                models.Perceptron(),
                scores.Uncertainty(nfl.Probe(0.5, 1.0)),
                pruning.KeepHardest(0.3),
                learners.MaxMargin(),
            ),
            "convex, differentiable loss",
        ),
        (dataclasses.replace(linear(), learner=learners.Ridge(0.1)), "unpenalised training"),
        (logistic(rule=pruning.KeepHardest(0.2)), "one finite minimiser"),
    ],
)
def test_what_is_assumed_is_named(problem, word):
    found = Validity().check(problem, DIM, KEY, draws=100)
    assert found.outcome == "inconclusive"
    assert f"assumption {word!r} fails" in found.reason or word in found.reason


def test_a_score_that_is_nan_is_named():
    class Broken(scores.PointwiseScore):
        sees = frozenset({"norm"})
        probe: nfl.Probe | None = None

        def __call__(self, view):
            return view.norm * np.nan

    problem = nfl.Problem(
        models.Linear(1.0, 1.0), Broken(), pruning.KeepHardest(0.3), learners.Ridge(0.0)
    )
    found = Validity().check(problem, DIM, KEY, draws=100)
    assert found.outcome == "inconclusive"
