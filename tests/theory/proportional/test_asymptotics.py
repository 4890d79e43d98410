"""The widest margin at its ends: many samples, few kept, and the wall between, by their rates."""

import itertools
import math

import numpy as np
import pytest
from scipy import optimize, special, stats

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from tests.theory.proportional.problems import at, perceptron

C0 = 0.500488931777


def _error(rule, angle, fraction, ratio):
    return float(at(perceptron(rule, angle=angle, fraction=fraction), ratio).error)


def _level(rule, fraction):
    """c of |z| < c (hard) or > c (easy)."""
    return float(stats.norm.isf(0.5 * (1.0 - fraction if rule is KeepHardest else fraction)))


def test_the_constant_of_many_samples():
    k = optimize.brentq(lambda k: _ramp(k) - k * (k * _ramp(k) + special.ndtr(k)), 0.1, 2.0)
    assert abs(k - 0.638833215804) < 1e-12
    assert abs(1.0 / (math.sqrt(2.0 * math.pi) * _ramp(k)) - C0) < 1e-12


def _ramp(k):
    return k * special.ndtr(k) + stats.norm.pdf(k)


def test_random_pruning_with_many_samples():
    """alpha error - c0 falls as 1 / alpha^2, alpha margin - 1.004458 too."""
    gaps = []
    for alpha in (30.0, 100.0, 300.0):
        found = at(perceptron(KeepRandom, fraction=0.1), 10.0 * alpha)
        gaps.append([alpha * float(found.error) / C0 - 1.0, alpha * float(found.margin)])
    errors, margins = np.array(gaps).T
    assert np.log(errors[0] / errors[1]) / np.log(100 / 30) == pytest.approx(2.0, abs=0.05)
    assert np.log(errors[1] / errors[2]) / np.log(3.0) == pytest.approx(2.0, abs=0.05)
    assert abs(margins[2] - 1.004458) < 1e-4


def _seen(cut, angle):
    return math.erf(cut / (math.sqrt(2.0) * math.sin(angle)))


EDGES = [
    # rule, angle, fraction, ratios, density of the kept at the edge
    (KeepHardest, 0.0, 0.3, (100.0, 1000.0, 10000.0), lambda c, angle: 1.0),
    (KeepEasiest, 0.0, 0.3, (1e3, 1e4, 1e5), lambda c, angle: math.exp(-0.5 * c**2)),
    (KeepHardest, 0.5, 0.3, (1e3, 1e4, 1e5), _seen),
    (KeepHardest, 2.1, 0.5, (1e3, 1e4, 1e5), _seen),
    (KeepEasiest, 0.8, 0.5, (1e3, 1e4, 1e5), lambda c, angle: 1.0 - _seen(c, angle)),
    (KeepEasiest, 1.4, 0.3, (1e3, 1e4, 1e5), lambda c, angle: 1.0 - _seen(c, angle)),
]


@pytest.mark.parametrize(("rule", "angle", "fraction", "ratios", "density"), EDGES)
def test_only_the_edge_counts_with_many_samples(rule, angle, fraction, ratios, density):
    """gamma error -> c0 / D, with the gap falling at least as 1 / gamma to its numerical error."""
    limit = C0 / density(_level(rule, fraction), angle)
    found = [at(perceptron(rule, angle=angle, fraction=fraction), g) for g in ratios]
    gaps = [abs(g * float(f.error) / limit - 1.0) for g, f in zip(ratios, found, strict=True)]
    floors = [float(f.numerical_error / f.error) for f in found]
    for (first, _), (second, floor) in itertools.pairwise(zip(gaps, floors, strict=True)):
        assert second < 0.2 * first + floor
    assert gaps[-1] < 1e-2


FEW = [
    (KeepRandom, 0.4, lambda c, r: math.sqrt(2.0 / math.pi)),
    (KeepHardest, 0.0, lambda c, r: 0.5 * c),
    (KeepHardest, 0.7, lambda c, r: math.sqrt(2.0 / math.pi) * math.sin(0.7)),
    (KeepEasiest, 0.7, lambda c, r: math.cos(0.7) * 2.0 * stats.norm.pdf(c) / r),
]


@pytest.mark.parametrize(("rule", "angle", "overlap"), FEW)
def test_few_kept_samples_train_as_hebb(rule, angle, overlap):
    """R / sqrt(alpha) and sqrt(alpha) margin -> 1 as r -> 0 at fixed n/d."""
    gaps = []
    for fraction in (1e-2, 1e-3, 1e-4):
        found = at(perceptron(rule, angle=angle, fraction=fraction), 2.0)
        root, cut = math.sqrt(2.0 * fraction), 0.0
        if rule is not KeepRandom:
            cut = _level(rule, fraction)
        expected = overlap(cut, fraction)
        gaps.append(
            [abs(float(found.parallel) / root / expected - 1), abs(root * float(found.margin) - 1)]
        )
    gaps = np.array(gaps)
    assert np.all(gaps[1:] < 0.35 * gaps[:-1])
    assert np.all(gaps[-1] < 1e-3 * (1.0 if rule is not KeepEasiest else 10.0))


@pytest.mark.parametrize(
    ("alpha", "constant"),
    [(2.1, 0.521989), (2.5, 0.242870), (3.0, 0.176403), (5.0, 0.100128), (10.0, 0.0500489)],
)
def test_beyond_the_wall_the_error_is_in_proportion_to_the_fraction(alpha, constant):
    """error / r -> A(alpha), a perfect probe; A also by the one-dimensional program."""
    assert abs(_wall(alpha) - constant) < 1e-6
    gaps = [
        abs(_error(KeepHardest, 0.0, r, alpha / r) / r / _wall(alpha) - 1.0)
        for r in (1e-2, 1e-3, 1e-4)
    ]
    assert gaps[2] < 1e-4
    assert gaps[1] < 0.5 * gaps[0]


