"""Calibration: the laws of the sheets, the tables of the best mixing, and what is refused."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

import nfl_sim as nfl
from nfl_sim import learners, models, scores
from nfl_sim.pruning import ExactCalibration, KeepEasiest, KeepHardest, KeepRandom, SoftCalibration
from tests.strategies import fractions, problems

REGIME = nfl.FixedDimension(5)
MIXINGS = st.floats(1e-3, 0.98)
_CALIBRATIONS = pytest.mark.parametrize("rule", [ExactCalibration, SoftCalibration])
_SIDES = pytest.mark.parametrize("hardest", [True, False])
_DATA = Path(__file__).parents[1] / "data"
_LOGISTIC = json.loads((_DATA / "logistic.json").read_text())["calibration"]
_OPTIMA = [
    row for row in json.loads((_DATA / "linear.json").read_text()) if "optimum" in row["kind"]
]
_SCORES = {"el2n": scores.EL2N, "grand": scores.GraNd, "entropy": scores.Uncertainty}


def _with_rule(problem, rule):
    return nfl.Problem(problem.model, problem.score, rule, problem.learner)


def _linear(rule, *, score=scores.EL2N, angle=0.6, norm=1.0, penalty=0.0):
    rated = score() if score is scores.Leverage else score(nfl.Probe(angle=angle, norm=norm))
    return nfl.Problem(models.Linear(1.0, 1.0), rated, rule, learners.Ridge(penalty))


def _logistic(row, rule):
    probe = nfl.Probe(angle=row["theta"], norm=row["b"])
    rated, model = _SCORES[row["score"]](probe), models.Logistic(row["beta"])
    return nfl.Problem(model, rated, rule, learners.LogisticRegression(0.0))


def _rows(kind):
    chosen = [row for row in _LOGISTIC if row["kind"] == kind]
    names = [f"{row['score']}-{row['r']}-{row.get('alpha', '')}" for row in chosen]
    return pytest.mark.parametrize("row", chosen, ids=names)


def _trace(prediction, dim):
    covariance = np.array(prediction.covariance)
    return float(
        np.trace(covariance[:2, :2]) + (dim > 2) * (dim - 2) * np.nan_to_num(covariance[2, 2])
    )


@_rows("exact_cal")
def test_logistic_reference(row):
    regime = nfl.FixedDimension(row["d"])
    exact = nfl.predict(_logistic(row, ExactCalibration(row["r"], row["alpha"])), regime)
    assert bool(exact.converged)
    assert float(exact.parallel) == pytest.approx(row["beta"], rel=1e-10)
    assert _trace(exact, row["d"]) == pytest.approx(row["cov_trace"], rel=1e-10)
    assert float(exact.finite_size) == pytest.approx(row["risk_coef"], rel=1e-10)
    if row["alpha"] == 0.0:
        return
    soft = nfl.predict(_logistic(row, SoftCalibration(row["r"], row["alpha"])), regime)
    assert bool(soft.converged)
    assert float(soft.parallel) == pytest.approx(row["soft_w_par"], abs=1e-10)
    assert float(soft.orthogonal) == pytest.approx(-row["soft_w_orth"], abs=1e-10)
    assert float(soft.error) == pytest.approx(row["soft_err"], abs=1e-10)
    assert float(soft.excess_risk) == pytest.approx(row["soft_excess_logloss"], abs=1e-10)
    assert _trace(soft, row["d"]) == pytest.approx(row["soft_cov_trace"], rel=1e-10)


@_rows("alpha_star")
def test_best_mixing_of_the_logistic_table(row):
    found = nfl.optimal_mixing(
        _logistic(row, ExactCalibration(row["r"], 0.5)), nfl.FixedDimension(row["d"])
    )
    assert bool(found.converged)
    # There the minimum was searched by values, which are flat to 1e-16.
    assert float(found.mixing) == pytest.approx(row["alpha_star"], abs=1e-7)
    assert float(found.finite_size) == pytest.approx(row["coef_at_star"], rel=1e-10)
    assert float(found.finite_size / found.variance_ratio) == pytest.approx(row["coef_random"])


@pytest.mark.parametrize("row", _OPTIMA, ids=lambda row: f"r={row['inputs']['r']}")
def test_best_mixing_with_the_perfect_probe(row):
    problem = _linear(ExactCalibration(row["inputs"]["r"], 0.5), angle=0.0)
    found, known = nfl.optimal_mixing(problem, REGIME), row["outputs"]
    assert float(found.mixing) == pytest.approx(known["alpha_star"], rel=1e-9)
    assert float(found.variance_ratio) == pytest.approx(known["V_over_sigma2_d"], rel=1e-10)


@settings(max_examples=30)
@given(data=st.data())
def test_the_best_mixing_has_the_coefficient_that_is_predicted_there(data):
    problem = data.draw(problems(scores.EL2N, KeepRandom))
    fraction = data.draw(st.floats(0.1, 0.95))
    found = nfl.optimal_mixing(_with_rule(problem, ExactCalibration(fraction, 0.5)), REGIME)
    for factor in (1.0, 0.9, 1.05):
        mixing = min(float(found.mixing) * factor, 0.99)
        there = nfl.predict(_with_rule(problem, ExactCalibration(fraction, mixing)), REGIME)
        size = float(found.finite_size)
        assert float(there.finite_size) >= size * (1.0 - 1e-10)
        if factor == 1.0:
            assert float(there.finite_size) == pytest.approx(size, rel=1e-9)


@_SIDES
@settings(max_examples=30)
@given(data=st.data())
def test_exact_calibration_is_consistent_and_bounded_below(hardest, data):
    """P11: V >= r sigma^2 d, with the perfect probe max(2/pi, r) sigma^2 d; easy never wins."""
    problem, fraction = data.draw(problems(scores.EL2N, KeepRandom)), data.draw(fractions(1e-3))
    rule = ExactCalibration(fraction, data.draw(MIXINGS), hardest=hardest)
    found = nfl.predict(_with_rule(problem, rule), REGIME)
    random = float(problem.model.noise_std) ** 2 * REGIME.dim
    assert float(found.excess_risk) <= 1e-20 * float(problem.model.signal) ** 2 + 1e-24 * random
    variance = float(found.finite_size) * fraction
    assert variance >= random * fraction * (1.0 - 1e-10)
    if not hardest:
        assert variance >= random * (1.0 - 1e-10)
    perfect = nfl.Probe(angle=0.0, norm=problem.model.signal)
    best = nfl.Problem(problem.model, scores.EL2N(perfect), rule, problem.learner)
    variance = float(nfl.predict(best, REGIME).finite_size) * fraction
    assert variance >= random * max(2.0 / np.pi, fraction) * (1.0 - 1e-10)


@pytest.mark.parametrize(
    ("rule", "score"),
    [
        (ExactCalibration, scores.EL2N),
        (ExactCalibration, scores.Leverage),
        (SoftCalibration, scores.GraNd),
        (SoftCalibration, scores.Uncertainty),
    ],
)
def test_mixing_nothing_is_random_pruning(rule, score):
    mixed, random = (
        nfl.predict(_linear(kept, score=score, penalty=0.3), REGIME)
        for kept in (rule(0.3, 0.0), KeepRandom(0.3))
    )
    for name in ("excess_risk", "finite_size", "training_loss"):
        np.testing.assert_allclose(getattr(mixed, name), getattr(random, name), rtol=1e-10)
    np.testing.assert_allclose(mixed.covariance, random.covariance, atol=1e-10)
    assert np.isnan(float(mixed.threshold))


@_SIDES
@pytest.mark.parametrize("score", [scores.EL2N, scores.GraNd])
def test_soft_calibration_tends_to_pruning_by_score(score, hardest):
    """At the rate 1 - mixing, so that two mixings extrapolate to the limit."""
    sharp = (KeepHardest if hardest else KeepEasiest)(0.3)
    values = [
        nfl.predict(
            _linear(SoftCalibration(0.3, 1.0 - gap, hardest=hardest), score=score, penalty=0.2),
            REGIME,
        )
        for gap in (2e-6, 1e-6)
    ]
    limit = nfl.predict(_linear(sharp, score=score, penalty=0.2), REGIME)
    for name in ("excess_risk", "finite_size", "threshold"):
        far, near = (float(getattr(value, name)) for value in values)
        assert 2.0 * near - far == pytest.approx(float(getattr(limit, name)), rel=1e-7)


@settings(max_examples=30)
@given(data=st.data())
def test_soft_calibration_fails_the_more_the_more_it_keeps_for_the_score(data):
    """P17: the excess risk increases with the mixing."""
    problem, fraction = (
        data.draw(problems(scores.EL2N, KeepRandom)),
        data.draw(st.floats(0.05, 0.9)),
    )
    hardest = data.draw(st.booleans())
    found = [
        float(
            nfl.predict(
                _with_rule(problem, SoftCalibration(fraction, a, hardest=hardest)), REGIME
            ).excess_risk
        )
        for a in sorted(data.draw(st.lists(MIXINGS, min_size=2, max_size=2)))
    ]
    assert found[0] <= found[1] * (1.0 + 1e-9) + 1e-24


@settings(max_examples=5)
@given(data=st.data())
def test_properties_of_calibrated_logistic_regression(data):
    """12 and 14 of the sheet: d/2 is never beaten, mixing 1 diverges; the soft rule is invalid."""
    signal, norm = data.draw(st.floats(0.3, 3.0)), data.draw(st.floats(0.3, 3.0))
    angle, fraction = data.draw(st.floats(0.0, 1.5)), data.draw(st.floats(0.1, 0.9))
    row = {"score": "el2n", "theta": angle, "b": norm, "beta": signal}
    mixing, regime = data.draw(st.floats(0.05, 0.9)), nfl.FixedDimension(4)
    exact, sharp = (
        nfl.predict(_logistic(row, ExactCalibration(fraction, a)), regime) for a in (mixing, 0.999)
    )
    assert float(exact.finite_size) >= 2.0 * (1.0 - 1e-9)
    assert float(exact.excess_risk) <= 1e-14
    assert float(sharp.finite_size) > 5.0 * (1.0 - fraction) * float(exact.finite_size)
    soft = nfl.predict(_logistic(row, SoftCalibration(fraction, mixing)), regime)
    assert float(soft.excess_risk) > 10.0 * float(soft.numerical_error)


def test_strata_go_below_what_coins_can_reach():
    """At d = 1 the gradient is a function of the score, and a stratum has little of its variance.

    The ceiling of T11 is for Poisson draws.
    """
    model, probe = models.Logistic(1.0), nfl.Probe(0.0, 1.0)
    rule, learner = ExactCalibration(0.5, 0.82), learners.LogisticRegression(0.0)
    problem = nfl.Problem(model, scores.EL2N(probe), rule, learner)
    strata = float(nfl.predict(problem, nfl.FixedDimension(1)).finite_size)
    margins = np.linspace(-12.0, 12.0, 24_001)
    mass = 2.0 * stats.norm.pdf(margins) * special.expit(margins) * 1e-3
    steep = special.expit(-margins) * np.abs(margins)
    level = optimize.brentq(lambda t: mass @ np.minimum(1.0, steep / t) - 0.5, 1e-3, 10.0)
    ceiling = 0.5 * (mass @ (steep * np.maximum(steep, level))) / (mass @ steep**2)
    assert strata == pytest.approx(0.53126, abs=1e-5)  # random pruning: d / (2 r) = 1
    assert strata < 0.85 * ceiling


def test_only_an_exact_calibration_without_penalty_has_a_best_mixing():
    with pytest.raises(ValueError, match=r"needs the rule ExactCalibration .* got Soft"):
        nfl.optimal_mixing(_linear(SoftCalibration(0.3, 0.5)), REGIME)
    with pytest.raises(nfl.NoTheoryError, match=r"needs penalty=0, got 0\.2"):
        nfl.optimal_mixing(_linear(ExactCalibration(0.3, 0.5), penalty=0.2), REGIME)


@_CALIBRATIONS
def test_finite_samples_refuse_by_name(rule):
    with pytest.raises(nfl.NoTheoryError, match=rule.__name__):
        nfl.predict(_linear(rule(0.3, 0.5)), nfl.FiniteSample(5, 100))


def test_a_traced_mixing_out_of_range_gives_nan():
    def risk(mixing):
        return nfl.predict(_linear(SoftCalibration(0.3, mixing)), REGIME).excess_risk

    risks = jax.vmap(risk)(jnp.array([-0.1, 0.5, 1.0]))
    np.testing.assert_array_equal(np.isfinite(risks), [False, True, False])
