"""Predictions in high dimension under jit, vmap and grad, and what they refuse."""

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.learners import Hinge, LogisticRegression, MaxMargin, Ridge
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Loss, Margin, PointwiseScore, Uncertainty
from tests.strategies import example_logistic_problem, example_problem
from tests.theory.proportional.problems import at, logistic, perceptron, student
from tests.theory.shapes import hasty_jit, with_score


def _widest(numbers):
    return perceptron(KeepHardest, angle=numbers["angle"], fraction=numbers["fraction"])


def _softened(numbers):
    given = {name: numbers[name] for name in ("angle", "fraction", "flip_probability")}
    return perceptron(KeepHardest, learner=Hinge(numbers["penalty"]), **given)


def _penalised(numbers):
    given = {name: value for name, value in numbers.items() if name != "ratio"}
    return logistic(KeepEasiest, EL2N, **given)


def _ridged(numbers):
    given = {name: value for name, value in numbers.items() if name not in ("ratio", "penalty")}
    return logistic(KeepHardest, Uncertainty, learner=Ridge(numbers["penalty"]), **given)


_SHARED = {"angle": 0.5, "fraction": 0.4, "ratio": 6.0}
_NOISY = {**_SHARED, "penalty": 0.1, "flip_probability": 0.1}
CASES = [(_widest, _SHARED), (_softened, _NOISY), (_ridged, {**_NOISY, "signal": 1.3})]


def _reader(build):
    """The error and the excess risk as a function of the numbers."""

    def read(numbers):
        found = nfl.predict(build(numbers), nfl.Proportional(numbers["ratio"]))
        return jnp.stack([found.error, found.excess_risk])

    return read


def _traced(numbers):
    return {name: jnp.asarray(value) for name, value in numbers.items()}


@pytest.mark.parametrize(("build", "numbers"), CASES)
def test_gradients_in_every_scalar(build, numbers):
    """By central differences; and jit changes nothing."""
    read = _reader(build)
    values, slopes = hasty_jit(lambda x: (read(x), jax.jacfwd(read)(x)))(_traced(numbers))
    np.testing.assert_allclose(values, read(numbers), rtol=1e-7)
    for name, value in numbers.items():
        step = 1e-4 * value
        high, low = (np.asarray(read({**numbers, name: value + k * step})) for k in (1, -1))
        expected = (high - low) / (2.0 * step)
        np.testing.assert_allclose(slopes[name], expected, rtol=2e-5, atol=2e-6, err_msg=name)


def test_the_slope_of_logistic_regression_along_a_line():
    """That moves all six numbers at once."""
    numbers, read = {**_NOISY, "signal": 1.3}, _reader(_penalised)
    rates = dict(zip(numbers, (0.3, -0.2, 1.0, 0.02, 0.05, -0.4), strict=True))

    def at_time(time):
        return read({name: value + time * rates[name] for name, value in numbers.items()})

    now = jnp.zeros(())
    value, slope = hasty_jit(lambda t: jax.jvp(at_time, (t,), (jnp.ones(()),)))(now)
    np.testing.assert_allclose(value, at_time(now), rtol=1e-7)
    high, low = (np.asarray(at_time(jnp.asarray(t))) for t in (1e-4, -1e-4))
    np.testing.assert_allclose(slope, (high - low) / 2e-4, rtol=2e-5, atol=2e-6)


def test_reverse_gradients_are_forward_gradients():
    def error(angle):
        problem = logistic(KeepHardest, Margin, learner=Ridge(0.1), angle=angle)
        return nfl.predict(problem, nfl.Proportional(3.0)).error

    angle = jnp.asarray(0.6)
    back, forth = hasty_jit(lambda x: (jax.grad(error)(x), jax.jacfwd(error)(x)))(angle)
    assert float(back) == pytest.approx(float(forth), rel=1e-10)


def test_a_mapped_curve_is_its_points():
    ratios = np.array([0.5, 3.0, 40.0])

    def error(ratio):
        return nfl.predict(perceptron(), nfl.Proportional(ratio)).error

    curve = hasty_jit(jax.vmap(error))(jnp.asarray(ratios))
    np.testing.assert_allclose(curve, [float(error(r)) for r in ratios], rtol=1e-7)


