"""Calibration: theory against simulation, and the claims of a wrong theory rejected."""

import dataclasses

import nfl_sim as nfl
from nfl_sim import learners, models, scores
from nfl_sim.pruning import SoftCalibration
from tests.agreement import FALSE_ALARM, ladder

_PROBE = nfl.Probe(angle=0.6, norm=1.0)
_SIZES = (240, 480, 960)


def test_limit_and_rate():
    """It accepts a right theory but for one key in a million; `verify` has the table."""
    model, rule = models.Linear(1.0, 1.0), SoftCalibration(0.5, 0.4)
    problem = nfl.Problem(model, scores.EL2N(_PROBE), rule, learners.Ridge(0.0))
    right = nfl.predict(problem, nfl.FixedDimension(3))
    runs = ladder(problem, dim=3, sizes=_SIZES, num_replicates=2048)
    assert nfl.compare(right, runs, false_alarm=FALSE_ALARM).verdict == "agree"
    wrong = dataclasses.replace(right, finite_size=1.5 * right.finite_size)
    shifted = dataclasses.replace(right, excess_risk=right.excess_risk + 0.02)
    verdicts = {nfl.compare(other, runs).verdict for other in (wrong, shifted)}
    assert "disagree" in verdicts
