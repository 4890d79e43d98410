"""The limits of small fractions, how they are approached, and the crossover."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

import nfl_sim as nfl
from nfl_sim import pruning, scores
from nfl_sim.pruning import KeepEasiest, KeepHardest
from tests import oracles
from tests.oracles import relative
from tests.strategies import SCORES, SELECTIVE, example_problem, log_uniform, penalties, problems
from tests.theory.grand_oracle import grand

_REGIME = nfl.FixedDimension(5)


def _at(fraction, offset, noise_std, rule, score=scores.EL2N):
    return example_problem(
        score, rule, norm=0.0, signal=offset, noise_std=noise_std, fraction=fraction
    )


@given(log_uniform(0.1, 10.0), log_uniform(0.1, 10.0))
def test_hardest_by_el2n(offset, noise_std):
    """sigma^4 / q, with the logarithmic deficit v / (q log(1/r))."""
    problem = _at(1e-100, offset, noise_std, KeepHardest)
    limit = nfl.small_fraction_limit(problem, _REGIME)
    assert relative(limit.excess_risk, mpf(noise_std) ** 4 / mpf(offset) ** 2) < 1e-13
    assert float(limit.parallel) == pytest.approx(offset + noise_std**2 / offset, rel=1e-13)
    kappa = oracles.slab(1e-100, outside=True)[1]
    q, v = offset**2, offset**2 + noise_std**2
    deficit = (1.0 - v / (noise_std**2 + float(kappa) * q)) ** 2
    actual = nfl.predict(problem, _REGIME).excess_risk / limit.excess_risk
    assert float(actual) == pytest.approx(deficit, rel=1e-12)


def test_the_deficit_is_logarithmic():
    """(1 - E q / sigma^4) q log(1/r) / v tends to 1, as slowly as loglog / log."""
    ratios = []
    for exponent in (10, 30, 100, 300):
        problem = _at(10.0**-exponent, 2.0, 0.7, KeepHardest)
        limit = nfl.small_fraction_limit(problem, _REGIME).excess_risk
        deficit = 1.0 - float(nfl.predict(problem, _REGIME).excess_risk / limit)
        level = exponent * math.log(10.0)
        ratios.append((deficit * 4.0 * level / 4.49 - 1.0) * level / math.log(level))
    assert all(0.0 < ratio < 1.5 for ratio in ratios)


@given(log_uniform(0.1, 10.0), log_uniform(0.1, 10.0))
def test_easiest_by_el2n(offset, noise_std):
    """q, with the deficit (pi r^2 / 3)(1 + q / sigma^2)."""
    q, sigma2 = offset**2, noise_std**2
    limit = nfl.small_fraction_limit(_at(0.5, offset, noise_std, KeepEasiest), _REGIME)
    assert relative(limit.excess_risk, mpf(offset) ** 2) < 1e-13
    googol = nfl.predict(_at(1e-100, offset, noise_std, KeepEasiest), _REGIME)
    assert relative(googol.excess_risk, mpf(offset) ** 2) < 1e-13
    fraction = 1e-3 / math.sqrt(1.0 + q / sigma2)
    near = nfl.predict(_at(fraction, offset, noise_std, KeepEasiest), _REGIME)
    deficit = 1.0 - float(near.excess_risk / limit.excess_risk)
    expected = math.pi * fraction**2 / 3.0 * (1.0 + q / sigma2)
    assert deficit == pytest.approx(expected, rel=1e-5, abs=1e-15)


@pytest.mark.parametrize(("offset", "noise_std"), [(0.7, 1.0), (2.0, 0.5)])
def test_hardest_by_grand(offset, noise_std):
    """(sqrt(v) - |delta|)^2, approached like 1 / threshold."""
    problem = _at(0.1, offset, noise_std, KeepHardest, scores.GraNd)
    limit = float(nfl.small_fraction_limit(problem, _REGIME).excess_risk)
    assert limit == pytest.approx((math.hypot(offset, noise_std) - offset) ** 2, rel=1e-12)
    rates = [
        cut * (grand(cut, offset, noise_std, 3, hardest=True).excess - limit)
        for cut in (1e4, 1e5, 1e6)
    ]
    assert rates[0] == pytest.approx(rates[2], rel=0.02)
    assert rates[1] == pytest.approx(rates[2], rel=0.002)


@given(log_uniform(0.1, 10.0), log_uniform(0.1, 10.0))
def test_easiest_by_grand_stays_at_the_probe(offset, noise_std):
    problem = _at(0.1, offset, noise_std, KeepEasiest, scores.GraNd)
    limit = nfl.small_fraction_limit(problem, _REGIME)
    assert relative(limit.excess_risk, mpf(offset) ** 2) < 1e-13


@pytest.mark.parametrize("rule", SELECTIVE)
@settings(max_examples=40)
@given(data=st.data())
def test_limit_of_the_closed_forms(rule, data):
    """`small_fraction_limit` is where `predict` goes, with a penalty too.

    With a penalty p the student of a rare set differs from its limit by O(1 / kappa) for kept
    tails and by O(kappa) for kept middles.
    """
    score = data.draw(st.sampled_from([scores.EL2N, scores.Uncertainty]))
    problem = data.draw(
        problems(score, rule, spread=3.0, fraction=st.just(1e-150), penalty=penalties())
    )
    limit, near = nfl.small_fraction_limit(problem, _REGIME), nfl.predict(problem, _REGIME)
    offset = math.hypot(*map(float, oracles.offset(problem)))
    if offset**2 < 0.1:
        return  # the limits r -> 0 and delta -> 0 do not commute
    outside = (rule is KeepHardest) == (score is scores.EL2N)
    scale = float(problem.model.signal) + float(problem.score.probe.norm) + 3.0
    # To first order in 1/kappa the residual's slab is off by (sigma^2/q)(1 + sigma^2/q) delta.
    ratio = (float(problem.model.noise_std) / offset) ** 2
    kappa = 2.0 * 150.0 * math.log(10.0)
    off = (60.0 * scale + 2.0 * offset * ratio * (1.0 + ratio)) / kappa
    tolerance = off if outside else 1e-12 * scale
    assert abs(float(limit.parallel - near.parallel)) < tolerance
    assert abs(float(limit.orthogonal - near.orthogonal)) < tolerance


@pytest.mark.parametrize("score", [s for s in SCORES if s not in (scores.EL2N, scores.Margin)])
def test_no_bias_no_limit_bias(score):
    """Label-free scores, and any even score of the perfect probe, stay at the teacher."""
    for rule in SELECTIVE:
        problem = example_problem(score, rule, angle=0.0, norm=1.0)
        assert float(nfl.small_fraction_limit(problem, _REGIME).excess_risk) == 0.0


@pytest.mark.parametrize("rule", SELECTIVE)
def test_crossover_definition(rule):
    """First order: where excess + C/n meets C_random/n; refined: 1/(m - d - 1) for both."""
    problem = example_problem(rule=rule, angle=0.2, norm=1.0, fraction=0.5)
    prediction, d, r = nfl.predict(problem, _REGIME), 5, 0.5
    random = nfl.predict(
        nfl.Problem(problem.model, problem.score, pruning.KeepRandom(r), problem.learner), _REGIME
    )
    first = float(nfl.crossover_sample_size(problem, _REGIME, refined=False))
    refined = float(nfl.crossover_sample_size(problem, _REGIME))
    if first > 0.0:
        ours = float(prediction.excess_risk + prediction.finite_size / first)
        assert ours == pytest.approx(float(random.finite_size) / first, rel=1e-12)
        assert refined == pytest.approx(first + (d + 1) / r, rel=1e-12)
    else:
        assert refined == 0.0
        assert float(prediction.finite_size) >= float(random.finite_size)


def test_crossover_of_many_dimensions():
    """k*/d = 1 + (sigma^2 + kappa q) / (q (1 - kappa)) as d grows, at rate 1/d."""
    problem = example_problem(rule=KeepEasiest, angle=0.4, norm=1.0, fraction=0.4)
    q = float(sum(x**2 for x in oracles.offset(problem)))
    kappa = float(oracles.slab(0.4, outside=False)[1])
    exact = 1.0 + (0.49 + kappa * q) / (q * (1.0 - kappa))
    gaps = []
    for dim in (100, 200):
        crossing = nfl.crossover_sample_size(problem, nfl.FixedDimension(dim))
        gaps.append(dim * (0.4 * float(crossing) / dim - exact))
    assert abs(gaps[0]) < 10.0
    assert gaps[1] == pytest.approx(gaps[0], rel=1e-6)


def test_crossover_where_there_is_none():
    hard = example_problem(angle=0.3, norm=1.0)  # worse in every direction and biased
    assert float(nfl.crossover_sample_size(hard, _REGIME)) == 0.0
    perfect = example_problem(rule=KeepEasiest, angle=0.0, norm=1.0)  # unbiased, and better
    assert np.isinf(nfl.crossover_sample_size(perfect, _REGIME))
    with pytest.raises(nfl.NoTheoryError, match="penalty must be 0"):
        nfl.crossover_sample_size(example_problem(penalty=0.1), _REGIME)
