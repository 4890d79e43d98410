"""Fields of a spec: float64 scalars and counts that know their domain.

Only concrete values can be refused. A traced value outside its domain flows on and becomes a nan
prediction with ``converged=False``.
"""

import dataclasses
import functools
import math
import operator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

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
    name: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    open_low: bool = False,
    open_high: bool = False,
    default: float | None = None,
) -> Any:
    """A dataclass field holding one finite float64 number between low and high."""
    domain = _Domain(name, low, high, open_low, open_high)
    given: dict[str, Any] = {} if default is None else {"default": default}
    return eqx.field(
        converter=functools.partial(_to_scalar, domain), metadata={"domain": domain}, **given
    )


def in_domain(spec: Any) -> Bool[Array, ""]:
    """Whether every `scalar_field` of a spec, and of the specs inside it, is in its domain."""
    inside = jnp.asarray(True)
    if not isinstance(spec, eqx.Module):
        return inside
    for field in dataclasses.fields(spec):
        value, domain = getattr(spec, field.name), field.metadata.get("domain")
        inside &= in_domain(value) if domain is None else domain.holds(value)
    return inside


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


def to_scalar(
    name: str, value: Any, *, low: float = -math.inf, high: float = math.inf, open_low: bool = False
) -> Scalar:
    """Return ``value`` as a float64 scalar; ``ValueError`` names it if it is outside its range."""
    return _to_scalar(_Domain(name, low, high, open_low, open_high=False), value)


class _Domain(NamedTuple):
    """The numbers that a scalar field may hold."""

    name: str
    low: float
    high: float
    open_low: bool
    open_high: bool

    def holds(self, value: Scalar) -> Bool[Array, ""]:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return jnp.isfinite(value) & above & below

    def contains(self, value: float) -> bool:
        """`holds` of a concrete number, which no trace may see."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return math.isfinite(value) and above and below

    def __str__(self) -> str:
        left = "(" if self.open_low or self.low == -math.inf else "["
        right = ")" if self.open_high or self.high == math.inf else "]"
        return f"{left}{self.low:g}, {self.high:g}{right}"


def _to_scalar(domain: _Domain, value: Any) -> Scalar:
    require_x64()
    name = domain.name
    try:
        number = jnp.asarray(value, dtype=jnp.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a real number, got {value!r}") from error
    if number.ndim != 0:
        raise ValueError(f"{name} must be a scalar, got an array of shape {number.shape}")
    if not is_traced(number) and not domain.contains(float(number)):
        raise ValueError(f"{name} must lie in {domain}, got {float(number)!r}")
    return number
