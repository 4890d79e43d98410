"""Theory against simulation over a small table; `make verify` holds the large one.

Every row cries wolf with probability 1e-6, over the choice of its key.
"""

import pytest

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Leverage, Uncertainty, Uniform
from tests.agreement import DIM, FRACTION, HALF, SIZES, SMALL, judge
from tests.strategies import example_problem

# Rows of one score and rule share their compilations: only numbers differ.
LIMITS = [
    (EL2N, KeepHardest, {"angle": 0.6}),
    (EL2N, KeepHardest, {"norm": 0.0, "penalty": 0.3}),
    (EL2N, KeepHardest, {"angle": 3.0, "norm": 0.3, "signal": 0.5, "noise_std": 2.0}),
    (EL2N, KeepEasiest, {"angle": 0.6}),
    (EL2N, KeepEasiest, {"angle": -1.2, "norm": 1.5, "penalty": 0.2}),
    (GraNd, KeepHardest, {"angle": 0.6}),
    (GraNd, KeepHardest, {"angle": 1.5, "norm": 0.5, "penalty": 0.4}),
    (Leverage, KeepHardest, {"penalty": 0.5}),
    (Leverage, KeepHardest, {"penalty": 0.1, "signal": 2.0, "noise_std": 1.5}),
]

EXACT = [
    # score, rule, dim, other numbers; 20 of 40 samples
    (Uniform, KeepRandom, DIM, {}),
    (Uniform, KeepRandom, 26, {"signal": 2.0}),  # fewer rows than dimensions: minimum norm
    (Uncertainty, KeepHardest, DIM, {"angle": 0.6}),
    (Uncertainty, KeepEasiest, DIM, {"angle": 0.6}),
    (EL2N, KeepHardest, DIM, {"angle": 0.0, "norm": 1.0}),
    (EL2N, KeepEasiest, DIM, {"angle": 0.0, "norm": 1.0}),
]


@pytest.mark.parametrize(("score", "rule", "numbers"), LIMITS)
def test_limit_and_rate(score, rule, numbers):
    problem = example_problem(score, rule, fraction=FRACTION, **numbers)
    found = judge(problem, nfl.FixedDimension(DIM), sizes=SIZES, num_replicates=3000)
    assert found.verdict == "agree", found


@pytest.mark.parametrize(("score", "rule", "dim", "numbers"), EXACT)
def test_exact_mean(score, rule, dim, numbers):
    problem = example_problem(score, rule, fraction=HALF, **numbers)
    found = judge(problem, nfl.FiniteSample(dim, SMALL), sizes=(SMALL,), num_replicates=8000)
    assert found.verdict == "agree", found
    assert found.sem < 0.03 * found.predicted
