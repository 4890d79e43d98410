"""Ends of the fraction: its limits, the rate at which students diverge, and what is false."""

import itertools
import math

import equinox as eqx
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import EL2N, GraNd, Leverage, Uncertainty
from tests.strategies import example_logistic_problem
from tests.theory.shapes import unrecognised, with_score

REGIME = nfl.FixedDimension(3)
PLANE = nfl.FixedDimension(2)


def _at(problem, fraction):
    return eqx.tree_at(lambda p: p.rule.fraction, problem, jnp.asarray(fraction, jnp.float64))


def _student(prediction):
    return np.array([prediction.parallel, prediction.orthogonal])


def test_the_divergence_constant_solves_its_equation():
    k = mpmath.mpf(nfl.theory.divergence_constant())
    residual = k * mpmath.log1p(mpmath.exp(k)) + mpmath.polylog(2, -mpmath.exp(k)).real
    assert abs(residual) < 1e-14
    assert abs(float(k) - 1.50490852156585) < 1e-13


@pytest.mark.parametrize(
    ("signal", "angle", "rate", "across"),
    [(1.0, 0.0, -0.60037163738903, 0.0), (2.0, 0.6, -0.620376, 1.157075)],
)
def test_the_rate_of_divergence(signal, angle, rate, across):
    """w_s (r - r_sep) and w_v extrapolated from three distances; the rate of theta = 0 is
    -k*/sqrt(2 pi)."""
    problem = example_logistic_problem(EL2N, KeepHardest, signal=signal, angle=angle)
    border = float(nfl.separability_fraction(problem, REGIME))
    along, perpendicular = [], []
    for gap in (1e-3, 5e-4, 2.5e-4):
        x, y = _student(nfl.predict(_at(problem, border + gap), REGIME))
        along.append(gap * (x * math.cos(angle) + y * math.sin(angle)))
        perpendicular.append(y * math.cos(angle) - x * math.sin(angle))
    for values, expected in ((along, rate), (perpendicular, -across)):
        first = [2 * fine - coarse for coarse, fine in itertools.pairwise(values)]
        assert abs((4 * first[1] - first[0]) / 3 - expected) < 2e-5
    if angle == 0.0:
        assert abs(rate + nfl.theory.divergence_constant() / math.sqrt(2 * math.pi)) < 1e-13


def test_at_strong_signals_both_fractions_shrink_as_one_over_it():
    k = nfl.theory.divergence_constant()
    scale = 2.0 / math.sqrt(2.0 * math.pi)
    problem = example_logistic_problem(EL2N, KeepHardest, signal=8.0, angle=0.0)
    separable, flip = (f(problem, REGIME) for f in (nfl.separability_fraction, nfl.flip_fraction))
    assert abs(8.0 * float(separable) / (scale * math.log(2.0)) - 1.0) < 0.04
    assert abs(8.0 * float(flip) / (scale * math.log1p(math.exp(k))) - 1.0) < 0.06


SMALL = [
    # score, rule, penalty, flips, fractions; the gap to the limit must shrink with them
    (GraNd, KeepEasiest, 0.0, 0.0, (0.1, 0.03, 0.01)),
    (GraNd, KeepEasiest, 0.0, 0.1, (0.1, 0.03, 0.01)),
    (Leverage, KeepEasiest, 0.0, 0.1, (0.1, 0.03, 0.01)),
    (Uncertainty, KeepHardest, 0.0, 0.1, (1e-1, 1e-2, 1e-3)),
    (Uncertainty, KeepHardest, 0.1, 0.1, (1e-1, 1e-2, 1e-3)),
    (Uncertainty, KeepEasiest, 0.1, 0.0, (1e-1, 1e-4, 1e-7)),
    (EL2N, KeepHardest, 0.1, 0.0, (1e-2, 1e-4, 1e-7)),
    (EL2N, KeepEasiest, 0.1, 0.0, (1e-2, 1e-4, 1e-7)),
]


