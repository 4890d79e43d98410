"""Theory against simulation over a small table; `make verify` holds the large one.

Every row cries wolf with probability 1e-6, over the choice of its key.
"""

import pytest

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Leverage, Uncertainty, Uniform
from tests.agreement import judge
from tests.strategies import example_problem

DIM = 3
SIZES = (200, 400, 800)

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
    # score, rule, fraction, dim, other numbers; 40 samples
    (Uniform, KeepRandom, 0.25, 3, {}),
    (Uniform, KeepRandom, 0.25, 14, {"signal": 2.0}),  # minimum norm: 10 rows
    (Uncertainty, KeepHardest, 0.5, 3, {"angle": 0.6}),
    (Uncertainty, KeepEasiest, 0.5, 3, {"angle": 0.6}),
    (EL2N, KeepHardest, 0.5, 3, {"angle": 0.0, "norm": 1.0}),
    (EL2N, KeepEasiest, 0.5, 3, {"angle": 0.0, "norm": 1.0}),
]


@pytest.mark.parametrize(("score", "rule", "numbers"), LIMITS)
def test_limit_and_rate(score, rule, numbers):
    problem = example_problem(score, rule, fraction=0.2, **numbers)
    found = judge(problem, nfl.FixedDimension(DIM), sizes=SIZES, num_replicates=2000)
    assert found.verdict == "agree", found


@pytest.mark.parametrize(("score", "rule", "fraction", "dim", "numbers"), EXACT)
def test_exact_mean(score, rule, fraction, dim, numbers):
    problem = example_problem(score, rule, fraction=fraction, **numbers)
    found = judge(problem, nfl.FiniteSample(dim, 40), sizes=(40,), num_replicates=8000)
    assert found.verdict == "agree", found
    assert found.sem < 0.03 * found.predicted
