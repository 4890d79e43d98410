"""Ratios: nfl_sim, numpy and scikit-learn do the same work in one run (`make bench`)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from experiments.options import cores

CORES = str(cores())
DEVICES = f"--xla_cpu_multi_thread_eigen=false --xla_force_host_platform_device_count={CORES}"
ALL_CORES = {
    "NPROC": CORES,
    "OMP_NUM_THREADS": CORES,
    "OPENBLAS_NUM_THREADS": CORES,
    "XLA_FLAGS": DEVICES,
    "JAX_ENABLE_COMPILATION_CACHE": "false",  # so that compiling is timed
}
MOST_BYTES = 2**30
LARGEST_DISTANCE = 1e-6
SAME_COST = "linear 1e6", "linear 1e9"  # the same number kept of a thousand times as many
MOST_DEARER = 1.5
HEAD = "".join(
    f"{title:{width}}"
    for title, width in {
        "case": "22",
        "by": "14",
        "a replicate": ">14",
        "ratio": ">9",
        "goal": ">7",
        "compile": ">9",
        "peak": ">10",
    }.items()
)
PLACE = Path("results") / "bench" / "ratios.json"


def main(names: list[str]) -> int:
    from benchmarks.cases import CASES

    accelerator, found = has_accelerator(), []
    print(f"on {CORES} cores")
    print(HEAD)
    for case in CASES:
        if names and case.name not in names:
            continue
        if case.accelerator and not accelerator:
            print(f"{case.name:22}skipped: no accelerator")
            continue
        own = measure(case.name, "nfl_sim")
        rows = [own, *(measure(case.name, peer) for peer in case.peers)]
        for row in rows:
            row["ratio"] = row["seconds_a_replicate"] / own["seconds_a_replicate"]
            row["goal"] = case.goal.get(row["by"])
            print(line(row), flush=True)
        found += rows
    print(growth(found))
    PLACE.parent.mkdir(parents=True, exist_ok=True)
    PLACE.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written to {PLACE}")
    return max((judge(row) for row in found), default=0)


def measure(name: str, who: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.worker", name, who]
    child = subprocess.run(
        command, env=os.environ | ALL_CORES, capture_output=True, text=True, check=False
    )
    if child.returncode:
        raise SystemExit(f"{name} by {who}:\n{child.stderr}")
    return json.loads(child.stdout.splitlines()[-1])


def line(row: dict[str, Any]) -> str:
    ratio = "" if row["by"] == "nfl_sim" else f"{row['ratio']:.1f}"
    goal = "" if row["goal"] is None else f"{row['goal']:.0f}"
    compiling = f"{row['compile_seconds']:.1f} s" if "compile_seconds" in row else ""
    peak = f"{row['peak_bytes'] / 2**20:.0f} MiB"
    spent = f"{1e6 * row['seconds_a_replicate']:.1f} us"
    start = f"{row['case']:22}{row['by']:14}{spent:>14}"
    return f"{start}{ratio:>9}{goal:>7}{compiling:>9}{peak:>10}"


def growth(found: list[dict[str, Any]]) -> str:
    """What a thousand times as many samples cost at the same number kept."""
    spent = {row["case"]: row["seconds_a_replicate"] for row in found if row["by"] == "nfl_sim"}
    if not set(SAME_COST) <= set(spent):
        return ""
    few, many = SAME_COST
    return f"{many} takes {spent[many] / spent[few]:.2f} times {few}; goal: at most {MOST_DEARER}"


def judge(row: dict[str, Any]) -> int:
    """1 where the numbers are not those of the same work, or too much memory is taken."""
    apart = row.get("apart", 0.0) > LARGEST_DISTANCE
    greedy = row["by"] == "nfl_sim" and row["peak_bytes"] > MOST_BYTES
    if apart or greedy:
        print(f"{row['case']} by {row['by']}: {'other students' if apart else 'too much memory'}")
    return int(apart or greedy)


def has_accelerator() -> bool:
    import jax

    return jax.default_backend() != "cpu"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
