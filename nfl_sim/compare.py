"""The honest comparison of a prediction with simulations at several sizes."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from nfl_sim.extrapolation import Fit, fit_powers
from nfl_sim.problem import FiniteSample, FixedDimension
from nfl_sim.shares import Shares, Verdict, judge_tends_to_one
from nfl_sim.simulation import Estimate, Simulation
from nfl_sim.theory import Prediction, predict

FALSE_ALARM = 1e-6
_FEWEST_SIZES = 3
_MOST_FAILURES = 1e-3
_COARSEST_SEM = 0.5
_FEWEST_PER_DIMENSION = 4  # twice the rows that separate by chance, at random labels


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
        rate: measured coefficient of 1/n about the predicted limit, nan where not fitted.
        rate_sem, rate_z: its standard error, and its distance from the predicted ``finite_size``.
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


def compare(
    prediction: Prediction,
    simulations: Sequence[Simulation],
    *,
    false_alarm: float = FALSE_ALARM,
) -> Agreement:
    """Judge a prediction of the excess risk by simulations of the same problem.

    ``FixedDimension``: the simulated means minus the prediction at m/n, its 1/n term included,
    are extrapolated to n -> infinity along {1, 1/n^2} ({1, 1/n, 1/n^2} where no 1/n term is
    derived); separately, the 1/n coefficient is fitted about the predicted limit. Either may
    raise the alarm. ``FiniteSample``: the means are pooled and compared directly. A prediction
    that no student exists (``exists=False``) says that the share of replicates without a student
    tends to 1: it disagrees if that share is below one half at the largest size.

    Args:
        prediction: from `nfl_sim.predict`.
        simulations: of the same problem. FixedDimension: the same dim, at least three distinct
            num_samples, best n, 2n, 4n. FiniteSample: its dim and num_samples.
        false_alarm: probability of "disagree" if the prediction is right, shared equally by the
            two tests; of a prediction that no student exists: if besides the share has passed
            one half at the largest size.

    Returns:
        An `Agreement`. "inconclusive" when the sizes do not fit the rate (the higher orders still
        matter), when more than 0.1 % of the replicates failed, when the variance is infinite,
        when the standard error is more than half of the quantity itself, or, of a prediction that
        no student exists, when the share is neither near 1 nor clearly on its way, or so few
        samples are kept that chance would separate them.

    Raises:
        ValueError: a simulation is of another problem, or does not fit the regime, or the
            prediction did not converge, or ``false_alarm`` is not in (0, 1).

    References: {eq}`eq-finite-size` in theory_notes/03_linear.md.
    """
    simulations = list(simulations)
    if not 0.0 < false_alarm < 1.0:
        raise ValueError(f"false_alarm must lie in (0, 1), got {false_alarm!r}")
    if not bool(prediction.converged):
        raise ValueError("the prediction did not converge (converged=False): nothing to compare")
    _require_fitting(prediction, simulations)
    ladder = _Ladder.of(simulations)
    if not bool(prediction.exists):
        return _compare_existence(simulations, false_alarm)
    if isinstance(prediction.regime, FiniteSample):
        return _compare_exact(prediction, ladder, false_alarm)
    return _compare_limit(prediction, ladder, false_alarm)


@dataclasses.dataclass(frozen=True)
class _Ladder:
    """The measured excess risks of several simulations."""

    simulations: list[Simulation]
    sizes: np.ndarray
    means: np.ndarray
    sems: np.ndarray

    @classmethod
    def of(cls, simulations: list[Simulation]) -> "_Ladder":
        risks = [_measured_risk(simulation) for simulation in simulations]
        return cls(
            simulations,
            np.array([float(simulation.num_samples) for simulation in simulations]),
            np.array([risk.mean for risk in risks]),
            np.array([risk.sem for risk in risks]),
        )

    def doubt(self, fit: Fit, scale: float, false_alarm: float) -> str | None:
        """Why these simulations cannot decide about a value of this scale, if so."""
        failed = sum(sum(s.failed.values()) for s in self.simulations)
        total = sum(s.num_replicates for s in self.simulations)
        if failed > _MOST_FAILURES * total:
            return f"{failed} of {total} replicates failed"
        if not all(s.trustworthy for s in self.simulations):
            return "the excess risk has infinite variance at these sizes"
        if not fit.sems[0] <= _COARSEST_SEM * scale:
            return f"the standard error {fit.sems[0]:.2g} is not small against {scale:.2g}"
        if fit.misfits(false_alarm):
            return f"the sizes do not fit the rate (chi2 = {fit.chi2:.3g} on {fit.freedom})"
        return None


def _measured_risk(simulation: Simulation) -> Estimate:
    """The excess risk, by its control variate where there is one."""
    controlled = simulation.controlled_risk
    return controlled if math.isfinite(controlled.mean) else simulation.excess_risk


def _compare_exact(prediction: Prediction, ladder: _Ladder, false_alarm: float) -> Agreement:
    fit = fit_powers(np.ones_like(ladder.sizes), ladder.means, ladder.sems, (0,))
    predicted = float(prediction.excess_risk)
    shift = fit._replace(coefficients=fit.coefficients - predicted)
    doubt = ladder.doubt(fit, abs(predicted), false_alarm)
    return _agreement(prediction, shift, None, doubt, false_alarm)


def _compare_existence(simulations: list[Simulation], false_alarm: float) -> Agreement:
    sizes = np.array([simulation.num_samples for simulation in simulations])
    same = sizes == np.unique(sizes)[:, None]
    totals = same @ np.array([simulation.num_replicates for simulation in simulations])
    without = same @ np.array([simulation.failed["separable"] for simulation in simulations])
    broken = sum(sum(simulation.failed.values()) for simulation in simulations) - without.sum()
    shares, largest = Shares.of(without, totals, false_alarm), simulations[sizes.argmax()]
    verdict, reason = judge_tends_to_one(shares)
    if broken > _MOST_FAILURES * totals.sum():
        verdict, reason = "inconclusive", f"{broken} of {totals.sum()} replicates are undecided"
    elif verdict == "agree" and largest.num_kept < _FEWEST_PER_DIMENSION * largest.dim:
        verdict, reason = "inconclusive", f"{largest.num_kept} samples are separable by chance"
    share = float(shares.values[-1])
    return Agreement(
        predicted=1.0,
        limit=share,
        sem=math.sqrt(share * (1.0 - share) / totals[-1]),
        z=math.nan,
        rate=math.nan,
        rate_sem=math.nan,
        rate_z=math.nan,
        verdict=verdict,
        reason=reason,
        false_alarm=false_alarm,
    )


def _compare_limit(prediction: Prediction, ladder: _Ladder, false_alarm: float) -> Agreement:
    limits, coefficients = _at_sizes(prediction, ladder)
    largest = ladder.sizes.max()
    inverse = largest / ladder.sizes
    scale = max(abs(float(prediction.excess_risk)), float(ladder.means.min()))
    if not np.isfinite(coefficients).all():
        shift = fit_powers(inverse, ladder.means - limits, ladder.sems, (0, 1, 2))
        return _agreement(
            prediction, shift, None, ladder.doubt(shift, scale, false_alarm), false_alarm
        )
    known = limits + coefficients / ladder.sizes
    shift = fit_powers(inverse, ladder.means - known, ladder.sems, (0, 2))
    moved = (coefficients - float(prediction.finite_size)) / ladder.sizes
    rate = fit_powers(inverse, ladder.means - limits - moved, ladder.sems, (1, 2))
    rate = rate._replace(coefficients=largest * rate.coefficients, sems=largest * rate.sems)
    doubt = ladder.doubt(shift, scale, false_alarm)
    return _agreement(prediction, shift, rate, doubt, false_alarm)


def _at_sizes(prediction: Prediction, ladder: _Ladder) -> tuple[np.ndarray, np.ndarray]:
    """The prediction's limit and 1/n coefficient, moved to the fractions m/n really kept."""
    kept = [simulation.num_kept / simulation.num_samples for simulation in ladder.simulations]
    fractions = [prediction.problem.rule.fraction, *(jnp.asarray(k, jnp.float64) for k in kept)]
    problems = [
        eqx.tree_at(lambda p: p.rule.fraction, prediction.problem, fraction)
        for fraction in fractions
    ]
    theory = [predict(problem, prediction.regime) for problem in problems]
    limits = np.array([float(p.excess_risk) for p in theory])
    coefficients = np.array([float(p.finite_size) for p in theory])
    return (
        float(prediction.excess_risk) + limits[1:] - limits[0],
        float(prediction.finite_size) + coefficients[1:] - coefficients[0],
    )


