"""A batch of ridge fits, against scikit-learn one by one."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import linear_model

import nfl_sim as nfl

BATCH = 200


@pytest.mark.parametrize(("rows", "dim"), [(50, 10), (500, 50)])
def test_fit(benchmark, rows, dim):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(BATCH, rows, dim)), rng.normal(size=(BATCH, rows))
    learner, ones = nfl.learners.Ridge(0.1), jnp.ones(rows)
    batched = jax.jit(jax.vmap(lambda a, b: nfl.fit(learner, a, b, ones)))
    data = jnp.asarray(x), jnp.asarray(y)
    batched(*data).block_until_ready()

    start = time.perf_counter()
    for a, b in zip(x, y, strict=True):
        linear_model.Ridge(alpha=0.1 * rows, fit_intercept=False).fit(a, b)
    peer = time.perf_counter() - start

    benchmark(lambda: batched(*data).block_until_ready())
    benchmark.extra_info.update(
        fits=BATCH,
        sklearn_seconds=round(peer, 4),
        times_faster_than_sklearn=round(peer / benchmark.stats.stats.min, 2),
    )
