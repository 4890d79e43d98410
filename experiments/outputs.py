"""Outputs: `results/NAME/HASH/`, complete or absent, and never silently overwritten."""

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments import tables
from experiments.tables import Table

MANIFEST = "manifest.json"
PACKAGES = ("nfl_sim", "jax", "jaxlib", "equinox", "numpy", "scipy", "matplotlib")


def config_hash(name: str, config: Any) -> str:
    """The name of the folder of an experiment's results."""
    return digest(json.dumps([name, asdict(config)], sort_keys=True).encode())[:12]


def save(
    root: Path,
    name: str,
    config: Any,
    files: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> tuple[Path, str]:
    """Write the files and their manifest.

    Files that are there already with the same content are left alone. If some differ, a new
    folder is named after the content too, unless ``overwrite``.

    Returns:
        The folder, and "written", "unchanged" or "overwritten".
    """
    folder = root / name / config_hash(name, config)
    state = "overwritten" if clashes(folder, files) else "written"
    if state == "overwritten" and not overwrite:
        content = digest(json.dumps({k: digest(v) for k, v in sorted(files.items())}).encode())
        folder, state = folder.with_name(f"{folder.name}-{content[:8]}"), "written"
    if is_complete(folder, files):
        return folder, "unchanged"
    outputs = {file: digest(content) for file, content in files.items()}
    head = {"experiment": name, "config": asdict(config)}
    write(folder, files, head | dict(manifest) | {"outputs": outputs})
    return folder, state


def write(folder: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    """Write the files, and last the manifest, which makes the folder complete."""
    from nfl_sim.simulation.store import write_atomically

    for file, content in files.items():
        write_atomically(folder / file, content)
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / MANIFEST, text.encode())


def clashes(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """The files that exist with another content."""
    present = {file: folder / file for file in files if (folder / file).exists()}
    return [file for file, path in present.items() if path.read_bytes() != files[file]]


def is_complete(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the folder holds exactly this content and its manifest."""
    there = all((folder / file).exists() for file in [*files, MANIFEST])
    return there and not clashes(folder, files)


def stored(root: Path, name: str) -> list[Path]:
    """The complete result folders of an experiment."""
    return sorted(path.parent for path in (root / name).glob(f"*/{MANIFEST}"))


def read_tables(folder: Path) -> dict[str, Table]:
    """The tables in a folder of results.

    Raises:
        ValueError: a file is missing or is not the one that the manifest describes.
    """
    outputs = read_manifest(folder)["outputs"]
    found: dict[str, Table] = {}
    for file in (name for name in outputs if name.endswith(".csv")):
        content = (folder / file).read_bytes() if (folder / file).exists() else b""
        if digest(content) != outputs[file]:
            raise ValueError(f"{folder / file} is not the file that its manifest describes")
        found[file.removesuffix(".csv")] = tables.from_csv(content)
    return found


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; ``ValueError`` if it is damaged."""
    try:
        return json.loads((folder / MANIFEST).read_bytes())
    except json.JSONDecodeError as error:
        raise ValueError(f"{folder / MANIFEST} is damaged: {error}") from error


def environment() -> dict[str, Any]:
    """What the numbers were made with."""
    import jax

    device = jax.devices()[0]
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain")),
        "device": f"{device.platform}: {device.device_kind}",
        "x64": bool(jax.config.read("jax_enable_x64")),
    }


def digest(content: bytes) -> str:
    """sha256, in hex."""
    return hashlib.sha256(content).hexdigest()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None  # run from a source tree that is not installed


def _git(*arguments: str) -> str | None:
    root = Path(__file__).parents[1]
    try:
        run = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return run.stdout.strip()
