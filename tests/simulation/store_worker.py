"""Fill one store from processes that are killed at any moment, and from two at once.

Run as a script. The parent imports all and starts no backend, so that its forks start at once; a
fork reports a line a chunk.
"""

import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import jax

from nfl_sim.simulation import store
from tests.simulation.test_store import SIZES, problem

CHUNKS, PER_CHUNK = 40, 16


def fill(place: str, report: int) -> None:
    """Simulate all chunks; a byte a chunk: c if it was cached, d if it was drawn."""

    def tell(count: int, cached: bool) -> None:
        os.write(report, b"c" if cached else b"d")

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_compilation_cache_dir", place + "-compiled")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    store.CHUNK_NORMALS, store.LARGEST_BLOCK = 0, PER_CHUNK
    count = CHUNKS * PER_CHUNK
    key, one = jax.random.key(5), problem()
    run = store.Store(place).simulate(key, one, **SIZES, num_replicates=count, on_chunk=tell)
    assert run.moments.count == count


def begin(place: str) -> tuple[int, int]:
    """A process that fills the store, and where it reports."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            fill(place, writing)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    return child, reading


def follow(reading: int, until: int) -> bytes:
    """The reports, until there are so many or the process has ended."""
    found = b""
    while len(found) < until and (byte := os.read(reading, 1)):
        found += byte
    return found


def kill(place: str, after: int, delay: float) -> None:
    """Kill a process that fills the store once it has reported so many chunks."""
    child, reading = begin(place)
    follow(reading, after)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)


def finish(place: str, together: int) -> list[bytes]:
    """What processes report that fill the store at the same time, to the end."""
    children = [begin(place) for _ in range(together)]
    reports = [follow(reading, sys.maxsize) for _, reading in children]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children]
    assert codes == [0] * together, codes
    return reports


def main(place: str) -> None:
    chance = random.Random(0)
    for after in (1, 9, 10, 27):
        with contextlib.suppress(ProcessLookupError):
            kill(place, after, chance.uniform(0.0, 0.004))
    stored = len(list(Path(place).rglob("*-*.npz")))
    (alone,) = finish(place, 1)
    assert alone == b"c" * stored + b"d" * (CHUNKS - stored), (stored, alone)
    assert 27 <= stored < CHUNKS, stored
    assert finish(place, 1) == [b"c" * CHUNKS]
    for report in finish(place + "-shared", 2):
        assert len(report) == CHUNKS


if __name__ == "__main__":
    main(sys.argv[1])
