"""What a user's function may be: refusals that say what to change."""

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_PACKAGE = Path(__file__).parents[1]
_TWICE = 2  # arguments


def require_two_arguments(function: Callable[..., Any], name: str) -> None:
    """Raise ``ValueError`` unless the function can be called as function(x, y)."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*range(_TWICE))
    except TypeError as error:
        raise ValueError(
            f"the score {name!r} must take two arguments, a row and its label, as "
            f"{name}(x, y); it is defined as {name}{signature}"
        ) from error


def shape_on(
    function: Callable[..., Any], name: str, covariates: Any, labels: Any
) -> jax.ShapeDtypeStruct:
    """What the function returns for arguments of these shapes, without computing it.

    Raises:
        ValueError: it raises, cannot be traced, or returns something else than real numbers.
    """
    try:
        found = jax.eval_shape(function, covariates, labels)
    except Exception as error:  # whatever a user's function may raise
        raise ValueError(_story(error, function, name, covariates.shape)) from error
    if not isinstance(found, jax.ShapeDtypeStruct):
        raise ValueError(
            f"the score {name!r} must return a number, it returns a {type(found).__name__}"
        )
    if not (jnp.issubdtype(found.dtype, jnp.floating) or _is_countable(found.dtype)):
        raise ValueError(
            f"the score {name!r} must return a real number, it returns one of type {found.dtype}"
        )
    return found


def require_indices(function: Callable[..., Any], name: str, dim: int) -> None:
    """Raise ``ValueError`` if the function reads a coordinate that a row of dim does not have.

    JAX would read the last one instead. A function that NumPy cannot run is let through.
    """
    try:
        function(np.zeros(dim), np.float64(1.0))
    except IndexError as error:
        raise ValueError(_story(error, function, name, (dim,))) from error
    except Exception:
        pass


def _is_countable(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.integer) or jnp.issubdtype(dtype, jnp.bool_)


def _story(error: Exception, function: Any, name: str, shape: tuple[int, ...]) -> str:
    """What went wrong, and where in the user's own code."""
    first = str(error).partition("\n")[0]
    what = f"{type(error).__name__}: {first}"
    place = "".join(traceback.format_list(_own_frames(error, function)))
    if isinstance(error, jax.errors.JAXTypeError):
        head = (
            f"the score {name!r} cannot be traced by JAX: use jax.numpy in place of numpy, and "
            "jnp.where in place of `if`, `and`, `or` on values"
        )
    else:
        head = f"the score {name!r} raises on a row of shape {shape}"
    return f"{head}\n{place}{what}"


def _own_frames(error: Exception, function: Any) -> list[traceback.FrameSummary]:
    """The frames below this package that are in the user's file; else the last two."""
    frames = traceback.extract_tb(error.__traceback__)
    inner = [i for i, frame in enumerate(frames) if Path(frame.filename).is_relative_to(_PACKAGE)]
    frames = frames[inner[-1] + 1 :] if inner else frames
    code = getattr(inspect.unwrap(function), "__code__", None)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    return own or list(frames[-2:])
