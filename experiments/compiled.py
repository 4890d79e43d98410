"""Compiled code takes room that a process has little of."""

from pathlib import Path

_MAPS = Path("/proc/self/maps")
_MOST = 25_000  # Linux allows a process 65 530 memory maps, and every compilation adds some


def drop_when_crowded() -> None:
    """Drop all compiled code before the process runs out of memory maps for it."""
    import jax

    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MOST:
        jax.clear_caches()
