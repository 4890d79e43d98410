"""The 1/n term of the risk: one formula for every kept law."""

from nfl_sim.validation import Scalar


def finite_size(fraction: Scalar, *, slope: Scalar, curvature: Scalar, iid: Scalar) -> Scalar:
    """C in E[excess] = l(r) + C/n + o(1/n) for a rule that keeps the top m of n samples.

    C = (1 - r) l'(r) + r (1 - r) l''(r) / 2 + iid / r.

    Given the score of the first discarded sample, the kept ones are i.i.d. from the pruned law at
    a random fraction with law Beta(m + 1, n - m): the first two terms average l over it.

    Args:
        fraction: r in (0, 1].
        slope, curvature: l'(r) and l''(r), where l is the population excess risk.
        iid: the coefficient c in l + c/m for m i.i.d. samples of the pruned law.

    Returns:
        C, as accurate as the arguments.

    References: {eq}`eq-finite-size` in theory_notes/03_linear.md.
    """
    rest = 1.0 - fraction
    return rest * slope + 0.5 * fraction * rest * curvature + iid / fraction
