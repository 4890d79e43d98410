"""Keep a subset with the moments of the whole: a vertex of the balance polytope."""

from typing import final

import jax
import numpy as np
from jaxtyping import Float, Integer, PRNGKeyArray
from scipy import optimize

from nfl_sim.pruning._base import fraction_field, num_kept
from nfl_sim.pruning._joint import JointRule
from nfl_sim.validation import Scalar, to_count

_DEPENDENT = 1e-10  # of the largest singular value: what is smaller is rounding
_WHOLE = 1e-6  # the accuracy of the solver


@final
class BalancedVertex(JointRule):
    """Keep a subset whose sums of xy and xx' are ``fraction`` times those of the whole sample.

    sum_kept (1, xy, xx') = r sum_all (1, xy, xx') + O(max |(1, xy, xx')|).

    Least squares on the rows kept is least squares on all, up to O(1/(rn)), whatever the process
    and whatever the score: no pointwise rule can do so. (Of labels +-1 it balances the gradient and
    the curvature of the logistic loss at the null student.)

    Args:
        fraction: kept fraction r in (0, 1]; of n samples in d dimensions it must keep at least
            1 + d + d(d+1)/2.

    References: T12; {eq}`eq-balance-polytope`, {eq}`eq-free-lunch` in
    theory_notes/09_beyond_pointwise.md.
    """

    fraction: Scalar = fraction_field()

    def select(
        self,
        key: PRNGKeyArray,
        covariates: Float[np.ndarray, "n d"],
        labels: Float[np.ndarray, " n"],
        scores: Float[np.ndarray, " n"],
    ) -> Integer[np.ndarray, " m"]:
        """A vertex in a random direction; the score is not looked at.

        Raises:
            ValueError: fewer rows are to be kept than there are sums to balance.
        """
        size = num_kept(float(self.fraction), len(labels))
        return balanced_subset(key, moments(covariates, labels), size)


def moments(
    covariates: Float[np.ndarray, "n d"], labels: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n p"]:
    """The rows (xy, xx'), in float64: what least squares sums up."""
    rows, targets = covariates.astype(np.float64), labels.astype(np.float64)
    first, second = np.triu_indices(rows.shape[1])
    return np.concatenate([rows * targets[:, None], rows[:, first] * rows[:, second]], axis=1)


def balanced_subset(
    key: PRNGKeyArray, features: Float[np.ndarray, "n p"], size: int
) -> Integer[np.ndarray, " size"]:
    """``size`` rows whose features have the mean of all, up to the rounding of p + 1 of them.

    {t in [0, 1]^n : sum t_i = size, sum t_i (f_i - mean f) = 0} holds size/n, so it has vertices;
    one of them has at most p + 1 entries that are neither 0 nor 1, and those are rounded to the
    nearest that add up.

    Args:
        key: of the linear objective whose maximiser the vertex is.
        features: one row a sample, finite.
        size: how many rows, at most n, and at least p + 1 if the features are independent.

    Returns:
        Distinct indices, exactly ``size`` of them, the whole entries of the vertex first.

    Raises:
        ValueError: ``size`` is out of range, a feature is not finite, or the solver fails.

    References: {eq}`eq-balance-polytope` in theory_notes/09_beyond_pointwise.md.
    """
    count, kept = len(features), to_count("size", size, at_least=1)
    if not np.all(np.isfinite(features)):
        raise ValueError("a feature to be balanced is not finite")
    balance = _independent(features - np.mean(features, axis=0))
    sums = balance.shape[1] + 1
    if not sums <= kept <= count:
        raise ValueError(
            f"{sums} sums can be balanced by {sums} to {count} of {count} rows, got {kept} to "
            "keep; raise the fraction or the number of samples"
        )
    shares = _vertex(key, balance, kept)
    order = np.argsort(-shares, kind="stable")
    return order[:kept]


def _independent(centred: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n q"]:
    """Columns of mean square 1 that span the same sums."""
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    real = sizes > _DEPENDENT * max(float(np.max(sizes, initial=0.0)), 1e-300)
    return left[:, real] * np.sqrt(len(centred))


def _vertex(
    key: PRNGKeyArray, balance: Float[np.ndarray, "n q"], size: int
) -> Float[np.ndarray, " n"]:
    """A vertex of the polytope, by the dual simplex method."""
    count, sums = len(balance), balance.shape[1] + 1
    direction = np.random.default_rng(np.asarray(jax.random.key_data(key))).normal(size=count)
    found = optimize.linprog(
        direction,
        A_eq=np.concatenate([np.ones((1, count)), balance.T]),
        b_eq=np.concatenate([[float(size)], np.zeros(sums - 1)]),
        bounds=(0.0, 1.0),
        method="highs-ds",
    )
    if found.x is None or not found.success:
        raise ValueError(f"no vertex with {size} of {count} rows was found: {found.message}")
    split = int(np.sum(np.abs(found.x - np.round(found.x)) > _WHOLE))
    if split > sums:
        raise ValueError(
            f"no vertex with {size} of {count} rows was found: {split} of the entries are not "
            f"whole, and {sums} may be"
        )
    return found.x
