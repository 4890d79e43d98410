"""Fields of a spec: float64 scalars and counts that know their domain.

Only concrete values can be refused. A traced value outside its domain flows on and becomes a nan
prediction with ``converged=False``.
"""

import functools
import math
import operator
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]


class NoTheoryError(ValueError, NotImplementedError):
    """The quantity is well defined, but no formula for it is known (or built) here."""


def require_x64() -> None:
    """Raise ``ValueError`` unless JAX computes in float64, which every prediction needs."""
    if not jax.config.read("jax_enable_x64"):
        raise ValueError(
            "nfl_sim computes in float64, but JAX has 64-bit numbers switched off; call "
            'jax.config.update("jax_enable_x64", True) before the first computation'
        )


def is_traced(value: Any) -> bool:
    """Whether ``value`` is abstract, under jit, vmap or grad, so that it cannot be inspected."""
    return isinstance(value, jax.core.Tracer)


def scalar_field(
    name: str, *, low: float = -math.inf, high: float = math.inf, open_low: bool = False
) -> Any:
    """A dataclass field holding one finite float64 number in [low, high], or (low, high]."""
    return eqx.field(converter=functools.partial(_to_scalar, name, low, high, open_low))


def count_field(name: str, *, at_least: int) -> Any:
    """A static dataclass field holding an integer ``>= at_least``."""
    return eqx.field(static=True, converter=functools.partial(to_count, name, at_least=at_least))


def to_count(name: str, value: Any, *, at_least: int) -> int:
    """Return ``value`` as an int; ``ValueError`` names it if it is no integer or too small."""
    try:
        count = operator.index(value)
    except TypeError:
        count = None
    if count is None or isinstance(value, bool) or count < at_least:
        raise ValueError(f"{name} must be an integer >= {at_least}, got {value!r}")
    return count


def _to_scalar(name: str, low: float, high: float, open_low: bool, value: Any) -> Scalar:
    require_x64()
    try:
        number = jnp.asarray(value, dtype=jnp.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a real number, got {value!r}") from error
    if number.ndim != 0:
        raise ValueError(f"{name} must be a scalar, got an array of shape {number.shape}")
    if not is_traced(number):
        _check_range(name, float(number), low, high, open_low)
    return number


def _check_range(name: str, value: float, low: float, high: float, open_low: bool) -> None:
    above = value > low if open_low else value >= low
    if not (math.isfinite(value) and above and value <= high):
        left = "(" if open_low or low == -math.inf else "["
        right = ")" if high == math.inf else "]"
        raise ValueError(f"{name} must lie in {left}{low:g}, {high:g}{right}, got {value!r}")
