"""Ladders in n = RATIO * d: least squares after random pruning, whose law is known exactly."""

import jax.numpy as jnp

import nfl_sim as nfl
from tests.synthetic import EXACT, synthetic

RATIO = 8.0
REGIME = nfl.Proportional(RATIO)
DIMS = (32, 64, 128)


def limit(problem, ratio):
    """sigma^2 / (kept per dimension - 1)."""
    return problem.model.noise_std**2 / (problem.rule.fraction * ratio - 1.0)


def closed_form(problem, regime):
    """What a theory would say."""
    risk = limit(problem, regime.sample_ratio)
    return nfl.Prediction(problem, regime, excess_risk=risk, numerical_error=jnp.asarray(0.0))


def exact(problem, dim, num_samples):
    """sigma^2 d / (m - d - 1), the mean at every size."""
    kept = nfl.num_kept(float(problem.rule.fraction), num_samples)
    return float(problem.model.noise_std) ** 2 * dim / (kept - dim - 1)


def grown(means, sems=1e-5, problem=EXACT, dims=DIMS, **changes):
    """Simulations with these means at d of ``dims`` and n = RATIO * d."""
    sems = [sems] * len(dims) if isinstance(sems, float) else sems
    rows = zip(dims, means, sems, strict=True)
    return [synthetic(int(RATIO * d), m, s, problem, dim=d, **changes) for d, m, s in rows]


def expansion(prediction, *terms, power=1.0, dims=DIMS):
    """The limit, plus terms of d^-power, d^-2 power and so on."""
    orders = range(1, len(terms) + 1)
    rest = [sum(t * d ** (-power * k) for k, t in zip(orders, terms, strict=True)) for d in dims]
    return [float(prediction.excess_risk) + value for value in rest]
