"""What each theorem needs: an assumption dropped, and the conclusion that breaks."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import nfl_sim as nfl
from nfl_sim import pruning, scores
from nfl_sim.theorems import (
    Ceiling,
    Cubic,
    Distance,
    HighCompression,
    ProportionalProgramme,
    SecondOrder,
    Validity,
    adversary,
    catalogue,
)
from tests.theorems.problems import DIM, linear

KEY = jax.random.key(19)
RNG = np.random.default_rng(0)


def slope(covariates, labels):
    return float(covariates @ labels / (covariates @ covariates))


def test_t1_distances_fall_like_one_over_root_n():
    """EL2N hardest at n, 4n, 16n: rms distance to the predicted limit halves twice, to 5 sigma."""
    problem, replicates = linear(), 300
    limit = nfl.predict(problem, nfl.FixedDimension(2))
    target = np.array([float(limit.parallel), float(limit.orthogonal)])
    probe = np.asarray(problem.score.probe.plane)
    rms = []
    for size in (400, 1600, 6400):
        squares = []
        for _ in range(replicates):
            x = RNG.normal(size=(size, 2))
            y = x[:, 0] + RNG.normal(size=size)
            kept = np.argsort(-np.abs(y - x @ probe))[: int(0.3 * size)]
            squares.append(np.sum((np.linalg.lstsq(x[kept], y[kept])[0] - target) ** 2))
        rms.append(np.mean(squares))
    for first, second in itertools.pairwise(rms):
        assert abs(first / second - 4.0) < 5.0 * 4.0 * np.sqrt(2.0 / replicates)


def test_t1_needs_fair_ties():
    """A constant score, ties to the largest y: the slope is 1.23306 instead of 1; 5 sigma."""
    x, xi = RNG.normal(size=(2, 1_000_000))
    y = x + xi
    top = np.argsort(-y)[:300_000]
    cut = stats.norm.isf(0.3)
    kappa = 1.0 + cut * stats.norm.pdf(cut) / 0.3
    assert 2.0 * kappa / (1.0 + kappa) == pytest.approx(1.23306, abs=1e-5)
    assert slope(x[top], y[top]) == pytest.approx(2.0 * kappa / (1.0 + kappa), abs=0.01)
    fair = RNG.permutation(len(y))[:300_000]
    assert slope(x[fair], y[fair]) == pytest.approx(1.0, abs=0.01)


def test_t2_needs_an_interior_minimiser():
    """y = -x + xi on W = [0, 1]: the rule that keeps the largest |x| pushes, and is valid."""
    x, xi = RNG.normal(size=(2, 100_000))
    y = -x + xi
    kept = np.abs(x) > 1.0
    push = -2.0 * np.mean((x * y)[kept])
    assert push > 1.0
    assert np.clip(slope(x[kept], y[kept]), 0.0, 1.0) == np.clip(slope(x, y), 0.0, 1.0) == 0.0


def test_t2_needs_one_minimiser():
    """x on four points, those on a line kept: no push, and a student that is not the best."""
    x = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    best = np.array([1.0, 1.0])
    y = x @ best
    line = x[:, 1] == 0.0
    np.testing.assert_allclose(x[line].T @ (y - x @ best)[line], 0.0)
    assert np.linalg.matrix_rank(x[line]) == 1
    assert np.linalg.norm(np.linalg.lstsq(x[line], y[line])[0] - best) == pytest.approx(1.0)


def test_t2_needs_symmetric_noise_or_centred_covariates():
    """x ~ N(1, 1), Exp(1) - 1: the perfect residual is biased by 0.0656; 5 sigma."""
    x, noise = RNG.normal(1.0, 1.0, 1_000_000), RNG.exponential(size=1_000_000) - 1.0
    y = x + noise
    kept = np.abs(noise) > np.median(np.abs(noise))
    assert slope(x[kept], y[kept]) - 1.0 == pytest.approx(0.0656, abs=0.006)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), dim=st.integers(1, 5))
def test_t3_holds_for_random_quadratics(seed, dim):
    draw = np.random.default_rng(seed)
    first, second = (root @ root.T + 0.1 * np.eye(dim) for root in draw.normal(size=(2, dim, dim)))
    away = draw.normal(size=dim)
    excess, push = 0.5 * away @ first @ away, second @ away
    least, largest = np.linalg.eigvalsh(first)[[0, -1]]
    kept_least, kept_largest = np.linalg.eigvalsh(second)[[0, -1]]
    square = push @ push
    assert least * square / (2.0 * kept_largest**2) <= excess * (1.0 + 1e-9)
    assert excess <= largest * square / (2.0 * kept_least**2) * (1.0 + 1e-9)
    inverse = np.linalg.inv(second)
    assert 0.5 * push @ inverse @ first @ inverse @ push == pytest.approx(excess)


def test_t3_values_of_the_note():
    """r = 0.1, |w_p - w0|^2 = 1/2: E = 0.5633, and the share of the discarded is 0.682."""
    angle, norm = np.arctan2(np.sqrt(0.5), 1.0), np.sqrt(1.5)
    problem = linear(rule=pruning.KeepHardest(0.1), angle=angle, norm=norm)
    excess = float(nfl.predict(problem, nfl.FixedDimension(DIM)).excess_risk)
    assert excess == pytest.approx(0.5633, abs=5e-5)
    sides = Distance().sides(problem, DIM, KEY, draws=1_000_000)
    assert sides.discarded == pytest.approx(0.682, abs=0.01)
    assert sides.exact == pytest.approx(excess, rel=0.03)
    assert sides.lower < 1.03 * excess
    assert excess < sides.upper


def test_t4_needs_what_is_never_kept():
    """If a share rho is kept off K, a detective that reads it falls to Delta (1 - rho (1-r))^n."""
    found = adversary(scores.Uncertainty(nfl.Probe(0.6, 1.0)), pruning.KeepHardest(0.5), 50.0)
    size, chance, risks = 20, 0.05, []
    for index in range(400):
        key, coin_key = jax.random.split(jax.random.fold_in(KEY, index))
        covariates, labels = (np.asarray(part) for part in found.sample(key, 1, size, 2))
        lost = ~np.asarray(found.kept(jnp.asarray(covariates), jnp.asarray(labels)))
        seen = lost & (np.asarray(jax.random.uniform(coin_key, (size,))) < chance)
        told = np.sign((labels - covariates[:, 0]) * (covariates @ np.asarray(found.direction)))
        votes = np.sum(told[seen])
        student = found.best(int(np.sign(votes)), 2) if votes else np.array([1.0, 0.0])
        risks.append(float(found.excess_risk(jnp.asarray(student), 1)))
    expected = found.bound * (1.0 - 0.5 * chance) ** size
    sem = np.std(risks) / np.sqrt(len(risks))
    assert expected < 0.62 * found.bound
    assert abs(np.mean(risks) - expected) < 5.0 * sem


@pytest.mark.parametrize("rule", [pruning.KeepHardest, pruning.KeepEasiest])
def test_t5_needs_something_discarded(rule):
    found = adversary(scores.Uncertainty(nfl.Probe(0.6, 1.0)), rule(1.0 - 1e-7), 1.0)
    assert found.pull < 1e-6


def test_t6_needs_uniform_integrability():
    """(1 - e) delta_0 + e delta_{1/e}: the mean is 1 at every e, that of the weak limit is 0."""
    for share in (1e-1, 1e-3, 1e-6):
        places, masses = np.array([0.0, 1.0 / share]), np.array([1.0 - share, share])
        assert places @ masses == pytest.approx(1.0)


def test_t6_easy_rate_is_the_square_of_the_fraction():
    limit = HighCompression().bound(linear(rule=pruning.KeepEasiest(0.04)), DIM)
    gaps = [
        limit
        - float(
            nfl.predict(linear(rule=pruning.KeepEasiest(r)), nfl.FixedDimension(DIM)).excess_risk
        )
        for r in (0.04, 0.02)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(4.0, rel=0.01)


def test_t7_needs_the_matrix_under_the_kept_law():
    """Leverage easiest, d = 10, r = 0.3: C = 62, not the 17.8 that A = H would give."""
    base = linear(rule=pruning.KeepEasiest(0.3))
    problem = dataclasses.replace(base, score=scores.Leverage())
    ratio = stats.chi2(12).cdf(stats.chi2(10).ppf(0.3)) / 0.3
    assert SecondOrder().bound(problem, 10) == pytest.approx(10.0 / (0.3 * ratio), rel=1e-6)
    assert 10.0 / (0.3 * ratio) == pytest.approx(62.3, abs=0.1)
    assert 10.0 * ratio / 0.3 == pytest.approx(17.8, abs=0.1)


def test_t7_needs_more_rows_than_dimensions():
    with pytest.raises(ValueError, match="infinite unless"):
        nfl.predict(linear(rule=pruning.KeepRandom(0.1)), nfl.FiniteSample(10, 100))


def test_t9_needs_draws_in_strata():
    """d = 1, r = 0.3, a = 0.8: the last term takes 9 % off the variance, and coins lack it.

    By moments of psi = x xi given the residual R = x/2 + xi, and one integral over R.
    """
    offset, fraction, mixing = 0.5, 0.3, 0.8
    rule = pruning.ExactCalibration(fraction, mixing)
    found = nfl.predict(linear(rule=rule, angle=0.0, norm=offset), nfl.FixedDimension(1))
    variance, mass = 1.0 + offset**2, mixing * fraction
    edge = stats.norm.isf(0.5 * mass)  # in units of the deviation of R
    share = (1.0 - mixing) * fraction / (1.0 - mass)

    def mean(t):
        return offset / variance * (t**2 - 1.0)

    def square(t):
        first, second = (offset * t) ** 2 / variance, t**2 / variance
        spreads, both = (1.0 / variance, offset**2 / variance), -offset / variance
        middle = 4.0 * offset * t**2 / variance * both + 2.0 * both**2
        return (first + spreads[0]) * (second + spreads[1]) + middle

    def expect(function, low, high):
        density = stats.norm.pdf
        return 2.0 * integrate.quad(lambda t: function(t) * density(t), low, high, epsrel=1e-12)[0]

    coins = expect(square, edge, 12.0) + expect(square, 0.0, edge) / share
    rest = expect(mean, 0.0, edge) / (1.0 - mass)
    last = (1.0 / share - 1.0) * (1.0 - mass) * rest**2
    assert float(found.finite_size) == pytest.approx(coins - last, rel=1e-9)
    assert last / coins == pytest.approx(0.0935, abs=1e-4)


def test_t9_needs_a_mixing_below_one():
    """At a = 1 nothing is left to reweight: it is the hardest alone, and biased."""
    biased = nfl.predict(linear(rule=pruning.KeepHardest(0.3)), nfl.FixedDimension(DIM))
    almost = linear(rule=pruning.ExactCalibration(0.3, 0.999))
    assert float(biased.excess_risk) > 0.1
    found = nfl.predict(almost, nfl.FixedDimension(DIM))
    assert float(found.excess_risk) < 1e-9
    random = nfl.predict(linear(rule=pruning.KeepRandom(0.3)), nfl.FixedDimension(DIM))
    assert float(found.finite_size) > 50.0 * float(random.finite_size)


@settings(max_examples=5)
@given(first=st.floats(0.01, 0.9), second=st.floats(0.01, 0.9))
def test_t11_the_ratio_to_random_grows_with_the_fraction(first, second):
    low, high = sorted((first, second))
    bounds = [
        Ceiling().bound(linear(rule=pruning.KeepRandom(r), angle=0.0), 2) for r in (low, high)
    ]
    assert bounds[0] <= bounds[1] * (1.0 + 1e-9)


def test_t11_bites_in_one_dimension():
    """4/pi^2 as r -> 0."""
    found = Ceiling().bound(linear(rule=pruning.KeepRandom(1e-3), angle=0.0), 1)
    assert found == pytest.approx(4.0 / np.pi**2, rel=1e-3)


def test_t11_needs_independent_coins():
    """Every tenth sample in the order of psi: n times the variance is about E psi^2, not 4.05."""
    totals = []
    for _ in range(400):
        gradient = np.sort(RNG.normal(size=1000) * RNG.normal(size=1000))
        totals.append(np.sum(gradient[RNG.integers(10) :: 10]) * 10.0 / np.sqrt(1000.0))
    assert np.var(totals) < 0.6 * (4.0 / np.pi**2) / 0.1


class Signs(scores.PointwiseScore):
    """A score with two atoms."""

    sees = frozenset({"probe_margin"})
    probe: nfl.Probe

    def __call__(self, view):
        return jnp.sign(view.probe_margin)


class Broken(scores.PointwiseScore):
    """A score that is nan."""

    sees = frozenset({"norm"})
    probe: nfl.Probe | None = None

    def __call__(self, view):
        return view.norm * jnp.nan


@pytest.mark.parametrize("theorem", catalogue()[:3], ids=lambda theorem: theorem.name)
def test_a_score_that_cannot_be_used_is_named(theorem):
    ties = dataclasses.replace(linear(), score=Signs(nfl.Probe(0.6, 1.0)))
    found = theorem.check(ties, DIM, KEY, draws=100)
    assert found.outcome == "inconclusive"
    assert "no atom of the score at the threshold' cannot be told: Signs ties" in found.reason
    broken = dataclasses.replace(linear(), score=Broken())
    found = theorem.check(broken, DIM, KEY, draws=100)
    assert found.outcome == "inconclusive"
    assert "Broken is nan on 4096 of 4096" in found.reason


def test_an_assumption_that_cannot_be_checked_is_named():
    """A limit that no theory knows: the verdict says so instead of failing."""
    problem = dataclasses.replace(linear(), model=Cubic(1.0, 0.7, 1.0))
    assert Validity().assumptions(problem, DIM)[-1].holds is None
    found = Validity().check(problem, DIM, KEY)
    assert found.outcome == "inconclusive"
    assert "cannot be told" in found.reason


def test_the_programme_decides_nothing_and_says_where_to_look():
    found = ProportionalProgramme().check(linear(), DIM, KEY)
    assert found.outcome == "inconclusive"
    assert "nfl_sim.compare" in found.reason
    assert ProportionalProgramme().bound(linear(), DIM) > 0.0


def test_t2_push_and_limit_agree_in_sign():
    for angle, valid in ((0.0, True), (0.4, False)):
        found = Validity().check(linear(angle=angle), DIM, KEY, draws=100_000)
        assert found.outcome == "holds"
        assert found.claim.startswith("valid" if valid else "invalid")
