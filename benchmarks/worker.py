"""One case and who does it, in a process of its own: a line of JSON.

All may use every core: nfl_sim has a device a core, numpy and scikit-learn a thread a core, and a
loop over replicates is what it is. What is timed is the clock.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import nfl_sim as nfl  # noqa: E402
from benchmarks.cases import BY_NAME, Case  # noqa: E402

ROUNDS = 5


def main(name: str, who: str) -> dict[str, Any]:
    case = BY_NAME[name]
    found = ours(case) if who == "nfl_sim" else theirs(case, who)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"case": name, "by": who, "peak_bytes": peak} | found


def ours(case: Case) -> dict[str, Any]:
    problem, size = case.problem(), {"dim": case.dim, "num_samples": case.num_samples}
    budget = {"method": case.method, "num_replicates": case.replicates}

    def simulate(seed: int) -> nfl.Simulation:
        return nfl.simulate(jax.random.key(seed), problem, **size, **budget)

    first, run = seconds(lambda: simulate(0))
    rounds = [seconds(lambda seed=seed: simulate(seed))[0] for seed in range(1, 1 + ROUNDS)]
    return {
        "seconds_a_replicate": statistics.median(rounds) / case.replicates,
        "compile_seconds": max(0.0, first - statistics.median(rounds)),
        "excess_risk": run.excess_risk.mean,
        "sem": run.excess_risk.sem,
        "device": jax.devices()[0].device_kind,
    }


def theirs(case: Case, peer: str) -> dict[str, Any]:
    from benchmarks.peers import fit_of, loop

    problem, count = case.problem(), case.peers[peer]
    replicates = loop(problem, case.dim, case.num_samples, fit_of(peer, problem))
    replicates(min(count, 3))
    rounds = [seconds(lambda: replicates(count))[0] for _ in range(ROUNDS if count > 1 else 1)]
    return {
        "seconds_a_replicate": statistics.median(rounds) / count,
        "apart": distance(problem, case.dim, fit_of(peer, problem)),
    }


def distance(problem: nfl.Problem, dim: int, fit: Callable[..., np.ndarray]) -> float:
    """Largest relative distance of the student of nfl_sim from the peer's on the same rows."""
    keys = jax.random.split(jax.random.key(3), 5)
    far = 0.0
    for key in keys:
        rows, labels = nfl.sample(key, problem.model, num_samples=5 * dim, dim=dim)
        ours = nfl.fit(problem.learner, rows, labels, jnp.ones(len(rows))).weights
        peer = fit(np.float64(rows), np.float64(labels))
        far = max(far, float(np.linalg.norm(ours - peer) / np.linalg.norm(peer)))
    return far


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
