"""Checks of theorems that are stored when they finish, and found again: the work of tab1.

A check is one theorem on one problem. It has a json file named by a hash of all that decides it,
written under another name and renamed into place, so that an interrupted table goes on where it
stopped.
"""

import functools
import hashlib
import json
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import crew
from experiments.compiled import drop_when_crowded
from experiments.options import cores

if TYPE_CHECKING:
    from nfl_sim import Problem
    from nfl_sim.theorems import Theorem, Verdict

FORMAT = 1


@dataclass(frozen=True)
class Check:
    """One theorem on one problem.

    Args:
        theorem, problem: of the check.
        dim: of the covariates.
        draws, budget: samples of the first round, and of the last.
        seed: root of its key, which depends on what the check is alone.
    """

    theorem: "Theorem"
    problem: "Problem"
    dim: int
    draws: int
    budget: int
    seed: int

    @property
    def identity(self) -> str | None:
        """Hash of all that decides the verdict; None if a spec has no source that can be read."""
        from nfl_sim.simulation.store import UnreadableSourceError, describe

        try:
            what = [describe(part, set()) for part in (self.theorem, self.problem)]
        except UnreadableSourceError:
            return None
        numbers = [FORMAT, self.dim, self.draws, self.budget, self.seed]
        return _sha256(json.dumps([what, numbers, package_source()]).encode())[:40]

    def run(self) -> dict[str, Any]:
        """The verdict as plain values, and what the theorem assumes of the problem."""
        import jax

        from nfl_sim.simulation.store import describe
        from nfl_sim.theorems import until_decided

        text = repr((self.theorem.name, describe(self.problem, set()), self.dim))
        key = jax.random.fold_in(jax.random.key(self.seed), zlib.crc32(text.encode()))

        def one(draws: int) -> "Verdict":
            round_key = jax.random.fold_in(key, draws)
            return self.theorem.check(self.problem, self.dim, round_key, draws=draws)

        verdict = until_decided(one, self.draws, self.budget)
        assumed = self.theorem.assumptions(self.problem, self.dim)
        return {"verdict": asdict(verdict), "assumptions": [a._asdict() for a in assumed]}


def run_all(checks: Sequence[Check], folder: Path) -> list[dict[str, Any]]:
    """The results of the checks, in their order; those that are stored are not made again.

    Args:
        checks: to make, several at a time.
        folder: where finished ones are kept.
    """
    workers = cores()
    if workers == 1 or len(checks) == 1 or not crew.can_send(checks):
        return [_stored(check, folder) for check in checks]
    return crew.each(_stored_there, [(check, folder) for check in checks], workers)


@functools.cache
def package_source() -> str:
    """Hash of the source of nfl_sim: all of it may decide a check."""
    import nfl_sim

    root, digest = Path(nfl_sim.__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _stored_there(_: Any, item: "tuple[Check, Path]") -> dict[str, Any]:
    """In a process of the crew."""
    return _stored(*item)


def _stored(check: Check, folder: Path) -> dict[str, Any]:
    from nfl_sim.simulation.store import write_atomically

    name = check.identity
    path = folder / str(name)[:2] / f"{name}.json"
    found = None if name is None else _read(path, name)
    if found is not None:
        return found
    result = check.run()
    drop_when_crowded()
    if name is not None:
        content = json.dumps(result)
        record = {"check": name, "checksum": _sha256(content.encode()), "result": content}
        write_atomically(path, json.dumps(record).encode())
    return result


def _read(path: Path, name: str) -> dict[str, Any] | None:
    """The result in a file; None, with a warning, if anything about it is wrong."""
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_bytes())
        if record["check"] != name or record["checksum"] != _sha256(record["result"].encode()):
            raise ValueError("its checksum is wrong")
        return json.loads(record["result"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        warnings.warn(f"damaged check {path} ({error}); making it again", stacklevel=2)
        return None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
