"""The store: nothing twice, nothing trusted that is damaged, nothing named that has no source."""

import errno
import json
import os
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.scores import PointwiseScore
from nfl_sim.simulation import blocks, store
from nfl_sim.simulation.store import Store, fingerprint

SIZES = {"dim": 2, "num_samples": 40}


@pytest.fixture(autouse=True)
def _x64(monkeypatch):
    jax.config.update("jax_enable_x64", True)
    monkeypatch.setattr(store, "CHUNK_NORMALS", 0)
    monkeypatch.setattr(store, "LARGEST_BLOCK", 16)


@pytest.fixture
def key():
    return jax.random.key(5)


def problem(fraction=0.5, score=None):
    return nfl.Problem(
        model=nfl.models.Linear(signal=1.0, noise_std=1.0),
        score=nfl.scores.Uniform() if score is None else score,
        rule=nfl.pruning.KeepRandom(fraction=fraction),
        learner=nfl.learners.Ridge(penalty=0.0),
    )


@pytest.fixture
def spans(monkeypatch):
    found = []
    original = blocks.run_replicates

    def counting(*args, **kwargs):
        found.append((kwargs["start"], kwargs["stop"]))
        return original(*args, **kwargs)

    monkeypatch.setattr(blocks, "run_replicates", counting)
    return found


def run(place, key, count=32, spec=None):
    spec = problem() if spec is None else spec
    return Store(place).simulate(key, spec, **SIZES, num_replicates=count)


def test_the_store_gives_what_simulate_gives(tmp_path, key):
    direct = nfl.simulate(key, problem(), **SIZES, num_replicates=40)
    stored = run(tmp_path, key, 40)
    again = run(tmp_path, key, 40)
    for one in (stored, again):
        assert one.num_replicates == 40
        assert one.excess_risk.mean == pytest.approx(direct.excess_risk.mean, rel=1e-5)
        assert one.excess_risk.sem == pytest.approx(direct.excess_risk.sem, rel=1e-5)
    assert again.excess_risk.mean == stored.excess_risk.mean


def test_no_replicate_is_drawn_twice_however_the_number_grows(tmp_path, key, spans):
    for count in (16, 24, 32, 64, 8, 64):
        run(tmp_path, key, count)
    replicates = sorted(
        i for start, stop in spans if (start, stop) != (0, 8) for i in range(start, stop)
    )
    assert replicates == list(range(64))


def test_count_knows_what_is_stored(tmp_path, key):
    run(tmp_path, key, 32)
    looking = Store(tmp_path, read_only=True)
    assert looking.count(key, problem(), **SIZES, num_replicates=50) == 32
    assert looking.count(jax.random.key(6), problem(), **SIZES, num_replicates=50) == 0


def test_what_is_not_stored_cannot_be_looked_at(tmp_path, key):
    found = run(tmp_path, key, 32)
    looking = Store(tmp_path, read_only=True)
    again = looking.simulate(key, problem(), **SIZES, num_replicates=32)
    assert again.excess_risk == found.excess_risk
    with pytest.raises(ValueError, match=r"read-only, and replicates 32 to \d+ are not in"):
        looking.simulate(key, problem(), **SIZES, num_replicates=50)
    assert looking.count(key, problem(), **SIZES, num_replicates=50) == 32


def test_auto_is_stored_under_the_method_it_takes(tmp_path, key):
    run(tmp_path, key, 32)
    counts = {
        method: Store(tmp_path).count(key, problem(), **SIZES, num_replicates=32, method=method)
        for method in ("auto", "sufficient", "conditional", "rows")
    }
    assert counts == {"auto": 32, "sufficient": 32, "conditional": 0, "rows": 0}


def test_looking_creates_nothing(tmp_path, key):
    place = tmp_path / "absent"
    assert Store(place, read_only=True).count(key, problem(), **SIZES, num_replicates=8) == 0
    assert not place.exists()


def rewrite(path, **changes):
    """Change arrays or header entries of a chunk file, leaving the rest."""
    with np.load(path) as data:
        arrays = {name: data[name] for name in data.files}
    header = json.loads(bytes(arrays["header"]))
    for name, value in changes.items():
        if name in arrays:
            arrays[name] = value
        else:
            header[name] = value
    if "header" not in changes:
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"not a zip file"),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "a flipped byte": lambda path: path.write_bytes(flip(path.read_bytes())),
    "bad json": lambda path: rewrite(path, header=np.frombuffer(b"{", np.uint8)),
    "another cell": lambda path: rewrite(path, cell="0" * 40),
    "another format": lambda path: rewrite(path, format=0),
    "a wrong checksum": lambda path: rewrite(path, checksum="0"),
    "a changed mean": lambda path: rewrite(path, mean=np.zeros(7)),
    "a nan count": lambda path: rewrite(path, count=np.asarray(np.nan)),
    "a wrong count": lambda path: rewrite(path, count=np.asarray(15)),
}


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_recomputed_with_a_warning(tmp_path, key, spans, damage):
    before = run(tmp_path, key, 32)
    first = min(tmp_path.rglob("*.npz"))
    damage(first)
    spans.clear()
    with pytest.warns(UserWarning, match="damaged cell file"):
        after = run(tmp_path, key, 32)
    assert spans == [(0, 16)]
    assert after.excess_risk.mean == before.excess_risk.mean
    spans.clear()
    run(tmp_path, key, 32)
    assert not spans


def test_an_unwritable_directory_is_named(tmp_path):
    occupied = tmp_path / "occupied"
    occupied.write_text("")
    with pytest.raises(ValueError, match="occupied"):
        Store(occupied / "cells")


