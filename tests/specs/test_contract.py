"""What every spec promises: a frozen pytree of float64 scalars that transforms like a number."""

import dataclasses
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.specs.behaviour import behaviour
from tests.specs.discovery import COUNT, PARTS, SPECS, VALUE, build

every_spec = pytest.mark.parametrize("cls", SPECS, ids=lambda c: c.__name__)
every_part = pytest.mark.parametrize("cls", PARTS, ids=lambda c: c.__name__)

NUMERIC = [cls for cls in SPECS if jax.tree.leaves(build(cls))]
every_numeric = pytest.mark.parametrize("cls", NUMERIC, ids=lambda c: c.__name__)


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_discovery_finds_every_kind():
    names = {c.__name__ for c in SPECS}
    assert {"Linear", "EL2N", "Uniform", "KeepRandom", "Ridge", "Problem", "Probe"} <= names
    assert len(names) == len(SPECS) >= 14


@every_spec
def test_round_trip_through_leaves(cls):
    spec = build(cls)
    leaves, structure = jax.tree.flatten(spec)
    again = jax.tree.unflatten(structure, leaves)
    assert type(again) is cls
    assert eqx.tree_equal(spec, again)
    assert eqx.tree_equal(spec, jax.tree.map(lambda leaf: leaf, spec))


@every_spec
def test_fields_are_frozen(cls):
    spec = build(cls)
    for field in dataclasses.fields(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(spec, field.name, getattr(spec, field.name))
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.something_new = 1


@every_spec
def test_leaves_are_float64_scalars(cls):
    for leaf in jax.tree.leaves(build(cls)):
        assert isinstance(leaf, jax.Array)
        assert (leaf.dtype, leaf.shape) == (jnp.float64, ())


@every_spec
@pytest.mark.parametrize("kind", [int, np.float32, np.float64, jnp.float32])
def test_numbers_of_any_type_become_float64(cls, kind):
    assert eqx.tree_equal(build(cls, kind(1)), build(cls, 1.0))


@every_spec
def test_equality_is_by_value(cls):
    assert eqx.tree_equal(build(cls), build(cls))
    if jax.tree.leaves(build(cls)):
        assert not eqx.tree_equal(build(cls), build(cls, 0.75))


@every_spec
def test_values_are_traced_and_only_static_fields_hashed(cls):
    one, other = (jax.tree.structure(build(cls, value)) for value in (VALUE, 0.75))
    assert one == other
    assert hash(one) == hash(other)
    counts = [f.name for f in dataclasses.fields(cls) if f.type is int]
    for name in counts:
        changed = dataclasses.replace(build(cls), **{name: COUNT + 1})
        assert jax.tree.structure(changed) != one
        assert hash(changed) != hash(build(cls))
    if not jax.tree.leaves(build(cls)):
        assert hash(build(cls)) == hash(build(cls))


@every_spec
def test_jit_is_no_jit(cls):
    spec = build(cls)
    close(eqx.filter_jit(behaviour)(spec), behaviour(spec))
    assert eqx.tree_equal(eqx.filter_jit(lambda s: s)(spec), spec)


@every_numeric
def test_vmap_over_a_field_is_a_loop(cls):
    leaves, structure = jax.tree.flatten(build(cls))

    @jax.jit
    def moved(steps):
        return behaviour(jax.tree.unflatten(structure, map(jnp.add, leaves, steps)))

    each = np.eye(len(leaves))
    steps = jnp.asarray(np.concatenate([-0.25 * each, 0.0 * each, 0.5 * each]))
    close(jax.vmap(moved)(steps), jnp.stack([moved(step) for step in steps]))


@every_numeric
def test_constructor_runs_under_vmap_and_jit(cls):
    values = jnp.array([0.25, 0.5])
    stacked = eqx.filter_jit(jax.vmap(lambda value: build(cls, value)))(values)
    for i, value in enumerate(values):
        assert eqx.tree_equal(jax.tree.map(lambda leaf, i=i: leaf[i], stacked), build(cls, value))


@every_numeric
def test_gradients_are_finite(cls):
    spec = build(cls)
    gradient = jax.jit(jax.grad(lambda s: jnp.sum(jnp.sin(behaviour(s)))))(spec)
    assert all(jnp.isfinite(leaf) for leaf in jax.tree.leaves(gradient))


@every_spec
def test_docstring_claims_and_names_every_field(cls):
    claim = cls.__doc__.partition("\n")[0]
    assert claim.endswith(".")
    scalars = [f.name for f in dataclasses.fields(cls) if f.init]
    assert all(re.search(rf"\b{name}\b", cls.__doc__) for name in scalars)


@every_part
def test_docstring_refers_to_an_equation(cls):
    assert re.search(r"\{eq\}`eq-[a-z0-9-]+`", cls.__doc__)
