"""Compiled code is kept beside the results, unless the user says where."""

import jax
import pytest

from experiments import compile_cache


@pytest.fixture
def settings(monkeypatch):
    """What JAX is told, without telling it."""
    told = {"jax_compilation_cache_dir": None}
    monkeypatch.setattr(jax.config, "read", told.get, raising=False)
    monkeypatch.setattr(jax.config, "update", told.__setitem__, raising=False)
    return told


def test_compiled_code_is_kept_beside_the_results(settings, tmp_path):
    compile_cache.switch_on(tmp_path / "results")
    place = compile_cache.folder(tmp_path / "results")
    assert settings["jax_compilation_cache_dir"] == str(place)
    assert place.parents[1] == tmp_path / "results"
    assert not place.exists()


def test_the_folder_that_a_user_names_stays(settings, tmp_path):
    settings["jax_compilation_cache_dir"] = "/elsewhere"
    compile_cache.switch_on(tmp_path)
    assert settings == {"jax_compilation_cache_dir": "/elsewhere"}


def test_each_kind_of_machine_has_its_own(monkeypatch, tmp_path):
    cpu = tmp_path / "cpuinfo"
    monkeypatch.setattr(compile_cache, "_CPU", cpu)
    names = [compile_cache.folder(tmp_path)]
    for flags in ("flags : avx2", "flags : avx2 avx512f", "flags : avx2"):
        cpu.write_text(f"processor : 0\n{flags}\n")
        names.append(compile_cache.folder(tmp_path))
    assert len(set(names)) == 3
    assert names[1] == names[3]
