"""Compiled code is kept beside the results, unless the user says where."""

import jax
import pytest

from experiments import compile_cache


@pytest.fixture
def no_folder():
    """JAX without a folder of compiled code, and as it was afterwards."""
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: jax.config.values[name] for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_compiled_code_is_kept_beside_the_results(no_folder, tmp_path):
    compile_cache.switch_on(tmp_path / "results")
    place = compile_cache.folder(tmp_path / "results")
    assert jax.config.values["jax_compilation_cache_dir"] == str(place)
    assert place.parents[1] == tmp_path / "results"
    assert not place.exists()


def test_the_folder_that_a_user_names_stays(no_folder, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "elsewhere"))
    compile_cache.switch_on(tmp_path)
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "elsewhere")


def test_each_kind_of_machine_has_its_own(monkeypatch, tmp_path):
    cpu = tmp_path / "cpuinfo"
    monkeypatch.setattr(compile_cache, "_CPU", cpu)
    names = [compile_cache.folder(tmp_path)]
    for flags in ("flags : avx2", "flags : avx2 avx512f", "flags : avx2"):
        cpu.write_text(f"processor : 0\n{flags}\n")
        names.append(compile_cache.folder(tmp_path))
    assert len(set(names)) == 3
    assert names[1] == names[3]
