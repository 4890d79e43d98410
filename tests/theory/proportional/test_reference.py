"""The numbers of the reference tables, which were computed elsewhere, to the digits given."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

import nfl_sim as nfl
from nfl_sim.theory.proportional.self_induced import self_induced_penalty
from tests.theory.proportional.reference import (
    CALIBRATED,
    LINEAR,
    LOGISTIC,
    PERCEPTRON,
    label,
    linear,
    logistic,
    perceptron,
)


@pytest.mark.parametrize("row", PERCEPTRON, ids=label)
def test_perceptron(row):
    found = nfl.predict(perceptron(row), nfl.Proportional(row["alpha_tot"]))
    assert bool(found.converged)
    assert bool(found.exists)
    known = {"parallel": "R", "probe_overlap": "rho", "margin": "kappa", "error": "eps_g"}
    for ours, theirs in known.items():
        assert abs(float(getattr(found, ours)) - row[theirs]) < 1e-9, ours
    assert abs(float(found.norm) - 1.0) < 1e-14
    assert float(found.excess_risk) == float(found.error) == float(found.noisy_error)
    assert float(found.numerical_error) < 1e-3 * float(found.error)


def _least_loss(signal):
    """Of the teacher itself, by adaptive integration."""

    def loss(x):
        return (
            2.0
            * stats.norm.pdf(x)
            * math.log1p(math.exp(-signal * x))
            / (1.0 + math.exp(-signal * x))
        )

    return integrate.quad(loss, -12.0, 12.0, epsabs=1e-14, epsrel=1e-13, limit=200)[0]


@pytest.mark.parametrize("row", LOGISTIC, ids=lambda r: f"{r['score']}-{r['side']}-{r['r']}")
def test_logistic(row):
    problem = logistic(row)
    found = nfl.predict(problem, nfl.Proportional(row["gamma"]))
    assert bool(found.converged)
    along, across, angle = row["a_s"], row["a_v"], row["theta"]
    expected = {
        "parallel": row["w_par"],
        "orthogonal": along * math.sin(angle) - across * math.cos(angle),
        "norm": row["norm"],
        "error": row["err"],
        "excess_risk": row["logloss"] - _least_loss(row["beta"]),
        "probe_overlap": along,
    }
    for name, value in expected.items():
        assert abs(float(getattr(found, name)) - value) < 1e-9, name
    separable = float(nfl.separability_ratio(problem))
    if row["gamma_sep"] > 1e6:  # there the table stopped descending towards 0
        assert math.isinf(separable)
    else:  # its minimum is good to 1e-9: gamma_sep r of its two random rows differs by that
        assert separable == pytest.approx(row["gamma_sep"], rel=2e-9)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (1.0, 2.2782205445946778),
        (2.0, 2.8991378764936595),
        (4.0, 4.5152157538375640),
        (8.0, 8.1949082524468259),
    ],
)
def test_ratio_of_separability_to_more_digits(signal, expected):
    """1 / min_a E[(a u + Z)_+^2] by mpmath with 20 digits."""
    problem = logistic({"beta": signal, **_ALL})
    assert float(nfl.separability_ratio(problem)) == pytest.approx(expected, rel=1e-12)


_ALL = {"score": "random", "side": "hard", "theta": 0.3, "r": 1.0, "lam": 0.0}


@pytest.mark.parametrize(
    ("signal", "rule", "score", "fraction", "expected"),
    [
        (1.0, nfl.pruning.KeepHardest, nfl.scores.EL2N, 1.0, 2.278221),
        (1.0, nfl.pruning.KeepRandom, nfl.scores.EL2N, 0.5, 4.556441),
        (1.0, nfl.pruning.KeepHardest, nfl.scores.Uncertainty, 0.5, 4.248665),
        (1.0, nfl.pruning.KeepEasiest, nfl.scores.Uncertainty, 0.5, 4.912303),
        (1.0, nfl.pruning.KeepHardest, nfl.scores.EL2N, 0.6, 3.982773),
        (1.0, nfl.pruning.KeepHardest, nfl.scores.EL2N, 0.45, 9.553273),
        (2.0, nfl.pruning.KeepHardest, nfl.scores.EL2N, 1.0, 2.899138),
    ],
)
def test_ratios_of_separability(signal, rule, score, fraction, expected):
    model, learner = nfl.models.Logistic(signal), nfl.learners.LogisticRegression(0.0)
    problem = nfl.Problem(model, score(nfl.Probe(0.6, 1.0)), rule(fraction), learner)
    assert abs(float(nfl.separability_ratio(problem)) - expected) < 6e-7


@pytest.mark.parametrize("row", LINEAR, ids=lambda row: str(row["id"]))
def test_linear(row):
    problem, regime = linear(row)
    found = nfl.predict(problem, regime)
    known = row["outputs"]
    kept = problem.rule.fraction * regime.sample_ratio
    penalty = self_induced_penalty(problem.learner.penalty, 1.0 / kept)
    assert float(penalty) == pytest.approx(known["kappa"], abs=1e-11)
    student = [found.parallel, found.orthogonal]
    np.testing.assert_allclose(student, known["alpha"], atol=1e-10)
    assert float(found.excess_risk) == pytest.approx(known["risk"], rel=1e-10)
    share = 1.0 / (kept * (1.0 + penalty) ** 2)
    residual = float((found.norm**2 - np.sum(np.square(student))) * (1.0 - share) / share)
    assert residual == pytest.approx(known["tau2"], rel=1e-8)


@pytest.mark.parametrize("row", CALIBRATED, ids=lambda row: str(row["id"]))
def test_exact_calibration(row):
    problem, regime = linear(row)
    found = nfl.predict(problem, regime)
    assert bool(found.converged)
    known = row["outputs"]
    student = np.array([found.parallel, found.orthogonal])
    np.testing.assert_allclose(student, known["alpha"], atol=1e-11)
    assert float(found.excess_risk) == pytest.approx(known["risk"], rel=1e-11)
    bias = float(np.sum((student - [problem.model.signal, 0.0]) ** 2))
    assert bias == pytest.approx(known["bias2"], rel=1e-9)
    assert float(found.norm**2 - np.sum(student**2)) == pytest.approx(known["B"], rel=1e-11)
