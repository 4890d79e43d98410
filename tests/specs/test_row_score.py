"""A score by a plain function: run on every model, pointwise by construction, refused by theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.scores import RowScore

PROBE = nfl.Probe(angle=0.6, norm=0.8)
KEY = jax.random.key(0)
SIZES = {"dim": 3, "num_samples": 64, "num_replicates": 64}


def margin(x):
    w = PROBE.plane.astype(x.dtype)
    return w[0] * x[0] + w[1] * x[1]


def uncertainty(x, y):
    return -jnp.abs(margin(x))


MODELS = (nfl.models.Linear(1.0, 1.0), nfl.models.Logistic(1.0), nfl.models.Perceptron())


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_known_score_written_as_a_function_is_simulated_alike(model):
    """The same key draws the same rows, keeps the same ones, and trains the same students."""
    rule, learner = nfl.pruning.KeepHardest(0.5), nfl.learners.Ridge(0.1)
    own, known = (
        nfl.simulate(
            KEY, nfl.Problem(model, score, rule, learner), **SIZES, method="rows"
        ).excess_risk
        for score in (RowScore(uncertainty), nfl.scores.Uncertainty(PROBE))
    )
    assert own.num_replicates == 64
    assert own.mean == pytest.approx(known.mean, rel=1e-6)
    assert own.sem == pytest.approx(known.sem, rel=1e-6)


def problem(score, rule):
    return nfl.Problem(nfl.models.Linear(1.0, 1.0), score, rule, nfl.learners.Ridge(0.0))


@pytest.mark.parametrize("regime", [nfl.FixedDimension(3), nfl.Proportional(4.0)])
def test_theory_refuses_it_by_name_and_says_what_to_do(regime):
    own = problem(RowScore(uncertainty), nfl.pruning.KeepHardest(0.5))
    with pytest.raises(nfl.NoTheoryError, match=r"'uncertainty'.*nfl_sim.assess\(key, model"):
        nfl.predict(own, regime)


def test_at_random_it_does_not_matter():
    found, known = (
        nfl.predict(problem(score, nfl.pruning.KeepRandom(0.5)), nfl.FixedDimension(3))
        for score in (RowScore(uncertainty), nfl.scores.Uniform())
    )
    assert found.finite_size == known.finite_size


def test_truth_values_and_whole_numbers_become_scores():
    x = jnp.asarray([[1.0, 2.0], [-1.0, 2.0]], jnp.float32)
    view = nfl.scores.View({"covariates": x, "label": jnp.ones(2, jnp.float32)})
    for function in (lambda x, y: x[0] > 0.0, lambda x, y: (x[0] > 0.0).astype(jnp.int32)):
        found = RowScore(function)(view)
        assert found.dtype == jnp.float32
        np.testing.assert_array_equal(found, [1.0, 0.0])


def test_a_function_cannot_reach_another_row():
    """A mean over all that it is given is that of its own row."""
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)))
    view = nfl.scores.View({"covariates": x, "label": x[:, 0]})
    np.testing.assert_allclose(RowScore(lambda x, y: x.mean())(view), x.mean(axis=1))
    centred = RowScore(lambda x, y: y - y.mean(), batched=True)
    np.testing.assert_array_equal(centred(view), jnp.zeros(5))


def test_it_is_called_what_its_function_is_called():
    assert RowScore(uncertainty).name == "uncertainty"
    assert RowScore(uncertainty, "own").name == "own"
