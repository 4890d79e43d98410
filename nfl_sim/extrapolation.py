"""Weighted least squares of means against powers of the inverse size."""

from typing import NamedTuple

import numpy as np
from scipy import stats


class Fit(NamedTuple):
    """Coefficients of a weighted least-squares fit.

    Args:
        coefficients, sems: one entry a column of the design, with standard errors.
        chi2: sum of squared standardised residuals.
        freedom: its degrees of freedom.
        covariance: of the coefficients.
    """

    coefficients: np.ndarray
    sems: np.ndarray
    chi2: float
    freedom: int
    covariance: np.ndarray

    def misfits(self, false_alarm: float) -> bool:
        """Whether the residuals are larger than their errors allow."""
        return self.freedom > 0 and self.chi2 > float(stats.chi2.isf(false_alarm, self.freedom))


def fit_powers(
    inverse_sizes: np.ndarray, means: np.ndarray, sems: np.ndarray, powers: tuple[int, ...]
) -> Fit:
    """Fit means with independent normal errors by a sum of powers of the inverse size.

    Args:
        inverse_sizes: shape (k,), best scaled so that they are of order 1.
        means, sems: shape (k,), sems > 0.
        powers: the exponents, at most k; the coefficients come in their order.

    Returns:
        A `Fit`.
    """
    design = np.stack([inverse_sizes**power for power in powers], axis=1) / sems[:, None]
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ (means / sems)
    chi2 = float(np.sum((means / sems - design @ coefficients) ** 2))
    covariance = inverse @ inverse.T
    freedom = len(means) - len(powers)
    return Fit(coefficients, np.sqrt(np.diag(covariance)), chi2, freedom, covariance)
