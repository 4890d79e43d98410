"""How much of the budget an exact calibration should give to the top (T9)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from nfl_sim.gaussian import bisect, polish
from nfl_sim.problem import Problem, is_valid
from nfl_sim.pruning import ExactCalibration
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

# Optima below the smallest of these gain less than rounding can tell, and count as none.
_MIXINGS = np.concatenate([np.logspace(-12.0, -1.0, 34)[:-1], np.linspace(0.1, 0.999, 28)])
_BISECTIONS = 45


class OptimalMixing(NamedTuple):
    """The best exact calibration of a score at a fraction.

    Args:
        mixing: alpha* in [0, 1); 0 where random pruning is best.
        finite_size: C of the best rule: its excess risk is C/n.
        variance_ratio: C over that of random pruning, in (0, 1].
        converged: whether the solves met their tolerance; if not, the numbers are nan.
    """

    mixing: Scalar
    finite_size: Scalar
    variance_ratio: Scalar
    converged: Bool[Array, ""]


class RestEnergy(NamedTuple):
    """J: the mass of the rest times its centred gradient energy, tr(H A^-1 Cov A^-1) / 2.

    Args:
        at: level -> J and the mass of the top.
        level: mass of the top -> level.
        whole: J where there is no top.
    """

    at: Callable[[Scalar], tuple[Scalar, Scalar]]
    level: Callable[[Scalar], Scalar]
    whole: Scalar

    def jet(self, mass: Scalar) -> tuple[Scalar, Scalar]:
        """J and its derivative in the mass of the top."""
        level = self.level(mass)
        (value, _), (slope, rate) = jax.jvp(self.at, (level,), (jnp.ones_like(level),))
        return value, slope / rate


def require_unbiased(problem: Problem, penalty: Scalar) -> None:
    """Raise unless the problem's rule can be mixed without bias.

    Raises:
        ValueError: the rule is no `ExactCalibration`.
        NoTheoryError: there is a penalty.
    """
    if not isinstance(problem.rule, ExactCalibration):
        raise ValueError(
            "optimal_mixing needs the rule ExactCalibration (its own mixing is ignored), "
            f"got {type(problem.rule).__name__}"
        )
    if not is_traced(penalty) and float(penalty) != 0.0:
        raise NoTheoryError(
            f"optimal_mixing needs penalty=0, got {float(penalty):g}: with a penalty even random "
            "pruning is biased (D3 in theory_notes/01_pruning_as_conditioning.md)"
        )


def best_mixing(problem: Problem, dim: int, energy: RestEnergy) -> OptimalMixing:
    """Minimise C(alpha) = J(0) + (1 - r) J(alpha r) / ((1 - alpha) r).

    The best of a grid is bracketed by its neighbours, between which the derivative vanishes.

    References: {eq}`eq-optimal-mixing` in theory_notes/08_calibration.md.
    """
    fraction = problem.rule.fraction
    random = energy.whole / fraction

    def coefficient(mixing: Scalar) -> Scalar:
        rest, _ = energy.jet(mixing * fraction)
        return energy.whole + (1.0 - fraction) * rest / ((1.0 - mixing) * fraction)

    def ascent(log_mixing: Scalar) -> Scalar:
        """The sign of C'."""
        mixing = jnp.exp(log_mixing)
        rest, slope = energy.jet(mixing * fraction)
        return rest + (1.0 - mixing) * fraction * slope

    grid = jnp.asarray(_MIXINGS)
    values = jax.lax.map(coefficient, jax.lax.stop_gradient(grid))
    best = jnp.clip(jnp.argmin(values), 1, len(grid) - 2)
    ends = (jnp.log(grid[best + side]) for side in (-1, 1))
    bracket = bisect(lambda at: ascent(at) < 0.0, *ends, steps=_BISECTIONS)
    mixing = jnp.exp(polish(ascent, *bracket))
    found = coefficient(mixing)
    none = ~(found < random)
    valid = is_valid(problem, dim) & jnp.isfinite(found)
    numbers = (jnp.where(none, 0.0, mixing), jnp.where(none, random, found))
    mixing, found = (jnp.where(valid, number, jnp.nan) for number in numbers)
    return OptimalMixing(mixing, found, found / random, valid)
