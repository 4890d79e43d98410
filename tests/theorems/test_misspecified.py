"""T2 (f): the misspecified regression, and who is consistent on it."""

import dataclasses

import jax
import numpy as np
import pytest

from nfl_sim import models, scores
from nfl_sim.theorems import Cubic, push_curve
from tests.theorems.problems import DIM, linear

KEY = jax.random.key(8)
BENT = Cubic(1.0, 0.7, 1.0)


def test_the_best_linear_student_is_the_teacher_all_the_same():
    covariates, labels = BENT.sample(KEY, 400_000, DIM, np.float64)
    gradient = np.asarray(covariates * (labels - covariates[:, 0])[:, None])
    sems = np.std(gradient, axis=0) / np.sqrt(len(gradient))
    assert np.all(np.abs(np.mean(gradient, axis=0)) < 5.5 * sems)
    assert np.var(np.asarray(labels)) == pytest.approx(1.0 + 0.7**2 + 1.0, rel=0.02)


def test_a_score_without_labels_is_inconsistent_on_it_alone():
    straight = linear(scores.Uncertainty, angle=0.3)
    assert push_curve(straight, DIM, KEY, draws=1_000_000).verdict() == "consistent"
    bent = dataclasses.replace(straight, model=BENT)
    curve = push_curve(bent, DIM, KEY, draws=100_000)
    assert curve.verdict() == "inconsistent"


def test_the_curve_is_the_polynomial_of_the_note():
    """w_p along e_1: E[-2 eps x_1 | |x_1| = t] = -2 b (t^4 - 3 t^2) / sqrt 6; 5.5 sigma a bin."""
    bent = dataclasses.replace(linear(scores.Uncertainty, angle=0.0), model=BENT)
    curve = push_curve(bent, DIM, KEY, draws=200_000)
    places = np.abs(np.random.default_rng(0).normal(size=4_000_000))
    order = np.sort(places)[::-1]  # the score is -|w_p.x|
    values = -2.0 * 0.7 * (order**4 - 3.0 * order**2) / np.sqrt(6.0)
    expected = [np.mean(part) for part in np.array_split(values, len(curve.quantiles))]
    gaps = curve.means[:, 0] - np.array(expected)
    # The bins of 200000 samples end elsewhere than those of 4 million: a tenth more.
    assert np.all(np.abs(gaps) < 6.0 * curve.sems[:, 0] + 0.02)


def test_the_teachers_residual_is_inconsistent_on_it():
    curve = push_curve(dataclasses.replace(linear(angle=0.0), model=BENT), DIM, KEY, draws=100_000)
    assert curve.verdict() == "inconsistent"


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="noise_std must lie in"):
        Cubic(1.0, 0.7, 0.0)
    assert not Cubic.binary
    assert isinstance(BENT, models.Model)
