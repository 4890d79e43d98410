"""The simulator against the same replicate loop in plain numpy, in the same run."""

import math
import time

import jax
import numpy as np
import pytest

import nfl_sim as nfl
from benchmarks.problems import problem

KEY = jax.random.key(0)
DIM = 10
SIZES = [(200, 2000), (2000, 500), (20_000, 100)]


def numpy_loop(num_samples: int, num_replicates: int, fraction: float = 0.1) -> float:
    """Mean excess risk of EL2N, hardest kept, as one would write it in an afternoon."""
    rng = np.random.default_rng(0)
    teacher = np.eye(DIM)[0]
    probe = np.cos(0.6) * np.eye(DIM)[0] + np.sin(0.6) * np.eye(DIM)[1]
    kept = math.ceil(fraction * num_samples)
    risks = np.empty(num_replicates)
    for i in range(num_replicates):
        x = rng.standard_normal((num_samples, DIM), dtype=np.float32)
        y = x[:, 0] + rng.standard_normal(num_samples, dtype=np.float32)
        score = np.abs(y - x @ probe.astype(np.float32))
        chosen = np.argpartition(-score, kept - 1)[:kept]
        rows, labels = x[chosen].astype(np.float64), y[chosen].astype(np.float64)
        student = np.linalg.solve(rows.T @ rows, rows.T @ labels)
        risks[i] = np.sum((student - teacher) ** 2)
    return risks.mean()


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@pytest.mark.parametrize(("num_samples", "num_replicates"), SIZES)
def test_simulate(benchmark, num_samples, num_replicates):
    def ours():
        return nfl.simulate(
            KEY, problem(), dim=DIM, num_samples=num_samples, num_replicates=num_replicates
        )

    first = seconds(ours)
    peer = min(seconds(lambda: numpy_loop(num_samples, num_replicates)) for _ in range(3))
    benchmark.pedantic(ours, rounds=3)
    warm = benchmark.stats.stats.min
    benchmark.extra_info.update(
        replicates=num_replicates,
        compile_seconds=round(first - warm, 3),
        numpy_seconds=round(peer, 4),
        times_faster_than_numpy=round(peer / warm, 2),
    )


@pytest.mark.parametrize("num_samples", [s for s, _ in SIZES])
@pytest.mark.parametrize("exponent", range(20, 29))
def test_memory_budget(benchmark, num_samples, exponent):
    """How large a block should be: the time of one replicate against the memory budget."""
    replicates = {200: 16_384, 2000: 2048, 20_000: 256}[num_samples]

    def ours():
        return nfl.simulate(
            KEY,
            problem(),
            dim=DIM,
            num_samples=num_samples,
            num_replicates=replicates,
            memory_budget=2**exponent,
        )

    benchmark.group = f"memory budget at n = {num_samples}"
    benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    microseconds = 1e6 * benchmark.stats.stats.min / replicates
    benchmark.extra_info.update(budget=2**exponent, microseconds_a_replicate=round(microseconds, 1))
