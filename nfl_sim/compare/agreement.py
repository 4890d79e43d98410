"""What a comparison concludes."""

import dataclasses
import math
import statistics
from typing import NamedTuple, final

from nfl_sim.compare.ladder import Ladder
from nfl_sim.extrapolation import Fit
from nfl_sim.shares import Verdict
from nfl_sim.theory import Prediction


@final
@dataclasses.dataclass(frozen=True)
class Agreement:
    """What simulations at several sizes say about a prediction of the excess risk.

    Of a prediction that no student exists, ``predicted``, ``limit`` and ``sem`` are the share of
    replicates without one: 1, and what the largest size shows; ``z`` and the rates are nan.

    Attributes:
        predicted: the predicted value.
        limit: the value that the simulations extrapolate to.
        sem: standard error of ``limit``.
        z: (limit - predicted) / error, where the error joins ``sem`` and the numerical error.
        rate: measured coefficient of 1/n about the predicted limit, nan where not fitted; in
            `Proportional` that of 1/d (of d^-1/2 where the score ranks by the norm alone).
        rate_sem, rate_z: its standard error, and its distance from the predicted ``finite_size``
            (nan in `Proportional`, where none is predicted).
        verdict: "agree", "disagree" or "inconclusive".
        reason: one clause on how the verdict was reached.
        false_alarm: the probability with which a true prediction is called "disagree".
    """

    predicted: float
    limit: float
    sem: float
    z: float
    rate: float
    rate_sem: float
    rate_z: float
    verdict: Verdict
    reason: str
    false_alarm: float

    def __str__(self) -> str:
        """One line for a log."""
        z = "" if math.isnan(self.z) else f" (z = {self.z:+.2f})"
        return (
            f"{self.verdict}: predicted {self.predicted:.6g}, measured {self.limit:.6g} "
            f"± {self.sem:.2g}{z}; {self.reason}"
        )


class Rate(NamedTuple):
    """A measured coefficient of the approach to the limit; nan where there is none.

    Args:
        value, sem: with standard error.
        z: distance from what was predicted.
    """

    value: float = math.nan
    sem: float = math.nan
    z: float = math.nan

    @classmethod
    def of(cls, fit: Fit, unit: float, predicted: float = math.nan) -> "Rate":
        """The first coefficient of a fit, times ``unit``."""
        value, sem = unit * float(fit.coefficients[0]), unit * float(fit.sems[0])
        return cls(value, sem, (value - predicted) / sem)


def conclude(
    prediction: Prediction, ladder: Ladder, shift: Fit, rate: Rate, false_alarm: float
) -> Agreement:
    """The verdict on a shift of the limit and a rate, each with half of the false alarm.

    Args:
        prediction: what is judged.
        ladder: what it is judged by, and may be in doubt about.
        shift: its first coefficient is what the limit lies above the prediction.
        rate: of the approach; without a ``z`` the limit has the whole false alarm.
        false_alarm: of both tests together.
    """
    predicted, sem = float(prediction.excess_risk), float(shift.sems[0])
    z = float(shift.coefficients[0]) / math.hypot(sem, float(prediction.numerical_error))
    alarms = [z] if math.isnan(rate.z) else [z, rate.z]
    critical = -statistics.NormalDist().inv_cdf(0.5 * false_alarm / len(alarms))
    worst = max(map(abs, alarms))
    verdict: Verdict = "agree" if worst <= critical else "disagree"
    reason = f"max |z| = {worst:.2f}, critical {critical:.2f} at false alarm {false_alarm:g}"
    if (doubt := ladder.doubt(shift, predicted, false_alarm)) is not None:
        verdict, reason = "inconclusive", doubt
    return Agreement(
        predicted=predicted,
        limit=predicted + float(shift.coefficients[0]),
        sem=sem,
        z=z,
        rate=rate.value,
        rate_sem=rate.sem,
        rate_z=rate.z,
        verdict=verdict,
        reason=reason,
        false_alarm=false_alarm,
    )