def _agreement(
    prediction: Prediction, shift: Fit, rate: Fit | None, doubt: str | None, false_alarm: float
) -> Agreement:
    """Assemble the verdict from the shift of the limit and, where fitted, the 1/n coefficient."""
    predicted = float(prediction.excess_risk)
    sem = float(shift.sems[0])
    z = float(shift.coefficients[0]) / math.hypot(sem, float(prediction.numerical_error))
    alarms, slope, slope_sem, slope_z = [z], math.nan, math.nan, math.nan
    if rate is not None:
        slope, slope_sem = float(rate.coefficients[0]), float(rate.sems[0])
        slope_z = (slope - float(prediction.finite_size)) / slope_sem
        alarms.append(slope_z)
    critical = -statistics.NormalDist().inv_cdf(0.5 * false_alarm / len(alarms))
    worst = max(map(abs, alarms))
    verdict: Verdict = "agree" if worst <= critical else "disagree"
    reason = f"max |z| = {worst:.2f}, critical {critical:.2f} at false alarm {false_alarm:g}"
    if doubt is not None:
        verdict, reason = "inconclusive", doubt
    return Agreement(
        predicted=predicted,
        limit=predicted + float(shift.coefficients[0]),
        sem=sem,
        z=z,
        rate=slope,
        rate_sem=slope_sem,
        rate_z=slope_z,
        verdict=verdict,
        reason=reason,
        false_alarm=false_alarm,
    )


def _require_fitting(prediction: Prediction, simulations: list[Simulation]) -> None:
    """Raise ``ValueError`` unless the simulations are of the prediction's problem and regime."""
    regime = prediction.regime
    if not simulations:
        raise ValueError("compare needs at least one simulation, got none")
    for simulation in simulations:
        if not eqx.tree_equal(prediction.problem, simulation.problem):
            raise ValueError(
                f"the simulation is of another problem: predicted {prediction.problem}, "
                f"simulated {simulation.problem}"
            )
        if simulation.dim != regime.dim:
            raise ValueError(f"predicted dim={regime.dim}, but simulated dim={simulation.dim}")
        if isinstance(regime, FiniteSample) and simulation.num_samples != regime.num_samples:
            raise ValueError(
                f"predicted num_samples={regime.num_samples}, but simulated "
                f"num_samples={simulation.num_samples}"
            )
    sizes = sorted({simulation.num_samples for simulation in simulations})
    if isinstance(regime, FixedDimension) and len(sizes) < _FEWEST_SIZES:
        raise ValueError(
            f"FixedDimension needs simulations at {_FEWEST_SIZES} or more distinct num_samples "
            f"to extrapolate, got {sizes}"
        )
