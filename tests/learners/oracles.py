"""Students of the margin by unlike routes: linear programs and active sets."""

import numpy as np
from scipy.optimize import linprog, nnls


def is_separable(rows):
    """Whether some w has rows_i.w > 0 for all i: the largest margin over |w|_inf <= 1."""
    count, dim = rows.shape
    sides = np.column_stack([-rows, np.ones(count)])
    bounds = [(-1, 1)] * dim + [(None, 1)]
    target = np.append(np.zeros(dim), -1.0)
    return linprog(target, A_ub=sides, b_ub=np.zeros(count), bounds=bounds).fun < -1e-9


def nearest_of_hull(rows):
    """The point of the hull of the rows that is nearest to 0, and the shares that combine it.

    min over z >= 0 of |sum z_i rows_i|^2 + (sum z - 1)^2 has the same shares, but for their sum.
    """
    system = np.vstack([rows.T, np.ones(len(rows))])
    shares = nnls(system, np.append(np.zeros(rows.shape[1]), 1.0), maxiter=100 * len(rows))[0]
    shares /= shares.sum()
    return shares @ rows, shares


def hinge_remainder(student, rows, shares, penalty):
    """How far ``student`` is from stationary: penalty w = sum z_i rows_i for some z.

    z = shares below a margin of 1, 0 above, and whatever in between at it.
    """
    margins = rows @ student
    below, at = margins < 1.0 - 1e-7, np.abs(margins - 1.0) <= 1e-7
    pull = penalty * student - shares[below] @ rows[below]
    dual = np.linalg.lstsq(rows[at].T, pull)[0]
    outside = np.maximum(-dual, dual - shares[at])
    remainder = np.abs(pull - dual @ rows[at])
    return max([*remainder, *outside])
