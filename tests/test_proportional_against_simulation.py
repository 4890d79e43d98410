"""One cell a family in the proportional regime; the table of them is in `verify`."""

import dataclasses

import jax
import pytest

import nfl_sim as nfl
from nfl_sim.learners import LogisticRegression, MaxMargin, Ridge
from nfl_sim.models import Linear, Logistic, Perceptron
from nfl_sim.pruning import ExactCalibration, KeepHardest
from nfl_sim.scores import EL2N, Uncertainty

RATIO, DIMS = 4, (8, 16, 32)
PROBE = nfl.Probe(0.5, 1.0)
CASES = {
    "ridge": nfl.Problem(Linear(1.0, 1.0), EL2N(PROBE), KeepHardest(0.5), Ridge(0.1)),
    "logistic": nfl.Problem(Logistic(2.0), EL2N(PROBE), KeepHardest(0.5), LogisticRegression(0.1)),
    "ridge, exact calibration": nfl.Problem(
        Linear(1.0, 1.0), EL2N(PROBE), ExactCalibration(0.5, 0.5), Ridge(0.1)
    ),
    "margin": nfl.Problem(Perceptron(), Uncertainty(PROBE), KeepHardest(0.5), MaxMargin()),
}


def ladder(problem, replicates=1024):
    return [
        nfl.simulate(
            jax.random.key(17), problem, dim=d, num_samples=RATIO * d, num_replicates=replicates
        )
        for d in DIMS
    ]


@pytest.mark.parametrize("problem", CASES.values(), ids=CASES)
def test_theory_agrees_and_half_as_much_again_does_not(problem):
    """False alarm 1e-6; the wrong prediction is 50 % off, some ten standard errors or more."""
    runs = ladder(problem)
    prediction = nfl.predict(problem, nfl.Proportional(RATIO))
    agreement = nfl.compare(prediction, runs)
    assert agreement.verdict == "agree", str(agreement)
    wrong = dataclasses.replace(prediction, excess_risk=1.5 * prediction.excess_risk)
    assert nfl.compare(wrong, runs).verdict == "disagree"
