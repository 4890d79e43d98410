"""Plateaus and crossovers from means that are made up."""

import math
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.assess.curves import trace
from nfl_sim.assess.plan import Setup, default_sizes

SIZES = (100, 200, 400, 800)
FRACTION, DIM = 0.5, 3


def setup(model=None, sizes=SIZES, fractions=(FRACTION,)):
    model = nfl.models.Linear(1.0, 1.0) if model is None else model
    return Setup.of(
        model, nfl.scores.Leverage(), rule="hardest", dim=DIM, fractions=fractions, sizes=sizes,
        replicates=1000, learner=None,
    )  # fmt: skip


def laboratory(score, *, error=0.02, failed=lambda n: 0.0, seed=0):
    """Means score(v) and 3 v, v = 1/(m - d - 1), with relative errors that are drawn."""
    rng = np.random.default_rng(seed)

    def run(problem, n):
        kept = nfl.num_kept(float(problem.rule.fraction), n)
        v = 1.0 / (kept - DIM - 1)
        random = isinstance(problem.rule, nfl.pruning.KeepRandom)
        mean = DIM * v if random else score(v)
        share = 0.0 if random else failed(n)
        risk = SimpleNamespace(mean=mean * (1.0 + error * rng.normal()), sem=error * mean)
        failures = {"separable": round(1000 * share)}
        return SimpleNamespace(
            excess_risk=risk, failed=failures, num_replicates=1000, num_kept=kept
        )

    return run


def only(score, **options):
    return trace(setup(), laboratory(score, **options), false_alarm=1e-6)[0]


def test_a_plateau_is_extrapolated_and_the_crossover_bracketed():
    """0.02 + v = 3 v at v = 1/100: m = 104, n = 208."""
    found = only(lambda v: 0.02 + v, error=0.01)
    assert found.plateau_found
    assert abs(found.plateau - 0.02) < 5.5 * found.plateau_sem
    assert found.crossover.kind == "bracketed"
    assert found.crossover.low < 208 <= found.crossover.high
    assert abs(found.crossover.estimate - 208.0) < 5.5 * found.crossover.sem
    assert found.winners[0] == "score"
    assert found.winners[-1] == "random"


def test_the_standard_error_of_the_crossover_is_honest():
    """Over 400 repetitions, standardised: the variance of 400 normals is within 0.6 to 1.5."""
    found = [only(lambda v: 0.02 + v, error=0.005, seed=seed).crossover for seed in range(400)]
    scores = np.array([(c.estimate - 208.0) / c.sem for c in found])
    assert abs(scores.mean()) < 0.3
    assert 0.6 < np.mean(scores**2) < 1.5


def test_random_pruning_may_win_from_the_outset():
    found = only(lambda v: 0.5 + v)
    assert found.crossover.kind == "below"
    assert found.crossover.high == SIZES[0]
    assert set(found.winners) == {"random"}


def test_a_plateau_too_low_for_the_sizes_gives_a_crossover_beyond_them():
    """0.003 + 0.5 v = 3 v at m = 4 + 2.5 / 0.003."""
    found = only(lambda v: 0.003 + 0.5 * v, error=0.01)
    assert found.crossover.kind == "beyond"
    assert found.crossover.low == SIZES[-1]
    known = (4 + 2.5 / 0.003) / FRACTION
    assert abs(found.crossover.estimate - known) < 5.5 * found.crossover.sem


def test_without_a_plateau_there_is_none_up_to_the_largest_size():
    found = only(lambda v: v)
    assert not found.plateau_found
    assert found.crossover.kind == "none"
    assert found.crossover.low == SIZES[-1]


def test_means_that_do_not_fit_are_not_extrapolated():
    found = only(lambda v: 0.02 + math.sin(60.0 * v) ** 2, error=1e-3)
    assert math.isnan(found.plateau)
    assert not found.plateau_found


def test_equal_rules_are_not_told_apart():
    found = only(lambda v: 3.0 * v)
    assert set(found.winners) == {"cannot be decided"}


def test_small_sizes_without_a_student_are_left_out():
    found = only(lambda v: 0.02 + v, error=0.005, failed=lambda n: 0.01 if n == 100 else 0.0)
    assert found.student == "exists"
    assert found.winners[0] == "cannot be decided"
    assert abs(found.plateau - 0.02) < 5.5 * found.plateau_sem


def test_where_no_student_exists_nothing_is_extrapolated():
    found = only(lambda v: 1.0, failed=lambda n: 1.0)
    assert found.student == "does not exist"
    assert found.crossover.kind == "cannot be decided"
    some = only(lambda v: 1.0, failed=lambda n: 0.3)
    assert some.student == "cannot be decided"


def test_a_null_is_rarely_alarmed():
    """2000 comparisons of equal rules at 1e-2 together a run: at most 15 of 250 runs err."""
    alarms = 0
    for seed in range(250):
        run = laboratory(lambda v: 3.0 * v, seed=seed)
        found = trace(setup(fractions=(0.5, 0.6)), run, false_alarm=0.01)
        alarms += any(c.plateau_found or set(c.winners) != {"cannot be decided"} for c in found)
    assert alarms <= 15  # binomial(250, 0.01) exceeds it with probability 3e-8


@pytest.mark.parametrize("model", [nfl.models.Logistic(1.0), nfl.models.Perceptron()])
def test_default_sizes_keep_rows_enough(model):
    sizes = default_sizes(model, 7, 0.05)
    assert all(math.log2(size).is_integer() for size in sizes)
    assert 0.05 * sizes[0] >= 4 * (7 + 2)
    assert isinstance(setup(model).learner, nfl.learners.Learner)
    assert float(jnp.asarray(getattr(setup(model).learner, "penalty", 0.0))) == 0.0
