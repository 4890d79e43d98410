"""Strict in tests, free for users: float64, checked shapes, and no silent promotion."""

from pathlib import Path

import jax
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Every annotation of a shape or type in the package is checked at run time.
with install_import_hook("nfl_sim", "beartype.beartype"):
    import nfl_sim  # noqa: F401

settings.register_profile("nfl_sim", deadline=None, derandomize=True)
settings.load_profile("nfl_sim")

_MAPS = Path("/proc/self/maps")
_MOST_MAPS = 25_000  # Linux allows a process 65 530, and every compilation adds some


@pytest.fixture(scope="module", autouse=True)
def drop_compiled_code():
    """Compiled code is dropped before a worker runs out of room for it."""
    yield
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MOST_MAPS:
        jax.clear_caches()
