"""The logistic theory against simulation, with the linear influence as control variate.

Every check cries wolf with probability 1e-6, over the choice of its key.
"""

import math

import jax
import pytest

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest
from nfl_sim.scores import GraNd
from tests.agreement import CRITICAL, FALSE_ALARM
from tests.strategies import example_logistic_problem

DIM, SIZES, REPLICATES = 3, (400, 800, 1600), 400
REGIME = nfl.FixedDimension(DIM)
CASES = [
    (GraNd, KeepEasiest, {"fraction": 0.6, "penalty": 0.1, "flip_probability": 0.1}),
]


@pytest.mark.parametrize(("score", "rule", "numbers"), CASES)
def test_limit_and_rate(score, rule, numbers):
    problem = example_logistic_problem(score, rule, **numbers)
    control, root = nfl.linear_influence(problem, REGIME), jax.random.key(3)
    runs = [
        nfl.simulate(
            jax.random.fold_in(root, size),
            problem,
            dim=DIM,
            num_samples=size,
            num_replicates=REPLICATES,
            control=control,
        )
        for size in SIZES
    ]
    found = nfl.compare(nfl.predict(problem, REGIME), runs, false_alarm=FALSE_ALARM)
    assert found.verdict == "agree", found
    largest = runs[-1]
    plain, controlled = largest.excess_risk, largest.controlled_risk
    # The control has mean zero, so the two means differ by its sampling error alone.
    spread = math.hypot(plain.sem, controlled.sem)
    assert abs(plain.mean - controlled.mean) <= CRITICAL * spread
    assert (plain.sem / controlled.sem) ** 2 > 10.0