def test_half_written_files_are_ignored_and_failures_leave_none(tmp_path, key, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", fail)
        with pytest.raises(OSError, match="disk full"):
            store.write_atomically(tmp_path / "file", b"content")
    assert not list(tmp_path.iterdir())
    run(tmp_path, key, 16)
    next(tmp_path.rglob("*.npz")).with_name(".writing-abc").write_bytes(b"half")
    run(tmp_path, key, 16)


def test_concurrent_runs_share_a_folder(tmp_path, key):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: run(tmp_path, key, 64).excess_risk.mean, range(4)))
    assert len(set(found)) == 1
    assert len(list(tmp_path.rglob("*.npz"))) == 4


def test_killed_processes_lose_and_double_nothing(tmp_path, key):
    """Four are killed at any moment, the last one resumes; two more share another folder."""
    killed, shared = tmp_path / "killed", tmp_path / "killed-shared"
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulation.store_worker", str(killed)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    alone = run(tmp_path / "alone", key, 40 * 16)
    for place in (killed, shared):
        found = Store(place, read_only=True)
        assert found.count(key, problem(), **SIZES, num_replicates=40 * 16) == 40 * 16
        spans = sorted(path.stem for path in place.rglob("*-*.npz"))
        assert spans == [f"{i:08d}-{i + 16:08d}" for i in range(0, 40 * 16, 16)]
        again = run(place, key, 40 * 16)
        np.testing.assert_array_equal(again.moments.mean, alone.moments.mean)
        np.testing.assert_array_equal(again.moments.m2, alone.moments.m2)


def test_a_full_disk_is_named_and_what_is_stored_stays(tmp_path, key, monkeypatch, spans):
    run(tmp_path, key, 32)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.npz")}
    original, place = os.fdopen, Store(tmp_path)

    def full(handle, mode):
        with original(handle, mode) as file:
            file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdopen", full)
        with pytest.raises(OSError, match=r"No space left.*store") as caught:
            place.simulate(key, problem(), **SIZES, num_replicates=64)
    assert caught.value.errno == errno.ENOSPC
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    spans.clear()
    run(tmp_path, key, 64)
    assert spans == [(32, 48), (48, 64)]


def test_the_name_covers_all_that_matters(key, monkeypatch):
    name = fingerprint(key, problem(), **SIZES)
    nudged = float(np.nextafter(0.5, 1.0))
    others = [
        fingerprint(jax.random.key(6), problem(), **SIZES),
        fingerprint(key, problem(nudged), **SIZES),
        fingerprint(key, problem(score=nfl.scores.Leverage()), **SIZES),
        fingerprint(key, problem(), dim=3, num_samples=40),
        fingerprint(key, problem(), dim=2, num_samples=41),
        fingerprint(key, problem(), **SIZES, method="sufficient"),
    ]
    assert name == fingerprint(key, problem(), **SIZES)
    assert len({name, *others}) == 7
    monkeypatch.setattr(store, "simulation_source", lambda: "edited")
    assert fingerprint(key, problem(), **SIZES) != name


class Own(PointwiseScore):
    """A user's score."""

    sees: ClassVar = frozenset()
    probe: ClassVar = None

    def __call__(self, view):
        return jnp.zeros(())


SOURCE = """
from typing import ClassVar
import jax.numpy as jnp
from nfl_sim.scores import PointwiseScore
class Own(PointwiseScore):
    sees: ClassVar = frozenset()
    probe: ClassVar = None
    def __call__(self, view):
        return jnp.zeros(())
"""


def test_the_source_of_a_user_s_score_is_part_of_the_name(key, monkeypatch):
    spec = problem(score=Own())
    name = fingerprint(key, spec, **SIZES)
    assert name is not None
    monkeypatch.setattr("inspect.getsource", lambda module: "edited")
    assert fingerprint(key, spec, **SIZES) != name


def test_a_score_without_source_is_simulated_but_not_stored(tmp_path, key, monkeypatch, spans):
    module = types.ModuleType("typed_at_a_prompt")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(SOURCE, module.__dict__)
    spec = problem(score=module.Own())
    assert fingerprint(key, spec, **SIZES) is None
    assert run(tmp_path, key, 16, spec).excess_risk.num_replicates == 16
    assert not list(tmp_path.rglob("*.npz"))
    run(tmp_path, key, 16, spec)
    assert spans == [(0, 16), (0, 16)]


def test_a_class_made_in_a_function_is_not_stored(key):
    class Hidden(Own):
        """Its behaviour may depend on what it closes over."""

    assert fingerprint(key, problem(score=Hidden()), **SIZES) is None


def function_in(path, source, monkeypatch):
    """The function ``own`` of a module with this source."""
    path.write_text(source)
    module = types.ModuleType("of_a_user")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module.own


def named(key, function):
    return fingerprint(key, problem(score=nfl.scores.RowScore(function, "own")), **SIZES)


def test_a_function_as_a_score_is_named_by_the_source_of_its_module(tmp_path, key, monkeypatch):
    """A helper that it calls is in the same module, and counts."""
    text = "def helper(x):\n    return x[0]\ndef own(x, y):\n    return helper(x)\n"
    place = tmp_path / "own.py"
    name = named(key, function_in(place, text, monkeypatch))
    assert name is not None
    assert named(key, function_in(place, text, monkeypatch)) == name
    assert named(key, function_in(place, text.replace("[0]", "[1]"), monkeypatch)) != name


def test_two_functions_of_one_module_have_two_names(key):
    one, other = (lambda x, y: x[0] * 2, lambda x, y: x[0] * 3)
    names = {named(key, function) for function in (one, other, jax.jit(one))}
    assert len(names) == 2
    assert None not in names


def test_a_function_that_hides_state_is_not_stored(key):
    factor = 2.0
    assert named(key, lambda x, y: factor * x[0]) is None
    assert named(key, types.SimpleNamespace(own=[].append).own) is None
