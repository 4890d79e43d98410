"""When there is a student: separability, existence and the fields of students that do not exist."""

import math

import equinox as eqx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import nfl_sim as nfl
from nfl_sim.learners import Hinge, LogisticRegression, MaxMargin
from nfl_sim.models import Logistic
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, Margin, Uncertainty
from tests.strategies import log_uniform
from tests.theory.proportional.problems import at, logistic, perceptron, student

few = settings(max_examples=10)
_ANGLES = st.floats(0.05, math.pi - 0.05)


def _capacity(problem):
    return float(nfl.separability_ratio(problem))


@few
@given(fraction=st.floats(0.05, 1.0), flips=st.floats(0.01, 0.45), signal=log_uniform(0.1, 2.0))
def test_random_pruning_only_shrinks_the_sample(fraction, flips, signal):
    for build, numbers in (
        (perceptron, {"flip_probability": flips}),
        (logistic, {"flip_probability": flips, "signal": signal}),
    ):
        whole, part = (_capacity(build(KeepRandom, fraction=r, **numbers)) for r in (1.0, fraction))
        assert part == pytest.approx(whole / fraction, rel=1e-12)
        assert whole > 2.0


@pytest.mark.parametrize(
    ("flips", "expected"),
    [(0.01, 6.7103), (0.05, 3.8097), (0.1, 2.9923), (0.2, 2.3913), (0.4, 2.0333)],
)
def test_capacity_of_flipped_labels(flips, expected):
    problem = perceptron(KeepRandom, fraction=1.0, flip_probability=flips)
    assert abs(_capacity(problem) - expected) < 6e-5


def test_labels_that_are_noise_are_separable_up_to_two():
    """Cover's capacity, exactly."""
    for noise in (
        logistic(KeepRandom, fraction=0.25, signal=0.0),
        logistic(KeepRandom, fraction=0.25, flip_probability=0.5),
        perceptron(KeepRandom, fraction=0.25, flip_probability=0.5),
        perceptron(KeepHardest, Uncertainty, fraction=0.25, flip_probability=0.5),
        perceptron(KeepEasiest, Uncertainty, fraction=0.25, flip_probability=0.5),
        logistic(KeepHardest, Uncertainty, fraction=0.25, signal=0.0),
    ):
        assert _capacity(noise) == pytest.approx(8.0, rel=1e-13)


def test_capacity_falls_with_noise_and_grows_with_signal():
    assert math.isinf(_capacity(perceptron(flip_probability=0.0)))
    by_flips = [_capacity(perceptron(flip_probability=p)) for p in (0.01, 0.1, 0.3, 0.5)]
    assert np.all(np.diff(by_flips) < 0.0)
    by_signal = [_capacity(logistic(KeepRandom, signal=b)) for b in (0.1, 0.5, 1.0, 2.0, 4.0)]
    assert np.all(np.diff(by_signal) > 0.0)


@settings(max_examples=5)
@given(angle=_ANGLES, signal=log_uniform(0.1, 2.0), flips=st.floats(0.0, 0.3))
def test_one_side_of_the_probe_is_always_separable(angle, signal, flips):
    """Up to r_sep, the error of the probe (hard) or one minus it (easy), and not beyond."""
    numbers = {"angle": angle, "signal": signal, "flip_probability": flips, "penalty": 0.0}
    for rule in (KeepHardest, KeepEasiest):
        problem = logistic(rule, EL2N, **numbers)
        border = float(nfl.separability_fraction(problem, nfl.FixedDimension(2)))
        capacities = [
            _capacity(logistic(rule, EL2N, fraction=r, **numbers))
            for r in (0.5 * border, border - 1e-6, border + 0.02, border + 0.05)
        ]
        assert math.isinf(capacities[0])
        assert math.isinf(capacities[1])
        assert math.isfinite(capacities[2])
        assert capacities[2] * (border + 0.02) > capacities[3] * (border + 0.05)


