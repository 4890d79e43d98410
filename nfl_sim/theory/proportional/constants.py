"""Constants of the hard margin on many samples."""

import functools
import math

from scipy import optimize, stats


@functools.cache
def margin_constant() -> float:
    """c0 = 1/(sqrt(2 pi) I1(k*)): the limit of (kept ratio x error) of a random sample.

    k* solves I1 = k I2, with the ramp moments I1 = E(k - Z)_+ = k Phi(k) + phi(k) and
    I2 = E(k - Z)_+^2 = k I1 + Phi(k).

    Returns:
        0.5005, to 1e-15.

    References: {eq}`eq-margin-constants` in theory_notes/06_perceptron.md.
    """

    def first(k: float) -> float:
        return float(k * stats.norm.cdf(k) + stats.norm.pdf(k))

    def balance(k: float) -> float:
        return float(k * (k * first(k) + stats.norm.cdf(k)) - first(k))

    root = optimize.root_scalar(balance, bracket=(0.0, 1.0), xtol=1e-15).root
    return 1.0 / (math.sqrt(2.0 * math.pi) * first(root))
