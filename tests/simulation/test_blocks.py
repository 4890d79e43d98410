"""Blocks: as large as the memory allows, on as many devices as there are."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.simulation.blocks import block_size, replicate_bytes
from nfl_sim.simulation.replicate import shape_of
from tests.strategies import example_problem

KEY = jax.random.key(3)
SHAPE, _ = shape_of(example_problem(), 4, 60)
BYTES = replicate_bytes(SHAPE)


@pytest.mark.parametrize(
    ("replicates", "budget", "devices", "expected"),
    [
        (100, 3 * BYTES, 1, 3),
        (100, 4 * BYTES - 1, 1, 3),
        (5, 10 * BYTES, 1, 5),
        (1, BYTES, 1, 1),
        (100, 90 * BYTES, 1, 56),  # two of them, not 90 and a nearly empty one
        (8 * 4096, 10**12, 1, 4096),
        (100, 10 * BYTES, 4, 32),
        (10, 10 * BYTES, 4, 12),
        (3, 10 * BYTES, 4, 3),
        (32 * 4096, 10**12, 4, 4 * 4096),
    ],
)
def test_a_block_fills_the_memory_of_each_device(
    monkeypatch, replicates, budget, devices, expected
):
    monkeypatch.setattr(jax, "local_device_count", lambda: devices)
    assert block_size(SHAPE, replicates, budget) == expected


def test_a_budget_below_one_replicate_is_refused_and_says_what_it_takes():
    message = rf"memory_budget must be at least {BYTES} bytes.*num_samples=60 and dim=4"
    for budget in (1, BYTES - 1):
        options = {
            "num_samples": 60,
            "num_replicates": 5,
            "memory_budget": budget,
            "method": "rows",
        }
        with pytest.raises(ValueError, match=message):
            nfl.simulate(KEY, example_problem(), dim=4, **options)


def test_the_default_budget_allows_a_replicate_of_any_size():
    shape, _ = shape_of(example_problem(), 1000, 100_000)
    assert replicate_bytes(shape) > 2**26
    assert block_size(shape, 7) == 1


COUNT = 22  # on four devices: 24, of which two are no members
ELSEWHERE = """
import json, jax
jax.config.update("jax_enable_x64", True)
from tests.simulation import test_blocks
print(json.dumps({"devices": jax.local_device_count(), "values": test_blocks.values()}))
"""


def values():
    """Of 22 replicates: rows drawn one by one, students trained side by side."""
    options = {"dim": 41, "num_samples": 400, "num_replicates": COUNT}
    moments = nfl.simulate(KEY, example_problem(), **options).moments
    return [float(value) for value in (*moments.failed, moments.count, *moments.mean, *moments.m2)]


def test_four_devices_find_what_one_does():
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    child = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    assert found["devices"] == 4
    np.testing.assert_allclose(found["values"], values(), rtol=1e-5)
