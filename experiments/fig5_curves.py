"""The theory of fig5: errors over the plane, and the fractions at which two rules tie."""

import functools
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from experiments import perceptron

HARD, EASY, RANDOM = "KeepHardest", "KeepEasiest", "KeepRandom"
PAIRS = ((HARD, RANDOM), (HARD, EASY), (EASY, RANDOM))
_SAME = 1e-7  # log ratio of errors below which two rules tie for all one can tell


def errors(rule: str, points: Any) -> np.ndarray:
    """The error of a rule at points (n/d, kept fraction, angle in degrees), shape (k, 3)."""
    return np.asarray(_mapped(rule)(np.asarray(points, dtype=float)))


def plane(ratios: Any, fractions: Any, angle: float) -> dict[str, np.ndarray]:
    """The errors of the three rules on the grid, shape (ratios, fractions)."""
    points = [(a, f, angle) for a, f in product(ratios, fractions)]
    shape = (len(ratios), len(fractions))
    return {rule: errors(rule, points).reshape(shape) for rule in (HARD, EASY, RANDOM)}


def winners(found: dict[str, np.ndarray]) -> np.ndarray:
    """0, 1 or 2 where the hardest, the easiest or random samples make the best student."""
    return np.argmin([found[HARD], found[EASY], found[RANDOM]], axis=0)


def ties(
    found: dict[str, np.ndarray], ratios: Any, fractions: Any, angle: float
) -> Iterator[dict[str, Any]]:
    """The kept fractions at which two rules tie: bracketed on the grid, then solved for."""
    for one, other in PAIRS:
        gaps = np.log(found[one] / found[other])
        for ratio, row in zip(ratios, gaps, strict=True):
            for low, high in _brackets(fractions, row):
                fraction = tie(one, other, ratio, angle, low, high)
                name = {"one": one, "other": other, "angle": angle, "ratio": float(ratio)}
                yield name | {"fraction": fraction}


def tie(one: str, other: str, ratio: float, angle: float, low: float, high: float) -> float:
    """The fraction in [low, high] at which the errors of two rules are equal, to 1e-10."""
    from scipy import optimize

    def gap(log_fraction: float) -> float:
        point = [(ratio, float(np.exp(log_fraction)), angle)]
        return float(np.log(errors(one, point)[0] / errors(other, point)[0]))

    ends = (float(np.log(low)), float(np.log(high)))
    return float(np.exp(optimize.brentq(gap, *ends, xtol=1e-10)))  # pyright: ignore


def asymptote(angle: float, ratio: Any) -> Any:
    """Where the hardest and a random sample tie at large n/d: 2/(n/d), or the cubic law.

    References: {eq}`eq-margin-wall`, {eq}`eq-margin-crossover` in theory_notes/06_perceptron.md.
    """
    from nfl_sim.theory import margin_constant

    if angle == 0.0:
        return 2.0 / ratio
    return np.sin(np.deg2rad(angle)) * (3.0 * margin_constant() / ratio) ** (1.0 / 3.0)


def _brackets(fractions: Any, gaps: np.ndarray) -> Iterator[tuple[float, float]]:
    for k in range(len(gaps) - 1):
        apart = min(abs(gaps[k]), abs(gaps[k + 1])) > _SAME
        if apart and (gaps[k] > 0.0) != (gaps[k + 1] > 0.0):
            yield float(fractions[k]), float(fractions[k + 1])


@functools.cache
def _mapped(rule: str) -> Callable[[Any], Any]:
    """Compiled once a rule and number of points."""
    import jax
    import jax.numpy as jnp

    import nfl_sim as nfl

    def error(point: Any) -> Any:
        ratio, fraction, angle = point
        score = "Uniform" if rule == RANDOM else "Uncertainty"
        problem = perceptron.build(score, rule, fraction, angle=jnp.deg2rad(angle))
        return nfl.predict(problem, nfl.Proportional(sample_ratio=ratio)).error

    return jax.jit(lambda points: jax.lax.map(error, points))
