"""A score in a file of the user's own: FILE.py:FUNCTION."""

import difflib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "score_file_"  # of the names of the modules, so that they shadow no other


def locate(target: str) -> tuple[Path, str]:
    """The file, and the name of the function, "" if none is given.

    Raises:
        ValueError: there is no such file, or it is no Python file.
    """
    text, _, function = target.rpartition(":") if target.rpartition(":")[0] else (target, "", "")
    path = Path(text)
    if path.suffix != ".py":
        raise ValueError(f"expected FILE.py:FUNCTION, got {target!r}")
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")])
        hint = f"; did you mean {path.with_name(near[0])}?" if near else ""
        raise ValueError(f"there is no file {path}{hint}")
    return path, function


def load(path: Path, name: str) -> Callable[..., Any]:
    """The function of this name in the file; with no name, the only one there is.

    Raises:
        ValueError: the file cannot be imported, or has no such function.
    """
    module = _import(path)
    known = functions(module)
    there = f"it has {', '.join(known)}" if known else "it has no functions"
    if not name:
        if len(known) != 1:
            raise ValueError(f"say which function of {path} is the score: {there}")
        name = known[0]
    found = getattr(module, name, None)
    if found is None:
        raise ValueError(f"there is no function {name!r} in {path}; {there}")
    if not callable(found) or isinstance(found, type):
        kind = type(found).__name__
        raise ValueError(f"{name!r} in {path} is no function but of type {kind}; {there}")
    return found


def functions(module: ModuleType) -> list[str]:
    """The public functions that are defined in a module."""
    return [
        name
        for name, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and not name.startswith("_")
        and getattr(inspect.unwrap(value), "__module__", None) == module.__name__
    ]


def _import(path: Path) -> ModuleType:
    name = PREFIX + path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where the store looks for its source
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file may raise
        del sys.modules[name]
        raise ValueError(f"{path} cannot be imported\n{_story(error, path)}") from error
    return module


def _story(error: Exception, path: Path) -> str:
    """The user's own lines, and what was raised."""
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == str(path)]
    return "".join(traceback.format_list(own)) + f"{type(error).__name__}: {error}"
