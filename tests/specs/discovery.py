"""Every spec class that the public modules show, and how to build one without knowing it."""

import dataclasses
import inspect
from typing import Any

import equinox as eqx

import nfl_sim as nfl
from nfl_sim.validation import is_traced

MODULES = (nfl.models, nfl.scores, nfl.pruning, nfl.learners)
OTHERS = (nfl.Probe, nfl.Problem, nfl.FixedDimension, nfl.FiniteSample)
NOT_SPECS = {nfl.scores.View}
VALUE = 0.5  # of every scalar field; a fraction of the range that ends below 1
COUNT = 3


def discover() -> tuple[type[eqx.Module], ...]:
    """The concrete specs of the public modules; a new one joins by being exported."""
    exported = [getattr(module, name) for module in MODULES for name in module.__all__]
    specs = [c for c in exported if isinstance(c, type) and issubclass(c, eqx.Module)]
    concrete = [c for c in specs if not inspect.isabstract(c) and c not in NOT_SPECS]
    return tuple(sorted({*concrete, *OTHERS}, key=lambda c: c.__name__))


SPECS = discover()
PARTS = tuple(c for c in SPECS if c not in OTHERS)


def of_kind(kind: type) -> tuple[Any, ...]:
    """The discovered classes that fill one role."""
    return tuple(c for c in SPECS if issubclass(c, kind))


def build(cls: type, value: float = VALUE) -> Any:
    """A valid spec of this class with ``value``, at most 1, in every scalar field."""
    if cls is nfl.scores.AbstractProbe:
        cls = nfl.Probe
    if inspect.isabstract(cls):
        cls = next(c for c in of_kind(cls) if not getattr(c, "binary", False))
    fields = [f for f in dataclasses.fields(cls) if f.init]
    return cls(**{field.name: _fill(field, value) for field in fields})


def _fill(field: Any, value: float) -> Any:
    kind = nfl.pruning.PointwiseRule if field.type is Any else field.type  # of a problem
    if kind is int:
        return COUNT
    if kind is bool:
        return True
    if isinstance(kind, type) and issubclass(kind, eqx.Module):
        return build(kind, value)
    domain = field.metadata["domain"]
    if domain.open_high and not is_traced(value) and value == domain.high:
        return value - value
    return value if domain.high >= 1.0 else domain.high * value
