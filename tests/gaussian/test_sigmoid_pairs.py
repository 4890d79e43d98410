"""Averages of the logistic function and their slopes, against a sum over a dense grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from nfl_sim.gaussian import sigmoid_moments

MEANS = np.array([-400.0, -120.0, -30.0, -3.0, -1e-3, 0.0, 0.7, 20.0, 400.0])
GRID = np.arange(-14.0, 14.0, 1e-3)
NORMAL = np.exp(-0.5 * GRID**2) / np.exp(-0.5 * GRID**2).sum()
STEPS = {0.0: 0.5, 1.5: 0.25, 6.0: 0.125, 24.0: 2.0**-5}  # of each std
PAIRS = pytest.mark.parametrize(("std", "step"), STEPS.items())


@PAIRS
def test_values_relative_to_their_size(std, step):
    """Down to exp(-400); a grid that ends at 9 lacks the tail that a large std meets there."""
    mean, moment = sigmoid_moments(jnp.asarray(MEANS), jnp.asarray(std), step)
    chances = expit(MEANS[:, None] + std * GRID)
    near = np.abs(MEANS) < 8.0 * std + 5.0 if std > 2.0 else MEANS > -350.0
    np.testing.assert_allclose(mean[near], (chances @ NORMAL)[near], rtol=1e-10)
    np.testing.assert_allclose(mean, chances @ NORMAL, atol=1e-13)
    np.testing.assert_allclose(moment, chances @ (NORMAL * GRID), atol=1e-13)


@PAIRS
def test_slopes(std, step):
    means, one = jnp.asarray(MEANS), jnp.ones(())
    in_mean, in_std = (
        jax.jvp(
            lambda mean, std: sigmoid_moments(mean, std, step),
            (means, jnp.asarray(std)),
            (along * jnp.ones_like(means), one - along),
        )[1]
        for along in (one, 0.0 * one)
    )
    logits = MEANS[:, None] + std * GRID
    slopes = expit(logits) * expit(-logits)
    first, second, third = (slopes @ (NORMAL * GRID**k) for k in range(3))
    for found, known in zip((*in_mean, *in_std), (first, second, second, third), strict=True):
        np.testing.assert_allclose(found, known, atol=2e-13)