def test_capacity_grows_without_bound_towards_the_border():
    """As one over the distance: what contradicts it is a strip."""
    border = float(nfl.separability_fraction(logistic(penalty=0.0), nfl.FixedDimension(2)))
    gaps = np.array([1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
    found = gaps * [_capacity(logistic(fraction=border + gap)) for gap in gaps]
    slopes = np.diff(found) / np.diff(gaps)
    np.testing.assert_allclose(found, found[-1] + slopes[-1] * gaps, atol=2e-3)
    assert found[-1] == pytest.approx(0.8411, abs=1e-4)


def test_logistic_regression_exists_beyond_capacity_exactly():
    problem = logistic(KeepHardest, EL2N, penalty=0.0)
    border = _capacity(problem)
    for factor in (0.2, 0.999):
        below = at(problem, factor * border)
        assert not bool(below.exists)
        assert math.isinf(float(below.norm))
        assert math.isinf(float(below.excess_risk))
        assert math.isnan(float(below.calibration_slope))
        widest = eqx.tree_at(lambda p: p.learner, problem, MaxMargin())
        expected = student(at(widest, factor * border))[:2]
        np.testing.assert_allclose(student(below)[:2], expected, rtol=1e-7, atol=1e-8)
        assert np.hypot(*student(below)[:2]) < 1.0
        assert 0.0 < float(below.error) < 1.0
    for factor in (1.01, 10.0):
        above = at(problem, factor * border)
        assert bool(above.exists)
        assert float(above.norm) < math.inf
        assert float(above.excess_risk) > 0.0
        assert 0.0 < float(above.training_loss) < math.log(2.0)


def test_the_student_diverges_towards_capacity():
    problem = logistic(KeepHardest, EL2N, penalty=0.0, flip_probability=0.1)
    border = _capacity(problem)
    norms = [float(at(problem, factor * border).norm) for factor in (4.0, 1.5, 1.2, 1.1)]
    assert np.all(np.diff(norms) > 0.0)
    assert norms[-1] > 4.0 * norms[0]


def test_a_hard_margin_with_flips_below_capacity_and_beyond():
    flips = 0.05
    problem = perceptron(KeepHardest, Uncertainty, flip_probability=flips)
    border = _capacity(problem)
    assert 2.0 / 0.4 < border < math.inf
    margins = [float(at(problem, factor * border).margin) for factor in (0.2, 0.9, 0.99, 0.999)]
    assert np.all(np.diff(margins) < 0.0)
    assert margins[3] == pytest.approx(0.1 * margins[2], rel=0.02)  # it ends at capacity, linearly
    with pytest.raises(ValueError, match="use Hinge"):
        nfl.predict(problem, nfl.Proportional(1.01 * border))
    beyond = at(eqx.tree_at(lambda p: p.learner, problem, Hinge(0.1)), 1.5 * border)
    assert 0.0 < float(beyond.error) < 0.5
    assert float(beyond.noisy_error) == pytest.approx(
        flips + (1.0 - 2.0 * flips) * float(beyond.error), rel=1e-12
    )


def test_a_hard_margin_of_noiseless_labels_exists_at_every_ratio():
    for ratio in (0.01, 1.0, 100.0):
        found = at(perceptron(), ratio)
        assert bool(found.exists)
        assert float(found.margin) > 0.0
        kept = 0.4 * ratio
        assert float(found.support_fraction) * kept < 1.0
        assert float(found.training_loss) == 0.0


def test_a_small_set_of_contradictions_anti_learns():
    """Hard by the margin with flipped labels: z < 0.3, at 45 degrees, 5 samples a dimension."""
    problem = perceptron(
        KeepHardest, Margin, learner=Hinge(0.05), angle=math.pi / 4, flip_probability=0.1
    )
    z = np.linspace(-9.0, 0.3, 200_001)
    chance = 0.1 + 0.8 * stats.norm.cdf(z)
    fraction = integrate.simpson(2.0 * stats.norm.pdf(z) * chance, x=z)
    found = at(eqx.tree_at(lambda p: p.rule, problem, KeepHardest(fraction)), 5.0)
    assert float(found.threshold) == pytest.approx(-0.3, abs=1e-7)
    assert float(found.error) > 0.5
    assert float(found.parallel) < 0.0
    below = eqx.tree_at(lambda p: p.rule, problem, KeepHardest(0.05))
    assert math.isinf(_capacity(below))


def test_only_labels_that_are_signs_have_a_capacity():
    linear = nfl.Problem(
        nfl.models.Linear(1.0, 0.5),
        Uncertainty(nfl.Probe(0.4, 1.0)),
        KeepHardest(0.5),
        nfl.learners.Ridge(0.1),
    )
    with pytest.raises(nfl.NoTheoryError, match="Linear"):
        nfl.separability_ratio(linear)
    assert math.isfinite(
        _capacity(
            nfl.Problem(
                Logistic(1.0),
                Uncertainty(nfl.Probe(0.4, 1.0)),
                KeepHardest(0.5),
                LogisticRegression(0.0),
            )
        )
    )
