"""A store of finished replicates: what was computed once is never computed again.

A cell (problem, size, key) has a folder named by its `fingerprint`; a finished chunk of its
replicates is one npz file with a json header, written under another name and renamed into place.
Readers trust a file only if its header and checksum fit, so that any number of processes may share
a folder: the worst that can happen is that two of them compute the same chunk.
"""

import functools
import hashlib
import inspect
import io
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from nfl_sim.influence import Influence
from nfl_sim.problem import Problem
from nfl_sim.simulation import blocks, draws, engine
from nfl_sim.simulation.replicate import shape_of
from nfl_sim.simulation.result import CAUSES, QUANTITIES, Moments, Simulation

FORMAT = 1
CHUNK_NORMALS = 2**24  # normals drawn in one chunk: a few seconds on one core
LARGEST_BLOCK = 4096
LAYERS = (
    "validation.py",
    "influence.py",
    "models",
    "scores",
    "pruning",
    "learners",
    "problem.py",
    "simulation",
)
TRUSTED = {"nfl_sim", "equinox", "jaxtyping", "jax", "abc", "typing", "builtins"}


class UnreadableSourceError(ValueError):
    """Part of a spec has no source text or hidden state, so that no name can stand for it."""


@final
class Store:
    """A folder of finished cells.

    Args:
        directory: where; created if need be.
        read_only: only look (nothing is created, and nothing can be simulated).

    Raises:
        ValueError: the directory cannot be created or written.
    """

    def __init__(self, directory: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.directory, self.read_only = Path(directory), read_only
        simulation_source()  # read now, before anyone edits the files
        if not read_only:
            _require_writable(self.directory)

    def simulate(
        self,
        key: PRNGKeyArray,
        problem: Problem,
        *,
        dim: int,
        num_samples: int,
        num_replicates: int,
        method: draws.Method = "auto",
        on_chunk: Callable[[int, bool], None] = lambda replicates, cached: None,
        control: Influence | None = None,
    ) -> Simulation:
        """As `nfl_sim.simulate`, but replicates found in the store are not drawn again.

        ``on_chunk`` is told the number of replicates of each chunk and whether it was cached.

        Raises:
            ValueError: some must be drawn, and the store is read-only; and as `nfl_sim.simulate`.
        """
        draw = draws.plan(problem, dim, num_samples, method, whole=control is not None)
        cell = fingerprint(
            key, problem, dim=dim, num_samples=num_samples, method=draw.method, control=control
        )
        total = Moments.empty()
        block, chunk = block_and_chunk(problem, dim, num_samples, draw)
        budget = block * blocks.replicate_bytes(shape_of(problem, dim, num_samples)[0], draw)
        for start, stop, found in self._pieces(cell, chunk, num_replicates):
            moments = found
            if moments is None:
                if self.read_only:
                    missing = f"replicates {start} to {stop - 1} are not in {self.directory}"
                    raise ValueError(f"the store is read-only, and {missing}")
                began = time.perf_counter()
                moments = blocks.run_replicates(
                    key,
                    problem,
                    dim=dim,
                    num_samples=num_samples,
                    start=start,
                    stop=stop,
                    method=draw.method,
                    memory_budget=budget,
                    control=control,
                )
                self._write(cell, start, stop, moments, time.perf_counter() - began)
            total = total.merge(moments)
            on_chunk(stop - start, found is not None)
        sequence = engine.name_of_sequence(key, problem, draw.method, control)
        found = engine.summarise(problem, dim, num_samples, num_replicates, total, draw.method)
        return replace(found, sequence=sequence)

    def count(
        self,
        key: PRNGKeyArray,
        problem: Problem,
        *,
        dim: int,
        num_samples: int,
        num_replicates: int,
        method: draws.Method = "auto",
        control: Influence | None = None,
    ) -> int:
        """How many of these replicates are in the store."""
        draw = draws.plan(problem, dim, num_samples, method, whole=control is not None)
        cell = fingerprint(
            key, problem, dim=dim, num_samples=num_samples, method=draw.method, control=control
        )
        chunk = block_and_chunk(problem, dim, num_samples, draw)[1]
        pieces = self._pieces(cell, chunk, num_replicates)
        return sum(stop - start for start, stop, moments in pieces if moments is not None)

    def _pieces(
        self, cell: str | None, size: int, num_replicates: int
    ) -> Iterator[tuple[int, int, Moments | None]]:
        """Cut [0, num_replicates) into stored chunks (with their moments) and missing ones."""
        start = 0
        while start < num_replicates:
            stop, moments = self._longest(cell, start, num_replicates)
            if moments is None:
                starts = [s for s, _ in self._stored(cell) if s > start]
                stop = min([(start // size + 1) * size, num_replicates, *starts])
            yield start, stop, moments
            start = stop

    def _longest(self, cell: str | None, start: int, limit: int) -> tuple[int, Moments | None]:
        stops = [stop for s, stop in self._stored(cell) if s == start and stop <= limit]
        for stop in sorted(stops, reverse=True):
            moments = _read(self._path(cell, start, stop), cell, start, stop)
            if moments is not None:
                return stop, moments
        return start, None

    def _stored(self, cell: str | None) -> list[tuple[int, int]]:
        if cell is None:
            return []
        found = (path.stem.split("-") for path in self._folder(cell).glob("*-*.npz"))
        return [(int(a), int(b)) for a, b in found if a.isdigit() and b.isdigit()]

    def _folder(self, cell: str | None) -> Path:
        name = str(cell)
        return self.directory / name[:2] / name

    def _path(self, cell: str | None, start: int, stop: int) -> Path:
        return self._folder(cell) / f"{start:08d}-{stop:08d}.npz"

    def _write(
        self, cell: str | None, start: int, stop: int, moments: Moments, seconds: float
    ) -> None:
        if cell is None:
            return
        content = {
            "format": FORMAT,
            "cell": cell,
            "start": start,
            "stop": stop,
            "quantities": QUANTITIES,
            "causes": CAUSES,
            "seconds": round(seconds, 3),
            "jax": jax.__version__,
            "device": jax.devices()[0].device_kind,
            "checksum": _checksum(cell, start, stop, moments),
        }
        buffer = io.BytesIO()
        header = np.frombuffer(json.dumps(content).encode(), np.uint8)
        np.savez(
            buffer,
            header=header,
            count=np.asarray(moments.count),
            mean=moments.mean,
            m2=moments.m2,
            failed=moments.failed,
        )
        path = self._path(cell, start, stop)
        try:
            write_atomically(path, buffer.getvalue())
        except OSError as error:
            reason = f"{error.strerror or error}; what was stored before in the store is intact"
            raise OSError(error.errno, reason, str(path)) from error


def fingerprint(
    key: PRNGKeyArray,
    problem: Problem,
    *,
    dim: int,
    num_samples: int,
    method: str = "rows",
    control: Influence | None = None,
) -> str | None:
    """The name of a cell: a hash of all that its replicates depend on.

    It covers the problem (class names, fields, float64 values), the size, the key, the method that
    draws (never "auto"), the source of the simulation layers and of the modules of the user's
    specs. None, not cached, if a spec has no source that can be read.
    """
    try:
        classes: set[type] = set()
        content = {
            "format": FORMAT,
            "key": describe(key, classes),
            "problem": describe(problem, classes),
            "dim": dim,
            "num_samples": num_samples,
            "method": method,
            "control": None if control is None else describe(control, classes),
            "source": [simulation_source(), *_user_sources(classes)],
        }
    except UnreadableSourceError:
        return None
    return _sha256(json.dumps(content, sort_keys=True).encode())[:40]


def describe(value: Any, classes: set[type]) -> Any:
    """The value as plain json, exact to the last bit; the classes met are added to ``classes``."""
    if is_dataclass(value) and not isinstance(value, type):
        classes.add(type(value))
        name = f"{type(value).__module__}.{type(value).__qualname__}"
        return [name, {f.name: describe(getattr(value, f.name), classes) for f in fields(value)}]
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return [str(jax.random.key_impl(value)), np.asarray(jax.random.key_data(value)).tolist()]
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        array = np.asarray(value)
        return [str(array.dtype), array.shape, array.tobytes().hex()]
    if isinstance(value, tuple | list):
        return [describe(item, classes) for item in value]
    if isinstance(value, float):
        return value.hex()
    if value is None or isinstance(value, bool | int | str):
        return value
    if callable(value) and not isinstance(value, type):
        return _describe_function(value, classes)
    raise UnreadableSourceError(f"no name can stand for {value!r}")


def _describe_function(value: Callable[..., Any], classes: set[type]) -> list[Any]:
    """A function by its place, its code, its defaults and the source of its module."""
    function = inspect.unwrap(value)
    if not isinstance(function, FunctionType) or function.__closure__:
        raise UnreadableSourceError(f"{value!r} may hide state that no name can stand for")
    code = function.__code__
    constants = [repr(item) for item in code.co_consts if not isinstance(item, CodeType)]
    place = [function.__module__, function.__qualname__, code.co_firstlineno]
    defaults = [function.__defaults__ or (), *sorted((function.__kwdefaults__ or {}).items())]
    body = [code.co_code.hex(), *code.co_names, *constants]
    return [*place, body, describe(defaults, classes), _module_source(function.__module__)]


def block_and_chunk(
    problem: Problem, dim: int, num_samples: int, draw: draws.Draw | None = None
) -> tuple[int, int]:
    """Replicates drawn at once, and replicates stored together: powers of two.

    A number of replicates that is a power of two is then drawn in equal blocks, compiled once.
    ``draw`` is that of "auto" if none is given.
    """
    draw = draws.plan(problem, dim, num_samples) if draw is None else draw
    shape, _ = shape_of(problem, dim, num_samples)
    block = _floor_to_power(blocks.block_size(shape, LARGEST_BLOCK, draw=draw))
    per_chunk = CHUNK_NORMALS // (draws.work(problem, dim, num_samples, draw) * block)
    return block, block * _floor_to_power(per_chunk)


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file in the same folder, then rename it to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@functools.cache
def simulation_source() -> str:
    """Hash of the source of the layers that decide what a replicate is."""
    package = Path(__file__).parents[1]
    files = [p for layer in LAYERS for p in [package / layer, *(package / layer).rglob("*.py")]]
    digest = hashlib.sha256()
    for path in sorted(p for p in files if p.is_file() and p != Path(__file__)):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _user_sources(classes: set[type]) -> list[str]:
    bases = {base for cls in classes for base in cls.__mro__}
    foreign = {b for b in bases if b.__module__.partition(".")[0] not in TRUSTED}
    if any("<locals>" in base.__qualname__ for base in foreign):
        raise UnreadableSourceError("a class made inside a function may hide state in its closure")
    return [_module_source(name) for name in sorted({base.__module__ for base in foreign})]


def _module_source(name: str) -> str:
    try:
        return _sha256(inspect.getsource(sys.modules[name]).encode())
    except (OSError, TypeError, KeyError) as error:
        raise UnreadableSourceError(f"the source of module {name} cannot be read") from error


def _read(path: Path, cell: str | None, start: int, stop: int) -> Moments | None:
    """The moments in a chunk file; None with a warning if anything about it is wrong."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as data:
            header = json.loads(bytes(data["header"]))
            moments = Moments(int(data["count"]), data["mean"], data["m2"], data["failed"])
        _verify(header, moments, str(cell), start, stop)
    except Exception as error:  # whatever is wrong with the file, it is not trusted
        warnings.warn(f"damaged cell file {path} ({error}); recomputing it", stacklevel=2)
        return None
    return moments


def _verify(header: dict[str, Any], moments: Moments, cell: str, start: int, stop: int) -> None:
    expected = {"format": FORMAT, "cell": cell, "start": start, "stop": stop}
    expected |= {"quantities": list(QUANTITIES), "causes": list(CAUSES)}
    for name, value in expected.items():
        if header[name] != value:
            raise ValueError(f"its {name} is {header[name]!r}, expected {value!r}")
    if moments.count + moments.failed.sum() != stop - start:
        raise ValueError(f"it counts {moments.count} replicates of {stop - start}")
    if header["checksum"] != _checksum(cell, start, stop, moments):
        raise ValueError("its checksum is wrong")


def _checksum(cell: str, start: int, stop: int, moments: Moments) -> str:
    arrays = (moments.mean, moments.m2, moments.failed)
    text = repr((cell, start, stop, moments.count, [(a.dtype.str, a.shape) for a in arrays]))
    return _sha256(text.encode() + b"".join(a.tobytes() for a in arrays))


def _require_writable(directory: Path) -> None:
    try:
        write_atomically(directory / f".probe-{os.getpid()}", b"")
        (directory / f".probe-{os.getpid()}").unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"the store directory {directory} is not writable: {reason}") from error


def _floor_to_power(count: int) -> int:
    """The largest power of two <= max(count, 1)."""
    return 1 << (max(count, 1).bit_length() - 1)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
