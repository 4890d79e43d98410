"""The comparison: which test a regime asks for."""

from collections.abc import Sequence

from nfl_sim.compare.agreement import Agreement
from nfl_sim.compare.exact import compare_exact
from nfl_sim.compare.existence import compare_existence
from nfl_sim.compare.ladder import Ladder
from nfl_sim.compare.limit import compare_limit
from nfl_sim.compare.proportional import compare_proportional
from nfl_sim.compare.refusals import require_fitting
from nfl_sim.problem import FiniteSample, FixedDimension, Proportional
from nfl_sim.simulation import Simulation
from nfl_sim.theory import Prediction

FALSE_ALARM = 1e-6
_TESTS = {
    FixedDimension: compare_limit,
    FiniteSample: compare_exact,
    Proportional: compare_proportional,
}


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
    raise the alarm. ``FiniteSample``: the means are pooled and compared directly.
    ``Proportional``: the means minus the prediction at m/n and n/d are extrapolated to
    d -> infinity along {1, 1/d, 1/d^2}, or {1, d^-1/2, 1/d} where the norm alone ranks the
    samples (Leverage).

    A prediction that no student exists (``exists=False``) says that the share of replicates
    without a student tends to 1: it disagrees if that share is below one half at the largest size.

    Args:
        prediction: from `nfl_sim.predict`.
        simulations: of the same problem. FixedDimension: the same dim, at least three distinct
            num_samples, best n, 2n, 4n. FiniteSample: its dim and num_samples. Proportional: at
            least three distinct dims, best d, 2d, 4d (Leverage d, 4d, 16d), each with
            num_samples = sample_ratio * dim, rounded; best where neither n nor m is rounded, so
            that the sizes differ in d alone.
        false_alarm: probability of "disagree" if the prediction is right, shared equally by the
            two tests of FixedDimension; of a prediction that no student exists: if besides the
            share has passed one half at the largest size. It holds for every value of the terms
            along which is extrapolated, if those beyond are small against ``sem``: of a term
            c/d^3 the limit at d, 2d, 4d gets c/(8 d^3). Where the terms are as many as the sizes
            nothing tests this; one size more does.

    Returns:
        An `Agreement`. "inconclusive" when the sizes do not fit the rate (the higher orders still
        matter), when more than 0.1 % of the replicates failed, when the variance is infinite,
        when the standard error is more than half of the quantity itself, or, of a prediction that
        no student exists, when the share is neither near 1 nor clearly on its way, or (at fixed
        dimension) so few samples are kept that chance would separate them. The standard error of
        Proportional is 3.3 times that of each of three equal means at d, 2d, 4d, that of Leverage
        11 times (at d, 4d, 16d 3.3 times).

    Raises:
        ValueError: a simulation is of another problem, or does not fit the regime, or the
            prediction did not converge or is not finite where it was really simulated, or
            ``false_alarm`` is not in (0, 1).

    References: {eq}`eq-finite-size` in theory_notes/03_linear.md.
    """
    simulations = list(simulations)
    if not 0.0 < false_alarm < 1.0:
        raise ValueError(f"false_alarm must lie in (0, 1), got {false_alarm!r}")
    require_fitting(prediction, simulations)
    regime = prediction.regime
    if not bool(prediction.exists):
        return compare_existence(regime, simulations, false_alarm)
    ladder = Ladder.of(regime, simulations)
    return _TESTS[type(regime)](prediction, ladder, false_alarm)