@pytest.mark.parametrize(("score", "rule", "penalty", "flips", "fractions"), SMALL)
def test_small_fractions_approach_their_limit(score, rule, penalty, flips, fractions):
    problem = example_logistic_problem(
        score, rule, signal=1.5, penalty=penalty, flip_probability=flips
    )
    limit = nfl.small_fraction_limit(problem, PLANE)
    paths = [nfl.predict(_at(problem, r), PLANE) for r in fractions]
    gaps = [float(np.linalg.norm(_student(p) - _student(limit))) for p in paths]
    assert gaps[0] > gaps[1] > gaps[2]
    if penalty == 0.0:
        # The gap is a power of q, the size of the kept set: three fractions extrapolate it.
        assert gaps[2] < 0.4 * gaps[1] or gaps[2] < 1e-6
    assert bool(limit.exists)


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])
def test_separable_limits_have_a_direction_only(rule):
    limit = nfl.small_fraction_limit(example_logistic_problem(EL2N, rule), REGIME)
    path = nfl.predict(example_logistic_problem(EL2N, rule, fraction=0.01), REGIME)
    assert not bool(limit.exists)
    assert not bool(path.exists)
    np.testing.assert_allclose(_student(limit), _student(path), atol=1e-14)
    assert float(limit.error) == pytest.approx(float(path.error), abs=1e-12)


def test_limits_are_known_for_known_scores_only():
    problem = example_logistic_problem(GraNd)
    mine = with_score(problem, unrecognised(GraNd)(problem.score.probe))
    with pytest.raises(nfl.NoTheoryError, match="no closed limit"):
        nfl.small_fraction_limit(mine, PLANE)
    with pytest.raises(nfl.NoTheoryError, match="no separability fraction"):
        nfl.separability_fraction(mine, PLANE)


def test_grand_on_a_line_separates_past_its_maximum():
    """In one dimension the hardest are separable once q > W(1/e)/b; counted by brute force."""
    problem = example_logistic_problem(GraNd, KeepHardest, angle=0.0, norm=1.3, signal=1.2)
    s = np.linspace(-12.0, 12.0, 2_400_001)
    score = np.abs(s) / (1.0 + np.exp(1.3 * s))
    kept = score >= score[s > 0].max()
    density = 2.0 * np.exp(-0.5 * s**2) / math.sqrt(2 * math.pi) / (1.0 + np.exp(-1.2 * s))
    border = float(nfl.separability_fraction(problem, nfl.FixedDimension(1)))
    assert abs(border - np.sum(density * kept) * (s[1] - s[0])) < 1e-5
    for gap, exists in ((-1e-4, False), (1e-2, True)):
        prediction = nfl.predict(_at(problem, border + gap), nfl.FixedDimension(1))
        assert bool(prediction.exists) is exists


def test_label_free_scores_fail_on_flipped_labels():
    """The counterexample to their validity: labels flipped, collinear probe."""
    found = [
        float(
            nfl.predict(
                example_logistic_problem(
                    Uncertainty, signal=2.0, angle=0.0, fraction=r, flip_probability=0.1
                ),
                REGIME,
            ).parallel
        )
        for r in (1.0, 0.5, 0.2)
    ]
    np.testing.assert_allclose(found, [1.278, 1.551, 1.593], atol=6e-4)


def test_false_with_a_penalty_errors_fall_with_the_fraction():
    errors = [
        float(
            nfl.predict(
                example_logistic_problem(EL2N, signal=2.0, fraction=r, penalty=0.01), REGIME
            ).error
        )
        for r in (0.01, 0.001, 0.0001)
    ]
    np.testing.assert_allclose(errors, [0.66811, 0.66796, 0.67002], atol=6e-6)


def test_false_that_pruned_students_have_the_larger_coefficient():
    problem = example_logistic_problem(GraNd, angle=0.3, norm=1.0, fraction=0.8)
    assert float(nfl.predict(problem, PLANE).finite_size) < 2.0 / (2.0 * 0.8)


def test_false_that_a_low_error_means_a_low_loss():
    problem = example_logistic_problem(EL2N, KeepEasiest, angle=0.0, fraction=0.5)
    prediction = nfl.predict(problem, REGIME)
    assert float(prediction.excess_error) < 1e-15
    assert math.isinf(float(prediction.excess_risk))


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])
def test_observed_the_path_is_monotone_without_a_penalty(rule):
    """Numerical only: excess, error and the component along the probe are monotone in r."""
    problem = example_logistic_problem(EL2N, rule, signal=1.5, angle=0.9)
    border = float(nfl.separability_fraction(problem, REGIME))
    path = [nfl.predict(_at(problem, r), REGIME) for r in np.linspace(border + 0.01, 1.0, 12)]
    for name in ("excess_risk", "error"):
        assert np.all(np.diff([float(getattr(p, name)) for p in path]) < 1e-12)
    along = np.array([float(p.probe_overlap) for p in path])
    side = 1.0 if rule is KeepHardest else -1.0
    assert np.all(side * (along - along[-1]) < 1e-9)
