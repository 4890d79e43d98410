"""The numbers of the reference table, which were computed elsewhere, to the digits given."""

import numpy as np
import pytest

import nfl_sim as nfl
from tests.theory.reference import Entry, entries, label


def _rows(kind):
    return pytest.mark.parametrize("entry", entries(kind), ids=label)


def _close(actual, expected, digits=1e-8):
    assert abs(float(actual) - expected) <= digits * abs(expected) + 1e-300


def _student(prediction):
    return np.array([prediction.parallel, prediction.orthogonal])


def _along(entry: Entry, prediction, *, from_probe: bool):
    """The student's distance along delta from the teacher, or from the probe."""
    delta = np.array(entry.offset)
    moved = _student(prediction) - np.array([1.3, 0.0]) + (delta if from_probe else 0.0)
    return moved @ delta / (delta @ delta)


def _variance(entry: Entry, prediction):
    """V = r tr(n Cov) and its part along delta."""
    covariance, delta = np.array(prediction.covariance), np.array(entry.offset)
    plane = covariance[:2, :2]
    along = delta @ plane @ delta / (delta @ delta)
    total = np.trace(plane) + (entry.regime.dim - 2) * covariance[2, 2]
    fraction = float(entry.problem.rule.fraction)
    return fraction * total, fraction * along, fraction * covariance[2, 2]


@_rows("fixed_d/EL2N/SBPA")
def test_el2n(entry):
    prediction, known = nfl.predict(entry.problem, entry.regime), entry.known
    fraction = float(entry.problem.rule.fraction)
    _close(prediction.excess_risk, known["E0"])
    _close(_along(entry, prediction, from_probe=False), known["werr_over_delta"])
    _close(fraction * prediction.finite_size, known["c1"])
    total, along, perpendicular = _variance(entry, prediction)
    _close(total, known["V"])
    _close(along, known["V_par"])
    _close(perpendicular, known["V_perp_each"])
    assert bool(prediction.converged)


@_rows("fixed_d/EL2N/SBPA")
def test_crossover(entry):
    for refined, name in ((False, "n_star"), (True, "n_star_refined")):
        actual = nfl.crossover_sample_size(entry.problem, entry.regime, refined=refined)
        _close(actual, entry.known[name])


@_rows("fixed_d/EL2N/population")
def test_el2n_at_a_googol_to_one(entry):
    prediction, known = nfl.predict(entry.problem, entry.regime), entry.known
    _close(prediction.excess_risk, known["excess"])
    _close(2.0 * prediction.training_loss, known["tau2"])
    limit = nfl.small_fraction_limit(entry.problem, entry.regime)
    _close(limit.excess_risk, known["limit_r0"], 1e-12)


@_rows("fixed_d/GraNd/SBPA")
def test_grand(entry):
    prediction, known = nfl.predict(entry.problem, entry.regime), entry.known
    size = float(np.hypot(*entry.offset))
    _close(prediction.threshold, known["threshold"])
    _close(prediction.excess_risk, known["excess"])
    _close(size * _along(entry, prediction, from_probe=True), known["w_minus_wp"])
    _close(2.0 * prediction.training_loss, known["tau2"])
    _close(_variance(entry, prediction)[0], known["V"])
    fraction = float(entry.problem.rule.fraction)
    _close(fraction * prediction.finite_size, known["c1_8digits"], 1e-6)
    assert bool(prediction.converged)


@_rows("fixed_d/leverage/SBPA")
def test_leverage(entry):
    prediction, known = nfl.predict(entry.problem, entry.regime), entry.known
    assert float(prediction.excess_risk) == known["excess"] == 0.0
    _close(_variance(entry, prediction)[0], known["V"])
    _close(float(entry.problem.rule.fraction) * prediction.finite_size, known["V"])


@_rows("fixed_d/EL2N/soft calibration")
def test_soft_calibration(entry):
    prediction = nfl.predict(entry.problem, entry.regime)
    known, (total, along, across) = entry.known, _variance(entry, prediction)
    _close(prediction.excess_risk, known["E0"])
    _close(_along(entry, prediction, from_probe=False), known["werr_over_delta"])
    _close(float(entry.problem.rule.fraction) * prediction.finite_size, known["c1"])
    _close(total, known["V"])
    _close(along, known["V_par"])
    _close(across, known["V_perp_each"])


@_rows("fixed_d/EL2N/exact calibration")
def test_exact_calibration(entry):
    prediction = nfl.predict(entry.problem, entry.regime)
    assert float(prediction.excess_risk) < 1e-24
    _close(_variance(entry, prediction)[0], entry.known["V"])
