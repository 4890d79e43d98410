"""Compiled code on disk: what one run compiled, the next one loads.

Code is compiled for the instructions of a processor, so that each kind of machine has a folder of
its own. Any number of processes may share it: an entry that another one is half through writing
fails its check when it is read, and is compiled as if it were not there. The folder may be deleted
at any time.
"""

import hashlib
import platform
from pathlib import Path

_FOLDER = ".compiled"
_WORTH_KEEPING = 0.1  # seconds of compilation
_CPU = Path("/proc/cpuinfo")


def switch_on(results: Path) -> None:
    """Keep compiled code beside the results, unless the user says where (or that nowhere).

    JAX_COMPILATION_CACHE_DIR names another folder; JAX_ENABLE_COMPILATION_CACHE=false keeps none.
    """
    import jax

    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder(results)))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _WORTH_KEEPING)


def folder(results: Path) -> Path:
    """The folder of compiled code of this kind of machine."""
    return results.absolute() / _FOLDER / _machine()


def _machine() -> str:
    """Names the instructions that the processor knows."""
    lines = _CPU.read_text().splitlines() if _CPU.exists() else []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(f"{platform.machine()} {flags}".encode()).hexdigest()[:12]
