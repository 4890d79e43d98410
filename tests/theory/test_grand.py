"""GraNd by quadrature, against another quadrature; and its honesty about its own error."""

import math

import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest
from tests.strategies import example_problem
from tests.theory.grand_oracle import finite_size, grand

_REGIME = nfl.FixedDimension(5)
_HARD = [(KeepHardest, offset) for offset in (0.05, 0.7, 2.0, 8.0)]
_CASES = pytest.mark.parametrize(
    ("rule", "offset"), [*_HARD, (KeepEasiest, 0.7), (KeepEasiest, 2.0)]
)
_FRACTIONS = pytest.mark.parametrize("fraction", [1e-4, 0.05, 0.5, 0.95])


def _predict(rule, offset, fraction):
    problem = example_problem(
        scores.GraNd, rule, norm=0.0, signal=offset, noise_std=1.0, fraction=fraction
    )
    return nfl.predict(problem, _REGIME)


@_CASES
@_FRACTIONS
def test_limit(rule, offset, fraction):
    prediction = _predict(rule, offset, fraction)
    hardest = rule is KeepHardest
    exact = grand(float(prediction.threshold), offset, 1.0, _REGIME.dim, hardest=hardest)
    assert abs(math.exp(exact.log_mass) / fraction - 1.0) < 1e-9
    error = abs(float(prediction.excess_risk) - exact.excess)
    assert error < 1e-8 * exact.excess
    assert error <= 10.0 * float(prediction.numerical_error) + 1e-12
    assert abs(2.0 * float(prediction.training_loss) / exact.residual - 1.0) < 1e-8
    covariance = np.array(prediction.covariance)
    variance = fraction * (np.trace(covariance[:2, :2]) + 3.0 * covariance[2, 2])
    assert variance >= exact.variance * (1.0 - 1e-8)  # the threshold only adds
    assert covariance[1, 1] == pytest.approx(covariance[2, 2], rel=1e-9)
    assert bool(prediction.converged)


@_CASES
@pytest.mark.parametrize("fraction", [1e-4, 0.4])
def test_finite_size(rule, offset, fraction):
    prediction = _predict(rule, offset, fraction)
    hardest, threshold = rule is KeepHardest, float(prediction.threshold)
    exact, size = finite_size(threshold, offset, 1.0, _REGIME.dim, hardest=hardest)
    assert abs(float(prediction.finite_size) - exact) < 1e-6 * size


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])
def test_keeping_everything(rule):
    prediction = _predict(rule, 0.7, 1.0)
    assert float(prediction.excess_risk) < 1e-20
    assert float(prediction.finite_size) == pytest.approx(_REGIME.dim, rel=1e-9)


def test_the_limit_of_many_dimensions_is_el2n():
    """|x| concentrates: the difference falls like 1/dim."""

    def gap(dim):
        pair = [
            example_problem(score, norm=0.0, signal=0.7, noise_std=1.0)
            for score in (scores.GraNd, scores.EL2N)
        ]
        grand, el2n = (nfl.predict(p, nfl.FixedDimension(dim)).excess_risk for p in pair)
        return float(el2n - grand)

    near, far = gap(10), gap(20)
    assert far > 0.0
    assert 1.6 < near / far < 2.4
