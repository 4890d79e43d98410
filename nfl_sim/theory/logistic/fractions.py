"""Fractions at which something happens: the student ceases to exist, or turns its back."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize, special

from nfl_sim.problem import FixedDimension, Problem, probe_of
from nfl_sim.scores import EL2N, GraNd, Leverage, Loss, Margin, Uncertainty, Uniform
from nfl_sim.theory.logistic.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.logistic.generic_law import GenericMargin
from nfl_sim.theory.logistic.laws import (
    has_direction,
    kept_law,
    logistic_model,
    quadrature_refinement,
    resolutions,
)
from nfl_sim.theory.logistic.margin_law import HalfLine, MarginLaw
from nfl_sim.theory.logistic.solution import logistic_penalty
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

_GRID = 32
_CLOSEST = 1e-9
_SMALLEST = {True: 0.02, False: 1e-4}  # GraNd, others
_KNOWN = EL2N | GraNd | Leverage | Loss | Margin | Uncertainty | Uniform


def separability_fraction(problem: Problem, regime: FixedDimension) -> Scalar:
    """The kept fraction r_sep at and below which no finite minimiser exists; 0 if one always does.

    For EL2N, Loss and Margin it is the noisy error of the probe (hardest), or one minus that
    (easiest): the kept labels then all contradict, or all follow, the probe.

    Args:
        problem: of the model Logistic; its own fraction is ignored.
        regime: ``FixedDimension(dim)``.

    Returns:
        r_sep in [0, 1), accurate to 1e-12.

    Raises:
        NoTheoryError: the score is of the user's own.

    References: {eq}`eq-separability-fraction` in theory_notes/04_logistic.md.
    """
    logistic_penalty(problem)
    if not isinstance(problem.score, _KNOWN):
        raise NoTheoryError(
            f"no separability fraction for {type(problem.score).__name__}; there is for EL2N, "
            "GraNd, Leverage, Loss, Margin, Uncertainty, Uniform"
        )
    return _separability_fraction(problem, regime.dim, quadrature_refinement(problem))


def flip_fraction(problem: Problem, regime: FixedDimension) -> Scalar:
    """The largest kept fraction r_flip at which the student is orthogonal to the teacher.

    Below it the student does worse than a coin.

    Args:
        problem: of the model Logistic; its own fraction is ignored.
        regime: ``FixedDimension(dim)``.

    Returns:
        r_flip, accurate to 1e-10, not differentiable; nan where no sign change is found between
        r_sep, or 1e-4 (GraNd and scores of the user's own: 0.02), and 1.

    Raises:
        ValueError: a scalar of the problem is traced.

    References: {eq}`eq-flip-fraction` in theory_notes/04_logistic.md.
    """
    if any(map(is_traced, jax.tree.leaves(problem))):
        raise ValueError("flip_fraction searches: it needs a concrete problem, not a traced one")
    law = kept_law(problem, regime.dim).law
    low = _SMALLEST[not isinstance(law, MarginLaw | GenericMargin)]
    if isinstance(law, HalfLine):
        low = max(low, float(separability_fraction(problem, regime)) * (1.0 + 1e-6) + 1e-9)

    def along(fraction: float) -> float:
        moved = eqx.tree_at(lambda p: p.rule.fraction, problem, jnp.asarray(fraction, jnp.float64))
        return float(predict_fixed_dimension(moved, regime).parallel)

    grid = np.linspace(1.0 - _CLOSEST, low, _GRID)
    values = [along(fraction) for fraction in grid]
    for k in range(_GRID - 1):
        if values[k + 1] < 0.0 <= values[k]:
            root = optimize.root_scalar(along, bracket=(grid[k + 1], grid[k]), xtol=1e-14)
            return jnp.asarray(root.root)
    return jnp.asarray(jnp.nan)


@functools.cache
def divergence_constant() -> float:
    """k* > 0 of k log(1 + e^k) + Li2(-e^k) = 0: near r_sep the student grows as k*/distance.

    References: {eq}`eq-divergence-constant` in theory_notes/04_logistic.md.
    """

    def balance(k: float) -> float:
        return k * np.log1p(np.exp(k)) + special.spence(1.0 + np.exp(k))

    return float(optimize.root_scalar(balance, bracket=(1.0, 2.0), xtol=1e-15).root)


@eqx.filter_jit
def _separability_fraction(problem: Problem, dim: int, refinement: int) -> Scalar:
    law, fraction = kept_law(problem, dim).law, jnp.zeros(())
    if isinstance(law, HalfLine):
        fraction = logistic_model(problem).diagnostics(law.axes[0])["noisy_error"]
        fraction = jnp.where(has_direction(problem, law), fraction, 0.0)
    elif isinstance(law, GenericMargin) and isinstance(problem.score, GraNd):
        fraction = _on_the_line(problem, law, refinement)
    return jnp.where(logistic_penalty(problem) > 0.0, 0.0, fraction)


def _on_the_line(problem: Problem, law: GenericMargin, refinement: int) -> Scalar:
    """GraNd in dimension 1: separable once the threshold passes max of s sigma(-b s), W(1/e)/b."""
    probe = probe_of(problem)
    assert probe is not None
    norm = probe.norm
    highest = special.lambertw(np.exp(-1.0)).real / norm
    sign = problem.rule.priority(jnp.ones(()))
    nodes = law.nodes(-highest, resolutions(law, refinement)[0])
    return jnp.where((sign > 0.0) & (norm > 0.0), jnp.sum(nodes.mass), 0.0)
