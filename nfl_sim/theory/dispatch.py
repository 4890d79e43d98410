"""Which theory answers which problem in which regime."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from nfl_sim.influence import Influence
from nfl_sim.models import Linear, Logistic, Model, Perceptron
from nfl_sim.problem import (
    FiniteSample,
    FixedDimension,
    Problem,
    Proportional,
    Regime,
    require_dimension,
)
from nfl_sim.pruning import JointRule, KeepRandom
from nfl_sim.scores import Probe
from nfl_sim.theory import linear, logistic, proportional
from nfl_sim.theory.mixing import OptimalMixing
from nfl_sim.theory.prediction import Prediction
from nfl_sim.validation import NoTheoryError, Scalar, require_x64

Theory = dict[tuple[type[Model], type], Callable[..., Any]]

_PREDICT: Theory = {
    (Linear, FixedDimension): linear.predict_fixed_dimension,
    (Linear, FiniteSample): linear.predict_finite_sample,
    (Logistic, FixedDimension): logistic.predict_fixed_dimension,
    (Linear, Proportional): proportional.predict_linear,
    (Logistic, Proportional): proportional.predict_signed,
    (Perceptron, Proportional): proportional.predict_signed,
}
_PREDICT_FITTED: Theory = {
    (Linear, FixedDimension): linear.predict_fitted_probe,
    (Linear, FiniteSample): linear.predict_same_sample,
    (Linear, Proportional): linear.predict_same_sample_proportional,
    (Logistic, FixedDimension): logistic.predict_fitted_probe,
}
_BREAK_EVEN: Theory = {
    (Linear, FixedDimension): linear.break_even_fraction,
    (Linear, Proportional): linear.break_even_fraction,
}
_SMALL_FRACTION_LIMIT: Theory = {
    (Linear, FixedDimension): linear.small_fraction_limit,
    (Logistic, FixedDimension): logistic.small_fraction_limit,
}
_CROSSOVER: Theory = {
    (Linear, FixedDimension): linear.crossover_sample_size,
    (Logistic, FixedDimension): logistic.crossover_sample_size,
}
_MIXING: Theory = {
    (Linear, FixedDimension): linear.optimal_mixing,
    (Logistic, FixedDimension): logistic.optimal_mixing,
}
_COMBINATION: Theory = {(Linear, FixedDimension): linear.probe_combination}
_SEPARABILITY: Theory = {(Logistic, FixedDimension): logistic.separability_fraction}
_FLIP: Theory = {(Logistic, FixedDimension): logistic.flip_fraction}
_CAPACITY: Theory = {
    (Logistic, Proportional): proportional.separability_ratio,
    (Perceptron, Proportional): proportional.separability_ratio,
}
_INFLUENCE: Theory = {(Logistic, FixedDimension): logistic.linear_influence}


def predict(problem: Problem, regime: Regime) -> Prediction:
    """Predict the asymptotic student of a problem and its error, without simulating.

    Closed forms serve EL2N, Uncertainty, Leverage and random pruning; GraNd and any other
    pointwise score go through quadrature. Can be jitted, mapped and differentiated in every scalar
    of the problem (in the fraction: below 1).

    Args:
        problem: what to predict.
        regime: ``FixedDimension(dim)``, ``Proportional(sample_ratio)`` or
            ``FiniteSample(dim, num_samples)``.

    Returns:
        A `Prediction`. Accuracy: closed forms 1e-9 relative for r >= 1e-8 and 1 - r >= 1e-8;
        GraNd 1e-8 for r in [1e-4, 1]; each carries its own ``numerical_error``.

    Raises:
        NoTheoryError: (a ValueError) there is no theory for this problem in this regime.
        ValueError: an argument is not of its kind, a probe does not fit into the dimension, or
            float64 is off.

    References: {eq}`eq-minimiser`, {eq}`eq-finite-size` in theory_notes/03_linear.md.
    """
    table = _PREDICT if _has_fixed_probe(problem) else _PREDICT_FITTED
    return _look_up(table, "prediction", problem, regime, fixed=False)(problem, regime)


def small_fraction_limit(problem: Problem, regime: Regime) -> Prediction:
    """The exact limit of `predict` as the kept fraction tends to 0 (T6).

    Args:
        problem: its own fraction is ignored.
        regime: ``FixedDimension(dim)``.

    Returns:
        A `Prediction` of the student and its excess risk; ``finite_size`` and the like are nan.

    Raises:
        NoTheoryError: no closed limit is known for the problem.

    References: {eq}`eq-el2n-small-r-hard`, {eq}`eq-el2n-small-r-easy`,
    {eq}`eq-grand-small-r-hard`, {eq}`eq-grand-small-r-easy` in theory_notes/03_linear.md.
    """
    theory = _look_up(_SMALL_FRACTION_LIMIT, "limit of small fractions", problem, regime)
    return theory(problem, regime)


def crossover_sample_size(problem: Problem, regime: Regime, *, refined: bool = True) -> Scalar:
    """The n beyond which random pruning at the same fraction has the smaller risk (T8).

    First order: n* = (C_random - C) / E, with E the excess risk and C the finite_size. Refined:
    with the model's own finite-n factor, 1/(m - dim - 1) in place of 1/m for least squares.

    Args:
        problem: compared with `KeepRandom` at its own fraction.
        regime: ``FixedDimension(dim)``.
        refined: see above.

    Returns:
        n counted before pruning; 0 where random pruning wins at every n, inf where it never
        needs to.

    Raises:
        NoTheoryError: no crossover is known for the problem.

    References: {eq}`eq-crossover` in theory_notes/03_linear.md.
    """
    theory = _look_up(_CROSSOVER, "crossover", problem, regime)
    return theory(problem, regime, refined=refined)


def optimal_mixing(problem: Problem, regime: Regime) -> OptimalMixing:
    """The mixing at which `ExactCalibration` has the smallest finite_size, and what it gains (T9).

    Args:
        problem: with the rule ExactCalibration, whose own mixing is ignored, and penalty 0.
        regime: ``FixedDimension(dim)``.

    Returns:
        An `OptimalMixing`, accurate to 1e-8; optima below 1e-12 count as 0, random pruning.

    Raises:
        ValueError: the rule is another.
        NoTheoryError: there is a penalty, or no theory for the model, the learner or the score.

    References: {eq}`eq-optimal-mixing` in theory_notes/08_calibration.md.
    """
    return _look_up(_MIXING, "optimal mixing", problem, regime)(problem, regime)


def probe_combination(problem: Problem, regime: Regime) -> linear.ProbeCombination:
    """The best use of a student together with the fitted probe that chose its samples.

    With a probe of the same sample the student adds nothing: the weight is 0 (T15).

    Args:
        problem: of the model Linear with Ridge(penalty=0), a sharp rule, a score even in the
            residual (EL2N, Loss, GraNd, Influence, Uncertainty) and a probe that is fitted once.
        regime: ``FixedDimension(dim)``.

    Returns:
        A `ProbeCombination`, accurate to 1e-8 relative; nan where a traced input is out of range.

    Raises:
        NoTheoryError: the problem is another.

    References: {eq}`eq-debiased`, {eq}`eq-combination` in theory_notes/10_same_sample.md.
    """
    theory = _look_up(_COMBINATION, "combination with a probe", problem, regime, fixed=False)
    return theory(problem, regime)


def separability_fraction(problem: Problem, regime: Regime) -> Scalar:
    """The kept fraction at and below which no finite minimiser exists; 0 if one always does.

    Args:
        problem: of the model Logistic; its own fraction is ignored.
        regime: ``FixedDimension(dim)``.

    Returns:
        r_sep in [0, 1), accurate to 1e-12.

    Raises:
        NoTheoryError: nothing is known for the model or the score.

    References: {eq}`eq-separability-fraction` in theory_notes/04_logistic.md.
    """
    return _look_up(_SEPARABILITY, "separability fraction", problem, regime)(problem, regime)


def flip_fraction(problem: Problem, regime: Regime) -> Scalar:
    """The largest kept fraction at which the student is orthogonal to the teacher.

    Below it the student does worse than a coin.

    Args:
        problem: of the model Logistic; its own fraction is ignored.
        regime: ``FixedDimension(dim)``.

    Returns:
        r_flip, accurate to 1e-10, not differentiable; nan where no sign change is found above
        r_sep and 1e-4 (GraNd and scores of the user's own: above 0.02).

    Raises:
        ValueError: a scalar of the problem is traced.
        NoTheoryError: nothing is known for the model.

    References: {eq}`eq-flip-fraction` in theory_notes/04_logistic.md.
    """
    return _look_up(_FLIP, "flip fraction", problem, regime)(problem, regime)


def separability_ratio(problem: Problem, regime: Regime | None = None) -> Scalar:
    """n/d, n counted before pruning, up to which a large kept sample is separable.

    Below it logistic regression without penalty has no finite minimiser, and `MaxMargin` has a
    student; above it the reverse.

    Args:
        problem: of the model Logistic or Perceptron; its learner is ignored.
        regime: ``Proportional``, whose own ratio is ignored; may be left out.

    Returns:
        gamma_sep > 0, accurate to 1e-9; inf where every sample is separable, as with a noiseless
        perceptron or kept labels that all contradict, or all follow, the probe.

    Raises:
        NoTheoryError: nothing is known for the model, the rule or the score.

    References: {eq}`eq-separability-ratio` in theory_notes/05_proportional_limit.md.
    """
    regime = Proportional(jnp.ones(())) if regime is None else regime
    return _look_up(_CAPACITY, "separability ratio", problem, regime)(problem, regime)


def linear_influence(problem: Problem, regime: Regime) -> Influence:
    """The first order of the excess risk in the sample: a control variate for `nfl_sim.simulate`.

    Args:
        problem: of the model Logistic.
        regime: ``FixedDimension(dim)``.

    Returns:
        An `Influence`, of mean exactly zero; nan where there is no limit student.

    Raises:
        NoTheoryError: nothing is known for the model, the rule or the learner.

    References: {eq}`eq-logistic-influence` in theory_notes/04_logistic.md.
    """
    return _look_up(_INFLUENCE, "linear influence", problem, regime)(problem, regime)


def break_even_fraction(problem: Problem, regime: Regime) -> Scalar:
    """The kept fraction at which a score computed on the same sample ties with random pruning.

    Above it the hardest are better than random, below it the easiest. It does not depend on
    signal, noise or, at fixed dimension, on that.

    Args:
        problem: Linear, scored by the residuals of a `SameSampleProbe`, without penalty, with the
            rule KeepHardest or KeepEasiest; its own fraction is ignored.
        regime: ``FixedDimension(dim)``, to first order in 1/n, or ``Proportional(sample_ratio)``.

    Returns:
        The fraction, accurate to 1e-10, not differentiable.

    Raises:
        NoTheoryError: nothing is known for the model, the probe, the rule or the score.

    References: {eq}`eq-same-break-even` in theory_notes/10_same_sample.md.
    """
    theory = _look_up(_BREAK_EVEN, "break-even fraction", problem, regime, fixed=False)
    return theory(problem, regime)


def _has_fixed_probe(problem: Problem) -> bool:
    return not isinstance(problem, Problem) or isinstance(problem.score.probe, Probe | None)


def _look_up(
    table: Theory, what: str, problem: Problem, regime: Regime, *, fixed: bool = True
) -> Callable[..., Any]:
    require_x64()
    for argument, kind in ((problem, Problem), (regime, Regime)):
        if not isinstance(argument, kind):
            raise ValueError(f"expected a {getattr(kind, '__name__', kind)}, got {argument!r}")
    probe = problem.score.probe
    if fixed and not _has_fixed_probe(problem):
        raise NoTheoryError(f"no {what} for {type(probe).__name__}: only for a fixed Probe")
    if isinstance(problem.rule, JointRule):
        raise NoTheoryError(
            f"no {what} for {type(problem.rule).__name__}, which chooses samples jointly; simulate "
            "runs it, and theory knows the pointwise rules"
        )
    theory = table.get((type(problem.model), type(regime)))
    if theory is None:
        fitted = "" if _has_fixed_probe(problem) else f" with {type(probe).__name__}"
        known = ", ".join(f"{m.__name__} in {r.__name__}" for m, r in table)
        raise NoTheoryError(
            f"no {what} for {type(problem.model).__name__}{fitted} in {type(regime).__name__}; "
            f"there is for {known}"
        )
    _require_known_view(what, problem)
    require_dimension(problem, regime.dim)
    return theory


def _require_known_view(what: str, problem: Problem) -> None:
    """Raise ``NoTheoryError`` if a score that looks at whole rows decides what is kept."""
    score = problem.score
    if "covariates" in score.needs and not isinstance(problem.rule, KeepRandom):
        name = getattr(score, "name", type(score).__name__)
        raise NoTheoryError(
            f"no {what} for the score {name!r}, a function of whole rows: no formula is known of "
            "what it keeps. nfl_sim.assess(key, model, score) judges it by simulation, and "
            "nfl_sim.simulate runs it; or write it as a PointwiseScore that declares to see less, "
            "such as the probe's margin, the label or the norm"
        )
