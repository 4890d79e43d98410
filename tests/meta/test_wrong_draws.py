"""The tests of the draws are tested too: a draw that is nearly right must be rejected."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nfl_sim.pruning import KeepEasiest, SoftCalibration
from nfl_sim.simulation.draws import _energy, _order_statistics
from tests.simulation.laws import draws_of, same_law
from tests.strategies import example_problem

COUNT = 6000
SIZES = {"dim": 8, "num_samples": 200}
# The spread of the threshold is half of the variance along the teacher.
SHARP = example_problem(rule=KeepEasiest, fraction=0.4, angle=np.pi, norm=2.0, noise_std=1.0)
# All are kept, one of them on top: the threshold's own sample is the largest of the rest.
SPLIT = example_problem(rule=lambda fraction: SoftCalibration(fraction, 0.05), fraction=1.0)
SMALL = {"dim": 2, "num_samples": 20}


@pytest.fixture(autouse=True)
def fresh():
    """What is compiled here has the wrong draw in it."""
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.fixture(scope="module")
def sharp_rows():
    return draws_of(SHARP, "rows", COUNT, **SIZES)


def at_the_quantile(key, num_samples, counts, size, *, stratified):
    """I.i.d. masses below k/n, in order."""
    share = (counts.top / num_samples).astype(jnp.float64)
    place = jnp.arange(size) < counts.top
    chance = jnp.where(place, jax.random.uniform(key, (size,), jnp.float64), 2.0)
    return share * jnp.sort(chance)


def test_a_threshold_at_its_quantile_is_rejected(monkeypatch, sharp_rows):
    monkeypatch.setattr(_order_statistics, "kept_masses", at_the_quantile)
    assert not same_law(sharp_rows, draws_of(SHARP, "conditional", COUNT, **SIZES))


def test_so_it_is_by_risk_and_student_alone(monkeypatch, sharp_rows):
    """Not only because the threshold itself is reported."""
    monkeypatch.setattr(_order_statistics, "kept_masses", at_the_quantile)
    wrong = draws_of(SHARP, "conditional", COUNT, **SIZES)
    for name in ("threshold", "training_loss"):
        wrong[name] = sharp_rows[name]
    assert not same_law(sharp_rows, wrong)


def test_the_threshold_s_own_sample_must_not_be_forgotten(monkeypatch):
    """The rest i.i.d. beyond the first of the rest, which is left out, instead of the last on top.

    Of 20 all kept with one on top, the second largest goes missing.
    """
    rows = draws_of(SPLIT, "rows", COUNT, **SMALL)
    assert same_law(rows, draws_of(SPLIT, "sufficient", COUNT, **SMALL))
    jax.clear_caches()
    right = _energy._energy_of_rest

    def beyond_the_next(key, last, count, outward, chunk):
        gap_key, rest_key = jax.random.split(key)
        gap = 1.0 - jax.random.uniform(gap_key, (), jnp.float64) ** (1.0 / 19)
        return right(rest_key, last + (1.0 - last) * gap, count, outward, chunk)

    monkeypatch.setattr(_energy, "_energy_of_rest", beyond_the_next)
    assert not same_law(rows, draws_of(SPLIT, "sufficient", COUNT, **SMALL))