def _wall(alpha):
    """1 / (sqrt(2 pi) S*), S* of the largest k(S)/S with alpha E(k - S u - Z)_+^2 = 1."""
    u, w = np.polynomial.legendre.leggauss(80)
    u, w = 0.5 * (u + 1.0), 0.5 * w

    def bound(S):
        def surplus(k):
            x = k - S * u
            second = (1.0 + x**2) * special.ndtr(x) + x * stats.norm.pdf(x)
            return alpha * np.sum(w * second) - 1.0

        return optimize.brentq(surplus, -30.0, 30.0 + S, xtol=1e-14)

    best = optimize.minimize_scalar(
        lambda log_s: -bound(math.exp(log_s)) / math.exp(log_s),
        bounds=(-2.0, 5.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return 1.0 / (math.sqrt(2.0 * math.pi) * math.exp(best.x))


def test_below_the_wall_nothing_is_learnt_and_at_it_little():
    for alpha in (0.5, 1.9):
        gaps = [0.5 - _error(KeepHardest, 0.0, r, alpha / r) for r in (1e-2, 1e-3, 1e-4)]
        assert 0.0 < gaps[2] < gaps[1] < gaps[0]
        assert gaps[2] < 0.01
    for r, expected in ((1e-1, 0.16439), (1e-2, 0.16225), (1e-3, 0.16176)):
        assert _error(KeepHardest, 0.0, r, 2.0 / r) / r ** (1 / 3) == pytest.approx(
            expected, abs=6e-6
        )


@pytest.mark.parametrize("angle", [0.17, 0.9, 2.0])
def test_overpruning_with_an_imperfect_probe(angle):
    """error -> arccos(sin(angle) R_random(alpha)) / pi as r -> 0 at fixed alpha."""
    chance = at(perceptron(KeepRandom, fraction=0.5), 6.0)
    limit = math.acos(math.sin(angle) * float(chance.parallel)) / math.pi
    assert limit > abs(0.5 - angle / math.pi)
    gaps = [abs(_error(KeepHardest, angle, r, 3.0 / r) - limit) for r in (1e-2, 1e-3, 1e-4)]
    assert gaps[1] < 0.05 * gaps[0]
    assert gaps[2] < 0.05 * gaps[1] + 1e-9


def test_the_plateau_of_easy_samples():
    """Their labels are the probe's: error -> angle / pi, until 1 / D samples."""
    angle = math.radians(10.0)
    found = [_error(KeepEasiest, angle, 0.1, ratio) for ratio in (1e3, 1e4)]
    for error, expected in zip(found, (0.055588, 0.0555559), strict=True):
        assert error == pytest.approx(expected, abs=1e-6)
    errors_of_probe = [_error(KeepEasiest, 0.0, 0.1, ratio) for ratio in (1e3, 1e4)]
    for error, own in zip(found, errors_of_probe, strict=True):
        combined = math.acos(math.cos(angle) * math.cos(math.pi * own)) / math.pi
        assert error == pytest.approx(combined, abs=1e-8)


CROSSOVERS = [
    (0.0, 10.0, 0.17837), (0.0, 100.0, 0.01974),
    (10.0, 10.0, 0.2307), (30.0, 50.0, 0.181), (60.0, 100.0, 0.217),
]  # fmt: skip


@pytest.mark.parametrize(("degrees", "ratio", "fraction"), CROSSOVERS)
def test_hard_beats_random_above_a_fraction(degrees, ratio, fraction):
    angle = math.radians(degrees)
    for factor, wins in ((0.99, False), (1.01, True)):
        r = factor * fraction
        hard, chance = (_error(rule, angle, r, ratio) for rule in (KeepHardest, KeepRandom))
        assert (hard < chance) is wins


def test_the_perfect_probe_easy_beats_random_everywhere():
    for fraction in (0.03, 0.3, 0.9):
        for ratio in (0.3, 5.0, 300.0):
            easy = _error(KeepEasiest, 0.0, fraction, ratio)
            assert easy < _error(KeepRandom, 0.0, fraction, ratio)


_FRACTIONS = (3e-5, 0.1, 1.0)
_RATIOS = (0.1, 100.0, 1e6)


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])
@pytest.mark.parametrize("angle", [0.0, 1e-3, 0.4, 1.5, math.pi])
def test_every_extreme_converges(rule, angle):
    for fraction, ratio in itertools.product(_FRACTIONS, _RATIOS):
        found = at(perceptron(rule, angle=angle, fraction=fraction), ratio)
        error = float(found.error)
        assert 0.0 < error <= 1.0
        assert float(found.numerical_error) < 1e-3 * error
        kept = fraction * ratio
        assert kept * float(found.support_fraction) < 1.0 + 1e-6
        assert float(found.margin) > 0.0
        # No student beats the one that knows the teacher's edge, the data's own constant.
        if ratio >= 100.0:
            assert error > 0.9 * C0 / ratio


def test_on_the_transition_itself():
    """0.02 of 100 samples a dimension: alpha = 2, where the error is steep in everything."""
    for angle in (0.0, 1e-3, 0.01, 0.1):
        found = nfl.predict(perceptron(angle=angle, fraction=0.02), nfl.Proportional(100.0))
        if bool(found.converged):
            assert float(found.numerical_error) < 1e-5
            assert 0.01 < float(found.error) < 0.5
        else:
            assert math.isnan(float(found.error))
