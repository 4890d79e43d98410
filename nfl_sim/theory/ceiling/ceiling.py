"""The least variance of pointwise rules that are unbiased (T11)."""

import math
from typing import Any, NamedTuple, get_args

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool

from nfl_sim.gaussian import polish, solve_increasing
from nfl_sim.models import Model
from nfl_sim.theory.ceiling.capped_moments import CappedLaw, CappedMoments
from nfl_sim.theory.ceiling.sensitivity import Dimension, View, sensitivity
from nfl_sim.validation import Scalar, in_domain, require_x64, to_count, to_scalar

_COARSE, _FINE = 20, 30
_LEAST_LOG_THRESHOLD = -290.0
_TOLERANCE = 1e-14
_BUDGET_ERROR = 1e-9
_ROUNDING = 1e-13


class UnbiasedCeiling(NamedTuple):
    """How little variance an unbiased pointwise rule can have at a keep fraction r.

    Args:
        scale: c of the best rule pi = min(1, c s / sqrt(d)), with s the sensitivity; inf at
            r = 1. For Linear, s = |y - w0.x| |x|.
        variance_ratio: least variance coefficient over that of random pruning, in (0, 1].
        limit: of ``variance_ratio`` as r -> 0, (E s)^2 / E s^2.
        mean_square: E s^2 / d = tr(H^-1 V) / d, so that random pruning has the variance
            coefficient d ``mean_square`` / r.
        numerical_error: estimated absolute numerical error of ``variance_ratio`` and ``limit``;
            the relative error of ``scale`` is larger by a factor of up to 1 / (1 - r).
        converged: whether the solve met its tolerance; if not, the numbers are nan.
    """

    scale: Scalar
    variance_ratio: Scalar
    limit: Scalar
    mean_square: Scalar
    numerical_error: Scalar
    converged: Bool[Array, ""]


def unbiased_ceiling(
    model: Model, dim: Dimension, fraction: ArrayLike, *, sees: View = "everything"
) -> UnbiasedCeiling:
    """The least variance among rules with weights 1/pi and Poisson draws, and who attains it.

        variance_ratio = min {r E[s^2/pi] / E s^2 : E pi = r, 0 < pi <= 1},  at pi = min(1, c s).

    s is the length of the gradient of a sample's loss at the best student, in the metric of the
    inverse Hessian of the risk. A rule that sees less of a sample does best with the root of
    E[s^2 | what it sees] in place of s. Can be jitted, mapped and differentiated once in the
    fraction (below 1) and in the scalars of the model.

    Args:
        model: Linear or Logistic.
        dim: dimension of the covariates, an integer >= 1, or infinity for the limit law.
        fraction: keep fraction r in (0, 1].
        sees: "everything" of the sample; "residual", its size at the best student, which for
            Logistic tells y w*.x (at signal 0: the limit of small signals); or "covariates",
            label-free.

    Returns:
        An `UnbiasedCeiling`, the ratios accurate to about 1e-10 for signals up to 100; it carries
        its own ``numerical_error``. nan where 1/c is below 1e-126, as at signal 100 for
        0 < 1 - r < 1e-6.

    Raises:
        ValueError: an argument is outside its range, or float64 is off.
        NoTheoryError: (a ValueError) the model is neither Linear nor Logistic.

    References: {eq}`eq-ceiling-rule`, {eq}`eq-ceiling-ratio`, {eq}`eq-ceiling-small-r` in
    theory_notes/08_calibration.md.
    """
    require_x64()
    if not isinstance(model, Model):
        raise ValueError(f"model must be a Model, got {model!r}")
    if sees not in get_args(View):
        raise ValueError(f"sees must be one of {get_args(View)}, got {sees!r}")
    kept = to_scalar("fraction", fraction, low=0.0, high=1.0, open_low=True)
    return _unbiased_ceiling(model, _to_dimension(dim), kept, sees)


@eqx.filter_jit
def _unbiased_ceiling(
    model: Model, dim: Dimension, fraction: Scalar, sees: View
) -> UnbiasedCeiling:
    law = CappedLaw.of(sensitivity(model, dim, sees))
    threshold = _threshold(law, fraction)
    coarse, fine = (law.moments(threshold, count) for count in (_COARSE, _FINE))
    (rough, rough_limit), (ratio, limit) = (_ratios(m, threshold, fraction) for m in (coarse, fine))
    doubt = jnp.abs(ratio - rough) + jnp.abs(limit - rough_limit)
    everything = fraction == 1.0
    met = jnp.abs(fine.least / threshold - fraction) <= _BUDGET_ERROR * fraction
    known = (fraction > 0.0) & (fraction <= 1.0) & in_domain(model)
    converged = (met | everything) & fine.resolved & known & jnp.isfinite(ratio)

    def shown(number: Scalar) -> Scalar:
        return jnp.where(converged, number, jnp.nan)

    return UnbiasedCeiling(
        scale=shown(jnp.where(everything, jnp.inf, 1.0 / threshold)),
        variance_ratio=shown(ratio),
        limit=shown(limit),
        mean_square=shown(fine.second),
        numerical_error=shown(doubt + _ROUNDING),
        converged=converged,
    )


def _ratios(moments: CappedMoments, threshold: Scalar, fraction: Scalar) -> tuple[Scalar, Scalar]:
    """The variance ratio at the fraction, if nearly that of the threshold, and its limit.

    The least variance falls by t^2 a unit of budget, {eq}`eq-ceiling-price` in
    theory_notes/08_calibration.md.
    """
    surplus = moments.least / threshold - fraction
    ratio = fraction * (moments.most + threshold**2 * surplus) / moments.second
    return ratio, moments.first**2 / moments.second


def _threshold(law: CappedLaw, fraction: Scalar) -> Scalar:
    """The t = 1/c at which E min(s, t) / t is the fraction, which falls as t grows."""

    def excess(log_threshold: Scalar) -> Scalar:
        least = law.moments(jnp.exp(log_threshold), _FINE).least
        return jnp.log(fraction) - jnp.log(least) + log_threshold

    low, high = jnp.asarray(_LEAST_LOG_THRESHOLD), jnp.log(law.largest) - jnp.log(fraction)
    root = solve_increasing(excess, low, high, tolerance=_TOLERANCE)
    return jnp.exp(polish(excess, root, root))


def _to_dimension(dim: Any) -> Dimension:
    """An integer >= 1, or infinity."""
    if isinstance(dim, float) and dim == math.inf:
        return dim
    try:
        return to_count("dim", dim, at_least=1)
    except ValueError as error:
        raise ValueError(f"dim must be an integer >= 1, or infinity, got {dim!r}") from error
