"""Values that cannot be refused, because they are traced, give nan and ``converged=False``."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepHardest, KeepRandom
from tests.strategies import example_problem
from tests.theory.shapes import hasty_jit

_NAN, _INF = float("nan"), float("inf")
_BAD = {
    "fraction": (-1.0, 0.0, 2.0, _NAN),
    "noise_std": (-0.5, 0.0, _INF),
    "signal": (-1.0, _NAN),
    "norm": (-0.1, _INF),
    "angle": (_NAN, _INF),
    "penalty": (-0.1, _NAN),
}
_GOOD = {
    "fraction": 0.3,
    "noise_std": 0.7,
    "signal": 1.0,
    "norm": 0.8,
    "angle": 0.6,
    "penalty": 0.1,
}


def _rows(good):
    """One good row, and every row with one bad value."""
    rows = [good]
    for name, values in _BAD.items():
        rows += [good | {name: value} for value in values]
    return {name: jnp.array([row[name] for row in rows]) for name in good}


def _check(prediction, names):
    assert np.array(prediction.converged).tolist() == [True] + [False] * 15
    for name in names:
        numbers = np.array(getattr(prediction, name))
        assert np.isfinite(numbers[0])
        assert np.all(np.isnan(numbers[1:]))


@pytest.mark.parametrize(
    ("score", "rule"),
    [(scores.EL2N, KeepHardest), (scores.Leverage, KeepRandom), (scores.GraNd, KeepHardest)],
)
def test_fixed_dimension(score, rule):
    def predict(row):
        return nfl.predict(example_problem(score, rule, **row), nfl.FixedDimension(5))

    names = ("excess_risk", "finite_size", "parallel", "numerical_error", "training_loss")
    rows = _rows(_GOOD)
    if score is scores.Leverage:  # it has no probe: let the rows about it be bad by their fraction
        bad = jnp.isnan(rows["angle"]) | jnp.isinf(rows["angle"])
        bad |= (rows["norm"] < 0.0) | jnp.isinf(rows["norm"])
        rows["fraction"] = jnp.where(bad, -1.0, rows["fraction"])
    _check(hasty_jit(jax.vmap(predict))(rows), names)


def test_finite_sample():
    """The exact laws know the perfect probe and no penalty; the rest is bad, too."""

    def predict(row):
        return nfl.predict(example_problem(**row), nfl.FiniteSample(5, 100))

    rows = _rows(_GOOD | {"angle": 0.0, "norm": 1.0, "penalty": 0.0})
    _check(hasty_jit(jax.vmap(predict))(rows), ("excess_risk", "parallel", "numerical_error"))


def test_limit_and_crossover():
    regime = nfl.FixedDimension(5)

    def limit(row):
        return nfl.small_fraction_limit(example_problem(**row), regime)

    def crossover(row):
        return nfl.crossover_sample_size(example_problem(**row), regime)

    rows = _rows(_GOOD | {"penalty": 0.0})
    _check(hasty_jit(jax.vmap(limit))(rows), ("excess_risk", "parallel"))
    crossings = np.array(hasty_jit(jax.vmap(crossover))(rows))
    assert np.isfinite(crossings[0])
    assert np.all(np.isnan(crossings[1:]))


def test_a_traced_probe_off_the_line_has_no_place_in_one_dimension():
    def predict(angle):
        return nfl.predict(example_problem(angle=angle), nfl.FixedDimension(1))

    prediction = hasty_jit(jax.vmap(predict))(jnp.array([0.0, jnp.pi, 0.6]))
    assert np.array(prediction.converged).tolist() == [True, True, False]
    assert np.isnan(prediction.excess_risk).tolist() == [False, False, True]


def test_a_concrete_problem_can_be_predicted_inside_jit():
    problem = example_problem(angle=0.0)
    for dim in (1, 5):
        regime = nfl.FixedDimension(dim)
        inside = hasty_jit(lambda regime=regime: nfl.predict(problem, regime).excess_risk)()
        outside = nfl.predict(problem, regime).excess_risk
        assert float(inside) == pytest.approx(float(outside), rel=1e-12)


def test_a_value_put_in_behind_the_constructor_is_seen_as_well():
    problem = jax.tree.map(lambda leaf: -leaf, example_problem())
    prediction = nfl.predict(problem, nfl.FixedDimension(5))
    assert not bool(prediction.converged)
    assert np.isnan(prediction.excess_risk)
