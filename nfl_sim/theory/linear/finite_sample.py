"""Exact means of least squares on pruned Gaussian data, at one sample size."""

from collections.abc import Callable
from typing import NamedTuple, NoReturn

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.gaussian import kept_mass_rule, mean_inverse_square_sum, slab_moments
from nfl_sim.problem import FiniteSample, Problem, require_finite_mean
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom, num_kept, num_kept_traced
from nfl_sim.scores import EL2N, Loss, Uncertainty, Uniform
from nfl_sim.theory.linear.student import fixed_probe, linear_model, ridge_penalty
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

_PERFECT = 1e-12
_KNOWN = (
    "random pruning, Uncertainty, and EL2N or Loss with the perfect probe (angle 0, "
    "norm = signal), all with Ridge(penalty=0)"
)


def predict_finite_sample(problem: Problem, regime: FiniteSample) -> Prediction:
    """The exact mean of the excess risk at n samples, with m = `num_kept` of them kept.

    With more than dim + 1 rows the fit is least squares; random pruning with fewer than dim - 1
    rows is the fit of minimum norm.

    Raises:
        NoTheoryError: no exact law is known for the problem.
        ValueError: the mean is infinite, |num_kept - dim| <= 1.

    References: {eq}`eq-random-exact`, {eq}`eq-random-min-norm`, {eq}`eq-uncertainty-exact`,
    {eq}`eq-perfect-probe-exact` in theory_notes/03_linear.md.
    """
    penalty, law = ridge_penalty(problem), _exact_law(problem)
    if not is_traced(penalty) and float(penalty) != 0.0:
        _refuse(f"Ridge(penalty={float(penalty):g})")
    if law is _perfect_probe:
        _require_perfect(problem)
    _require_finite_mean(problem, regime, minimum_norm=law is _random)
    sizes = _sizes(problem, regime)
    excess, known = _solve(problem, sizes, law)
    prediction = Prediction(
        problem,
        regime,
        excess_risk=excess,
        parallel=jnp.minimum(sizes.kept / sizes.dim, 1.0) * linear_model(problem).signal,
        orthogonal=jnp.zeros(()),
        numerical_error=(1e-11 + 1e-15 * sizes.kept) * excess,
    )
    return nan_unless(known & (penalty == 0.0), prediction)


class _Sizes(NamedTuple):
    """Rows kept, rows and dimensions, as numbers: one compilation serves all sizes."""

    kept: Scalar
    num_samples: Scalar
    dim: Scalar


def _sizes(problem: Problem, regime: FiniteSample) -> _Sizes:
    return _Sizes(
        kept=num_kept_traced(problem.rule.fraction, regime.num_samples),
        num_samples=jnp.asarray(1.0 * regime.num_samples),
        dim=jnp.asarray(1.0 * regime.dim),
    )


@eqx.filter_jit
def _solve(problem: Problem, sizes: _Sizes, law: "_ExactLaw") -> tuple[Scalar, Bool[Array, ""]]:
    excess, known = law(problem, sizes)
    return excess, known & (jnp.abs(sizes.kept - sizes.dim) > 1.0)


def _exact_law(problem: Problem) -> "_ExactLaw":
    rule, score = problem.rule, problem.score
    if isinstance(rule, KeepRandom) or isinstance(score, Uniform):
        return _random
    if not isinstance(rule, KeepHardest | KeepEasiest):
        _refuse(type(rule).__name__)
    laws = {Uncertainty: _uncertainty, EL2N: _perfect_probe, Loss: _perfect_probe}
    return laws.get(type(score)) or _refuse(type(score).__name__)


def _random(problem: Problem, sizes: _Sizes) -> tuple[Scalar, Bool[Array, ""]]:
    """sigma^2 d / (m - d - 1), or the minimum-norm law where m < d - 1."""
    model, (kept, _, dim) = linear_model(problem), sizes
    variance = model.noise_std**2
    many = variance * dim / (kept - dim - 1.0)
    few = model.signal**2 * (1.0 - kept / dim) + variance * kept / (dim - kept - 1.0)
    return jnp.where(kept > dim, many, few), jnp.asarray(True)


def _uncertainty(problem: Problem, sizes: _Sizes) -> tuple[Scalar, Bool[Array, ""]]:
    """sigma^2 [d - 1 + (m - 2) E(1/Q)] / (m - d - 1); a probe of norm 0 keeps at random."""
    kept, num_samples, dim = sizes
    freedom = kept - dim - 1.0
    outside = isinstance(problem.rule, KeepEasiest)
    inverse = mean_inverse_square_sum(kept, num_samples, outside=outside)
    inverse = jnp.where(fixed_probe(problem).norm > 0.0, inverse, 1.0 / (kept - 2.0))
    excess = linear_model(problem).noise_std ** 2 * (dim - 1.0 + (kept - 2.0) * inverse) / freedom
    return excess, freedom > 0.0


def _perfect_probe(problem: Problem, sizes: _Sizes) -> tuple[Scalar, Bool[Array, ""]]:
    """sigma^2 E[kappa(r)] d / (m - d - 1), r the mass beyond the threshold."""
    kept, num_samples, dim = sizes
    freedom = kept - dim - 1.0
    outside = isinstance(problem.rule, KeepHardest)
    masses, weights = kept_mass_rule(kept, num_samples)
    kappa = jax.vmap(lambda mass: slab_moments(mass, outside))(masses).second
    excess = linear_model(problem).noise_std ** 2 * dim * jnp.sum(weights * kappa) / freedom
    return excess, (freedom > 0.0) & (_distance(problem) <= _PERFECT * _scale(problem))


_ExactLaw = Callable[[Problem, _Sizes], tuple[Scalar, Bool[Array, ""]]]


def _distance(problem: Problem) -> Scalar:
    """|w_p - w0|."""
    return jnp.sqrt(
        jnp.sum(fixed_probe(problem).plane.at[0].add(-linear_model(problem).signal) ** 2)
    )


def _scale(problem: Problem) -> Scalar:
    return jnp.maximum(1.0, linear_model(problem).signal)


def _require_perfect(problem: Problem) -> None:
    distance = _distance(problem)
    if not is_traced(distance) and float(distance) > _PERFECT * float(_scale(problem)):
        name = type(problem.score).__name__
        _refuse(f"{name} with a probe at distance {float(distance):g} from the teacher")


def _require_finite_mean(problem: Problem, regime: FiniteSample, *, minimum_norm: bool) -> None:
    if is_traced(problem.rule.fraction):
        return
    kept = num_kept(float(problem.rule.fraction), regime.num_samples)
    require_finite_mean(kept, regime.dim)
    if kept < regime.dim and not minimum_norm:
        _refuse(f"scored pruning with num_kept={kept} < dim={regime.dim}")


def _refuse(what: str) -> NoReturn:
    raise NoTheoryError(f"no exact finite-sample law for {what}: only {_KNOWN}")
