"""What is refused in the proportional regime, and derivatives through its implicit solutions."""

import math

import jax
import jax.numpy as jnp
import pytest

import nfl_sim as nfl
from nfl_sim.learners import Hinge, MaxMargin
from nfl_sim.models import Linear, Perceptron
from nfl_sim.pruning import KeepHardest
from nfl_sim.scores import EL2N, Margin, Uncertainty


def margin(flip=0.0, score=Uncertainty, ratio=10.0, learner=None):
    problem = nfl.Problem(
        Perceptron(flip), score(nfl.Probe(0.3, 1.0)), KeepHardest(0.5), learner or MaxMargin()
    )
    return nfl.predict(problem, nfl.Proportional(ratio))


def test_what_is_impossible_is_refused_by_name():
    with pytest.raises(ValueError, match=r"use Hinge\(penalty\)"):
        margin(flip=0.1)
    with pytest.raises(nfl.NoTheoryError, match="two values on Perceptron"):
        margin(score=EL2N)
    for ratio in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="sample_ratio must lie in"):
            nfl.Proportional(ratio)
    with pytest.raises(ValueError, match="needs labels"):
        nfl.Problem(Linear(1.0, 1.0), Margin(nfl.Probe(0.3, 1.0)), KeepHardest(0.5), Hinge(0.1))


def test_gradients_are_those_of_finite_differences():
    """Of the error in angle, fraction, ratio, penalty and flips, through the implicit solution."""

    def error(x):
        angle, fraction, ratio, penalty, flip = x
        problem = nfl.Problem(
            Perceptron(flip),
            Uncertainty(nfl.Probe(angle, 1.0)),
            KeepHardest(fraction),
            Hinge(penalty),
        )
        return nfl.predict(problem, nfl.Proportional(ratio)).error

    point = jnp.array([0.5, 0.4, 6.0, 0.1, 0.1])
    found = jax.jacfwd(error)(point)
    for k in range(5):
        step = jnp.zeros(5).at[k].set(1e-5)
        slope = (error(point + step) - error(point - step)) / 2e-5
        assert float(found[k]) == pytest.approx(float(slope), rel=1e-5, abs=1e-8)
