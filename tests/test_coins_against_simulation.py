"""Rules that toss coins: theory against simulation, and rules that cannot be simulated."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

import nfl_sim as nfl
from nfl_sim import learners, models, scores
from nfl_sim.pruning import ImportanceSampling, PoissonRule
from nfl_sim.validation import Scalar
from tests.agreement import FALSE_ALARM, ladder

_PROBE = nfl.Probe(angle=0.5, norm=1.2)


def test_limit_and_rate():
    """Each check accepts a right theory but for one key in a million; `verify` has the table."""
    rule = ImportanceSampling(0.4, 1.5, reweight=False)
    problem = nfl.Problem(models.Linear(1.0, 1.0), scores.EL2N(_PROBE), rule, learners.Ridge(0.0))
    right = nfl.predict(problem, nfl.FixedDimension(3))
    runs = ladder(problem, dim=3, sizes=(240, 480, 960), num_replicates=2048)
    assert sum(runs[0].failed.values()) == 0
    assert nfl.compare(right, runs, false_alarm=FALSE_ALARM).verdict == "agree"
    shifted = dataclasses.replace(right, excess_risk=right.excess_risk + 0.02)
    assert nfl.compare(shifted, runs).verdict == "disagree"


def test_what_is_kept_has_the_probability_that_it_should():
    """The level meets the budget on every sample; kept losses are unbiased for all losses."""
    rule = ImportanceSampling(0.3, floor=0.1)
    scored = jnp.abs(jax.random.normal(jax.random.key(1), (500,)))
    losses = scored**2

    def once(key):
        coins = nfl.simulation.steps.toss(key, rule, scored)
        kept = jnp.where(coins.kept, coins.weights * losses, 0.0)
        return jnp.mean(coins.probabilities), jnp.mean(kept), jnp.sum(coins.kept)

    mean, kept, count = jax.vmap(once)(jax.random.split(jax.random.key(2), 4000))
    assert jnp.max(jnp.abs(mean - 0.3)) < 1e-10
    for values, expected in ((kept, jnp.mean(losses)), (count.astype(float), 150.0)):
        sem = jnp.std(values) / jnp.sqrt(4000.0)
        assert abs(float(jnp.mean(values) - expected)) < 5.0 * float(sem)  # 6e-7


def test_too_few_kept_is_a_failure():
    """Fewer than dim + 4 rows are no sample to average over."""
    problem = nfl.Problem(
        models.Linear(1.0, 1.0),
        scores.EL2N(_PROBE),
        ImportanceSampling(0.2, floor=0.5),
        learners.Ridge(0.1),
    )
    run = nfl.simulate(jax.random.key(0), problem, dim=3, num_samples=35, num_replicates=256)
    assert 64 < run.failed["too_few_kept"] < 192
    assert run.excess_risk.num_replicates == 256 - run.failed["too_few_kept"]


class Careless(PoissonRule):
    """Its inclusion is whatever it was given."""

    fraction: Scalar
    chance: Scalar

    def inclusion(self, score, level):
        return self.chance + 0.0 * (score + level)


@pytest.mark.parametrize(
    ("chance", "match"), [(1.2, r"in \[0, 1\], got 1.2"), (0.5, r"fraction=0.3.*mean 0.5")]
)
def test_bad_rules_are_named(chance, match):
    rule = Careless(jnp.asarray(0.3), jnp.asarray(chance))
    problem = nfl.Problem(models.Linear(1.0, 1.0), scores.EL2N(_PROBE), rule, learners.Ridge(0.1))
    with pytest.raises(ValueError, match=match):
        nfl.simulate(jax.random.key(0), problem, dim=3, num_samples=50, num_replicates=4)
    with pytest.raises(ValueError, match=match):
        nfl.predict(problem, nfl.FixedDimension(3))
