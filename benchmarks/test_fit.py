"""A batch of fits, against scikit-learn one by one."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import linear_model

import nfl_sim as nfl

BATCH = 200
KINDS = {
    # learner, and its peer for a number of rows
    "ridge": (
        nfl.learners.Ridge,
        lambda rows: linear_model.Ridge(alpha=0.1 * rows, fit_intercept=False),
    ),
    "logistic": (
        nfl.learners.LogisticRegression,
        lambda rows: linear_model.LogisticRegression(
            C=10.0 / rows, fit_intercept=False, solver="newton-cholesky", tol=1e-10
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rows", "dim"), [(50, 10), (500, 50)])
def test_fit(benchmark, rows, dim, kind):
    learner, peer_of = KINDS[kind]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(BATCH, rows, dim)), np.sign(rng.normal(size=(BATCH, rows)))
    ones = jnp.ones(rows)
    batched = jax.jit(jax.vmap(lambda a, b: nfl.fit(learner(0.1), a, b, ones).weights))
    data = jnp.asarray(x), jnp.asarray(y)
    batched(*data).block_until_ready()

    start = time.perf_counter()
    for a, b in zip(x, y, strict=True):
        peer_of(rows).fit(a, b)
    peer = time.perf_counter() - start

    benchmark(lambda: batched(*data).block_until_ready())
    benchmark.extra_info.update(
        fits=BATCH,
        sklearn_seconds=round(peer, 4),
        times_faster_than_sklearn=round(peer / benchmark.stats.stats.min, 2),
    )
