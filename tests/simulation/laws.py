"""Two samples of replicates: are they of one law? Tests of distribution, mean and variance."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from nfl_sim.simulation.blocks import outcomes
from nfl_sim.simulation.draws import plan
from nfl_sim.simulation.replicate import shape_of
from nfl_sim.simulation.result import QUANTITIES
from tests.agreement import FALSE_ALARM

SEEDS = {"rows": 1, "conditional": 2, "sufficient": 3}
REPORTED = ("excess_risk", "parallel", "orthogonal", "probe_overlap", "training_loss", "threshold")


def draws_of(problem, method, count, *, dim, num_samples):
    """The quantities of ``count`` replicates, a column each; every method has its own key."""
    shape, quota = shape_of(problem, dim, num_samples)
    draw = plan(problem, dim, num_samples, method)
    key = jax.random.key(SEEDS[method])
    outcome = outcomes(key, problem, quota, jnp.arange(count), shape, draw=draw)
    good = np.asarray(outcome.failure) < 0
    columns = np.asarray(outcome.values)[good].T
    return dict(zip(QUANTITIES, columns, strict=True)) | {"failed": ~good}


def probabilities(one, other):
    """p-values of all tests on all that is reported; under one law each is uniform.

    Kolmogorov-Smirnov, and z-tests of the means and of the mean squared deviations from the common
    mean. The risk is judged by its logarithm.
    """
    found = {}
    for name in REPORTED:
        a, b = one[name], other[name]
        if np.isnan(a).all() and np.isnan(b).all():
            continue
        if name == "excess_risk":
            a, b = np.log(a), np.log(b)
        if np.ptp(np.append(a, b)) < 1e-12:
            continue
        found[name, "KS"] = stats.ks_2samp(a, b, method="asymp").pvalue
        found[name, "mean"] = _same_mean(a, b)
        centre = np.mean(np.append(a, b))
        found[name, "variance"] = _same_mean((a - centre) ** 2, (b - centre) ** 2)
    return found


def same_law(one, other):
    """Whether no test rejects; false alarm `FALSE_ALARM` for all together (Bonferroni)."""
    found = probabilities(one, other)
    return min(found.values()) > FALSE_ALARM / len(found)


def _same_mean(a, b):
    variance = np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b)
    return 2 * stats.norm.sf(abs(np.mean(a) - np.mean(b)) / np.sqrt(variance))
