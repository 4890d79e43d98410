"""Spreading the replicates of a block over the local devices, and over the time of each."""

from collections.abc import Callable
from typing import TypeVar

import jax
from jax.sharding import Mesh, PartitionSpec

_AXIS = "replicates"
_OUTGROWS_CACHE = 2**12  # numbers a replicate

In = TypeVar("In")
Out = TypeVar("Out")


def num_devices(num_replicates: int) -> int:
    """How many local devices share a block: all of them if they share it evenly, else one."""
    devices = jax.local_device_count()
    return devices if num_replicates % devices == 0 else 1


def spread(function: Callable[[In], Out], batch: In, *, work: int) -> Out:
    """``function`` of each member of a batch, a part of the batch on each local device.

    No member knows of another, so that any number of devices gives the same draws. On a CPU the
    members of a part go one after the other if their rows would not fit its cache together
    (``work`` numbers a member); else, and on an accelerator, side by side.
    """
    count = jax.tree.leaves(batch)[0].shape[0]
    one_by_one = jax.default_backend() == "cpu" and work >= _OUTGROWS_CACHE

    def each(part: In) -> Out:
        return jax.lax.map(function, part) if one_by_one else jax.vmap(function)(part)

    devices = num_devices(count)
    if devices == 1:
        return each(batch)
    mesh = Mesh(jax.local_devices(), (_AXIS,))
    split = PartitionSpec(_AXIS)
    return jax.shard_map(each, mesh=mesh, in_specs=split, out_specs=split, check_vma=False)(batch)
