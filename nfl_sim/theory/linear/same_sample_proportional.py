"""Least squares scored on its own sample in high dimension, and where it beats random pruning."""

import jax.numpy as jnp

from nfl_sim.gaussian import SlabMoments, slab_moments, solve_increasing
from nfl_sim.problem import FixedDimension, Problem, Proportional
from nfl_sim.pruning import KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Influence, Loss
from nfl_sim.theory.linear.laws import ScoreUnits
from nfl_sim.theory.linear.same_sample import require_residuals
from nfl_sim.theory.linear.student import linear_model
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

_CLOSEST = 1e-6
_IN_HIGH_DIMENSION = (EL2N, GraNd, Influence, Loss)


def predict_same_sample_proportional(problem: Problem, regime: Proportional) -> Prediction:
    """R_full + sigma^2 (g - 1) s (1 - s) rho / ((rho - 1)(rho - s)^2), rho = r g > 1, s = r kappa.

    Raises:
        NoTheoryError: another probe, score, rule or learner; or no more rows kept than dimensions.

    References: {eq}`eq-same-proportional` in theory_notes/10_same_sample.md.
    """
    penalty = require_residuals(problem, "proportional limit", _IN_HIGH_DIMENSION)
    model, ratio = linear_model(problem), regime.sample_ratio
    density = problem.rule.fraction * ratio
    if not is_traced(density) and float(density) <= 1.0:
        raise NoTheoryError(
            "the proportional limit of a same-sample probe is known for fraction * sample_ratio "
            f"> 1, got {float(density):g}"
        )
    full = model.noise_std**2 / (ratio - 1.0)
    excess = full + model.noise_std**2 * _price(problem, ratio)
    norm = jnp.sqrt(model.signal**2 + excess)
    spread = model.noise_std * jnp.sqrt(1.0 - 1.0 / ratio)
    threshold = spread * _kept(problem, problem.rule.fraction).threshold
    named = isinstance(problem.score, EL2N | Loss) and not isinstance(problem.rule, KeepRandom)
    prediction = Prediction(
        problem,
        regime,
        excess_risk=excess,
        parallel=model.signal,
        orthogonal=jnp.zeros(()),
        norm=norm,
        probe_overlap=jnp.sqrt(model.signal**2 + full),
        threshold=jnp.where(named, ScoreUnits.of(problem.score).score(threshold), jnp.nan),
        numerical_error=1e-13 * excess,
    )
    return nan_unless((density > 1.0) & (penalty == 0.0), prediction)


def break_even_fraction(problem: Problem, regime: FixedDimension | Proportional) -> Scalar:
    """The kept fraction at which a same-sample score and random pruning tie.

    Above it the hardest are better than random, below it the easiest.

    Args:
        problem: with the rule KeepHardest or KeepEasiest, whose own fraction is ignored.
        regime: ``FixedDimension`` (to first order in 1/n, any dimension) or ``Proportional``.

    Raises:
        NoTheoryError: another probe, score, rule or learner.

    References: {eq}`eq-same-break-even` in theory_notes/10_same_sample.md.
    """
    high = isinstance(regime, Proportional)
    scores = _IN_HIGH_DIMENSION if high else (EL2N, Loss)
    require_residuals(problem, "break-even fraction", scores)
    if isinstance(problem.rule, KeepRandom):
        raise NoTheoryError("random pruning ties with itself at every fraction")
    outside = isinstance(problem.rule, KeepHardest)

    def advantage(fraction: Scalar) -> Scalar:
        kappa = slab_moments(fraction, outside).second
        if not isinstance(regime, Proportional):
            return kappa + 1.0 - 1.0 / fraction
        ratio = regime.sample_ratio
        discarded = slab_moments(1.0 - fraction, not outside).second
        gain = ((ratio - kappa) / (ratio - 1.0)) ** 2 - kappa * discarded
        return gain if outside else -gain

    low = 1.0 / regime.sample_ratio if isinstance(regime, Proportional) else jnp.zeros(())
    high_end = jnp.asarray(1.0 - _CLOSEST)
    return solve_increasing(advantage, low + _CLOSEST, high_end, tolerance=1e-12)


def _price(problem: Problem, ratio: Scalar) -> Scalar:
    """(g - 1) s (1 - s) rho / ((rho - 1)(rho - s)^2)."""
    fraction = problem.rule.fraction
    density = fraction * ratio
    if isinstance(problem.rule, KeepRandom):
        return 1.0 / (density - 1.0) - 1.0 / (ratio - 1.0)
    share = fraction * _kept(problem, fraction).second
    pull = (ratio - 1.0) * share * (1.0 - share) * density
    return pull / ((density - 1.0) * (density - share) ** 2)


def _kept(problem: Problem, fraction: Scalar) -> SlabMoments:
    return slab_moments(fraction, isinstance(problem.rule, KeepHardest))