def test_bad_traced_values_give_nan():
    @hasty_jit
    def both(numbers):
        given = {name: value for name, value in numbers.items() if name not in ("ratio", "penalty")}
        problem = logistic(KeepHardest, EL2N, learner=Ridge(numbers["penalty"]), **given)
        found = nfl.predict(problem, nfl.Proportional(numbers["ratio"]))
        return found.excess_risk, found.converged

    good = {**_SHARED, "penalty": 0.1, "signal": 1.3, "flip_probability": 0.1, "norm": 1.0}
    bad = {
        "fraction": 1.5, "signal": -1.0, "norm": 0.0, "penalty": -0.1, "flip_probability": 0.7,
        "ratio": -1.0,
    }  # fmt: skip
    for row in (good, *({**good, name: value} for name, value in bad.items())):
        excess, converged = both({name: jnp.asarray(value) for name, value in row.items()})
        assert bool(converged) is (row is good), row
        assert bool(jnp.isfinite(excess)) is (row is good), row


def test_a_traced_penalty_may_be_none():
    """Then whether there is a student is decided while it runs."""
    problem = logistic(KeepHardest, EL2N)
    border = float(nfl.separability_ratio(problem))

    @hasty_jit
    def predict(penalty, ratio):
        problem = logistic(KeepHardest, EL2N, penalty=penalty)
        return nfl.predict(problem, nfl.Proportional(ratio))

    for penalty, factor, exists in ((0.05, 0.5, True), (0.0, 0.5, False)):
        found = predict(jnp.asarray(penalty), jnp.asarray(factor * border))
        assert bool(found.converged)
        assert bool(found.exists) is exists
        if exists:
            known = at(problem, factor * border)
            np.testing.assert_allclose(student(found), student(known), rtol=1e-8)


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.inf, math.nan])
def test_ratios_that_are_none(ratio):
    with pytest.raises(ValueError, match="sample_ratio"):
        nfl.Proportional(ratio)


@pytest.mark.parametrize("score", [EL2N, Loss, GraNd])
def test_scores_of_two_values_are_refused_by_name(score):
    with pytest.raises(nfl.NoTheoryError, match=f"{score.__name__} takes two values.*Margin"):
        nfl.predict(perceptron(KeepHardest, score), nfl.Proportional(3.0))
    random = perceptron(KeepRandom, score)
    assert bool(nfl.predict(random, nfl.Proportional(3.0)).converged)


class Long(PointwiseScore):
    """Sees the norm."""

    sees: ClassVar = frozenset({"norm", "probe_margin"})
    probe: nfl.Probe

    def __call__(self, view):
        return view.norm * view.probe_margin


def test_what_has_no_theory_is_refused_by_name():
    regime, probe = nfl.Proportional(3.0), nfl.Probe(0.4, 1.0)
    for problem in (perceptron(), logistic(), example_problem()):
        with pytest.raises(nfl.NoTheoryError, match=r"Long.*sees the norm.*EL2N"):
            nfl.predict(with_score(problem, Long(probe)), regime)

    class Middle(nfl.pruning.PointwiseRule):
        """Keeps neither the hardest nor the easiest."""

        fraction: jax.Array
        draw: ClassVar = "top"

        def priority(self, score):
            return -jnp.abs(score)

        def inclusion(self, score, level):
            return (jnp.abs(score) <= level).astype(score.dtype)

    strange = eqx.tree_at(lambda p: p.rule, perceptron(), Middle(jnp.asarray(0.5)))
    with pytest.raises(nfl.NoTheoryError, match=r"Middle.*KeepHardest.*SoftCalibration"):
        nfl.predict(strange, regime)
    with pytest.raises(nfl.NoTheoryError, match=r"Middle.*KeepHardest.*SoftCalibration"):
        nfl.separability_ratio(strange)

    class Sleeper(nfl.learners.Learner):
        """Learns nothing."""

        def fit(self, covariates, labels, weights, *, underdetermined=None):
            raise NotImplementedError

        def training_loss(self, student, covariates, labels, weights):
            raise NotImplementedError

    lazy = eqx.tree_at(lambda p: p.learner, perceptron(), Sleeper())
    with pytest.raises(nfl.NoTheoryError, match=r"Sleeper.*MaxMargin"):
        nfl.predict(lazy, regime)


def test_learners_of_signs_are_refused_on_real_labels():
    for learner in (LogisticRegression(0.1), Hinge(0.1), MaxMargin()):
        with pytest.raises(ValueError, match="needs labels"):
            nfl.Problem(
                nfl.models.Linear(1.0, 1.0), nfl.scores.Uniform(), KeepHardest(0.5), learner
            )


def test_other_regimes_of_the_perceptron_are_refused():
    with pytest.raises(nfl.NoTheoryError, match="Perceptron in FixedDimension"):
        nfl.predict(perceptron(), nfl.FixedDimension(3))
    with pytest.raises(nfl.NoTheoryError, match="Logistic in FiniteSample"):
        nfl.predict(example_logistic_problem(), nfl.FiniteSample(3, 100))
