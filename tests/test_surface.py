"""The public surface: what is promised is there, what is there is promised."""

import importlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import nfl_sim as nfl

PACKAGE = Path(nfl.__file__).parent
PUBLIC = (nfl, nfl.models, nfl.scores, nfl.pruning, nfl.learners, nfl.theorems)
CONTRACT = {
    "FiniteSample", "FixedDimension", "NoTheoryError", "Prediction", "Probe", "Problem",
    "Simulation", "compare", "crossover_sample_size", "fit", "learners", "models", "predict",
    "pruning", "replicate", "risk", "sample", "score", "scores", "select", "simulate",
    "small_fraction_limit", "theorems",
}  # fmt: skip


@pytest.mark.parametrize("module", PUBLIC, ids=lambda m: m.__name__)
def test_all_is_sorted_and_complete(module):
    assert list(module.__all__) == sorted(set(module.__all__))
    visible = {name for name, value in vars(module).items() if is_public(module, name, value)}
    assert visible == set(module.__all__)


def is_public(module, name, value):
    """Names without underscore, but for submodules that merely hold the code."""
    holds_code = isinstance(value, ModuleType) and name not in module.__all__
    return not name.startswith("_") and not holds_code


def test_submodules_are_not_mistaken_for_functions():
    """`nfl_sim.compare` is the function, although a module of that name holds it."""
    assert callable(nfl.compare)
    assert isinstance(importlib.import_module("nfl_sim.compare"), ModuleType)


def test_contract():
    assert set(nfl.__all__) >= CONTRACT


@pytest.mark.parametrize("module", PUBLIC, ids=lambda m: m.__name__)
def test_everything_public_has_a_docstring(module):
    for name in module.__all__:
        value = getattr(module, name)
        if isinstance(value, type | FunctionType | ModuleType):
            assert value.__doc__, name


def test_version_is_that_of_the_distribution():
    try:
        installed = importlib.metadata.version("nfl_sim")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed")
    assert nfl.__version__ == installed


def test_types_are_shipped():
    assert (PACKAGE / "py.typed").is_file()


def test_the_package_never_imports_its_experiments_or_tests():
    for path in PACKAGE.rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]):
                assert words[1].partition(".")[0] not in {"experiments", "tests"}, path


IMPORT = """
import jax, sys
before = dict(jax.config.values)
import nfl_sim
changed = {k for k, v in jax.config.values.items() if before.get(k, v) != v}
assert not changed, changed
assert not jax.config.jax_enable_x64
assert not jax.dtypes.issubdtype(jax.numpy.ones(()).dtype, jax.numpy.float64)
heavy = {"matplotlib", "beartype", "hypothesis", "tyro", "rich"} & set(sys.modules)
assert not heavy, heavy
"""


def test_importing_changes_nothing():
    """Neither the configuration of JAX, nor what is loaded beyond need."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT],
        cwd=PACKAGE.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
