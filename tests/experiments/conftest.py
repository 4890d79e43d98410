import jax
import pytest

from experiments import cli, compile_cache, registry
from nfl_sim.simulation import blocks
from tests.experiments import toy


@pytest.fixture(autouse=True)
def _x64():
    jax.config.update("jax_enable_x64", True)


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run a command line on a registry that holds the toy experiment alone."""
    entry = registry.Entry("a toy", in_make_run=True)
    monkeypatch.setattr(registry, "EXPERIMENTS", {"toy": entry})
    monkeypatch.setattr(compile_cache, "switch_on", lambda results: None)
    monkeypatch.setattr(registry, "load", lambda name: {"toy": toy}[name])
    return lambda *words: cli.main([*words, "--results", str(tmp_path / "results")])


@pytest.fixture
def drawn(monkeypatch):
    """The (start, stop) of every chunk that is really simulated."""
    spans = []
    original = blocks.run_replicates

    def counting(*args, **kwargs):
        spans.append((kwargs["num_samples"], kwargs["start"], kwargs["stop"]))
        return original(*args, **kwargs)

    monkeypatch.setattr(blocks, "run_replicates", counting)
    return spans


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"
