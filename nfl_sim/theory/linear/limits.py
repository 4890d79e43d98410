"""The limit of small fractions, and where random pruning overtakes."""

import jax.numpy as jnp

from nfl_sim.problem import FixedDimension, Problem
from nfl_sim.pruning import KeepHardest
from nfl_sim.scores import GraNd
from nfl_sim.theory.linear.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.linear.frame import axes_along, teacher_plane
from nfl_sim.theory.linear.law import Plane
from nfl_sim.theory.linear.laws import kept_law
from nfl_sim.theory.linear.radial import RadialLaw
from nfl_sim.theory.linear.slab import SlabLaw
from nfl_sim.theory.linear.student import fixed_probe, linear_model, ridge_penalty, student
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.validation import NoTheoryError, Scalar, is_traced


def small_fraction_limit(problem: Problem, regime: FixedDimension) -> Prediction:
    """The student as the kept fraction tends to 0 (T6); the problem's own fraction is ignored.

    EL2N: w0 + sigma^2 delta / |delta|^2 (hardest), w_p (easiest), with delta = w0 - w_p. GraNd:
    w_p + sqrt(v) delta/|delta| (hardest), w_p (easiest). Label-free scores: w0.

    Returns:
        A `Prediction` of the student and its excess risk; ``finite_size`` and the like are nan.

    Raises:
        NoTheoryError: the score has no closed limit here.

    References: {eq}`eq-el2n-small-r-hard`, {eq}`eq-el2n-small-r-easy`,
    {eq}`eq-grand-small-r-hard`, {eq}`eq-grand-small-r-easy` in theory_notes/03_linear.md.
    """
    penalty = ridge_penalty(problem)
    law = kept_law(problem, penalty, regime.dim)
    if isinstance(law, SlabLaw | RadialLaw):
        gap = law.small_fraction_deviation()
    elif isinstance(problem.score, GraNd):
        gap = _grand_limit(problem, penalty)
    else:
        raise NoTheoryError(
            f"no closed limit of small fractions for {type(problem.score).__name__}; "
            "there is for EL2N, GraNd, Leverage, Loss, Uncertainty, Uniform"
        )
    fields = student(problem, gap)
    error = 1e-14 * fields["excess_risk"]
    known = jnp.isfinite(fields["excess_risk"])
    return nan_unless(known, Prediction(problem, regime, **fields, numerical_error=error))


def crossover_sample_size(
    problem: Problem, regime: FixedDimension, *, refined: bool = True
) -> Scalar:
    """The n beyond which random pruning at the same fraction has the smaller risk (T8).

    First order: n* = (C_random - C) / E with E the excess risk and C the finite_size. Refined: the
    same with the common factor 1/(m - dim - 1) of least squares in place of 1/m, which adds
    (dim + 1)/r.

    Args:
        problem: a Linear problem with Ridge(penalty=0).
        regime: fixed dimension.
        refined: see above.

    Returns:
        n counted before pruning; 0 where random pruning wins at every n, inf where the rule's
        limit is exact and its 1/n term the smaller.

    Raises:
        NoTheoryError: the penalty is not 0 (then random pruning is biased too).

    References: {eq}`eq-crossover` in theory_notes/03_linear.md.
    """
    penalty = ridge_penalty(problem)
    if not is_traced(penalty) and float(penalty) != 0.0:
        raise NoTheoryError(
            f"the crossover compares with unbiased random pruning, so the penalty must be 0, got "
            f"{float(penalty):g}"
        )
    prediction = predict_fixed_dimension(problem, regime)
    fraction, dim = problem.rule.fraction, regime.dim
    advantage = linear_model(problem).noise_std ** 2 * dim / fraction - prediction.finite_size
    shift = (dim + 1.0) / fraction if refined else 0.0
    risk = prediction.excess_risk
    biased = risk > prediction.numerical_error
    crossing = shift + advantage / jnp.where(biased, risk, 1.0)
    crossing = jnp.where(advantage <= 0.0, 0.0, jnp.where(biased, crossing, jnp.inf))
    return jnp.where(prediction.converged, crossing, jnp.nan)


def _grand_limit(problem: Problem, penalty: Scalar) -> Plane:
    model, probe = linear_model(problem), fixed_probe(problem)
    if not is_traced(penalty) and float(penalty) != 0.0:
        raise NoTheoryError(
            "the limit of small fractions of GraNd is known for penalty 0 only, got "
            f"{float(penalty):g}"
        )
    offset = teacher_plane(model) - probe.plane
    if not isinstance(problem.rule, KeepHardest):
        gap = -offset
    else:
        axes, length = axes_along(offset)
        std = jnp.sqrt(length**2 + model.noise_std**2)
        overshoot = model.noise_std**2 / (std + length)
        gap = jnp.where(length > 0.0, overshoot, 0.0) * axes[0]
    return jnp.where(penalty == 0.0, gap, jnp.nan)
