"""Strict in tests, free for users: float64, checked shapes, and no silent promotion."""

import jax
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

from experiments.compiled import drop_when_crowded

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Every annotation of a shape or type in the package is checked at run time.
with install_import_hook("nfl_sim", "beartype.beartype"):
    import nfl_sim  # noqa: F401

settings.register_profile("nfl_sim", deadline=None, derandomize=True)
settings.load_profile("nfl_sim")


@pytest.fixture(scope="module", autouse=True)
def drop_compiled_code():
    """Compiled code is dropped before a worker runs out of room for it."""
    yield
    drop_when_crowded()
