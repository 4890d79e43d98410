"""Spreading the replicates of a block over the local devices, and over the time of each."""

from collections.abc import Callable
from typing import TypeVar

import jax
from jax.sharding import Mesh, PartitionSpec

_AXIS = "replicates"
_CACHE = 2**17  # numbers

In = TypeVar("In")
Out = TypeVar("Out")


def num_devices(num_replicates: int) -> int:
    """How many local devices share a block: all of them if they share it evenly, else one."""
    devices = jax.local_device_count()
    return devices if num_replicates % devices == 0 else 1


def spread(function: Callable[[In], Out], batch: In, *, work: int) -> Out:
    """``function`` of each member of a batch, a part of the batch on each local device.

    No member knows of another, so that any number of devices gives the same draws. On a CPU as many
    members go side by side as its cache holds (``work`` numbers a member), and so many after the
    other; on an accelerator all of a part.
    """
    count = jax.tree.leaves(batch)[0].shape[0]
    devices = num_devices(count)
    side_by_side = _side_by_side(count // devices, work)

    def each(part: In) -> Out:
        if side_by_side == count // devices:
            return jax.vmap(function)(part)
        return jax.lax.map(function, part, batch_size=side_by_side if side_by_side > 1 else None)

    if devices == 1:
        return each(batch)
    mesh = Mesh(jax.local_devices(), (_AXIS,))
    split = PartitionSpec(_AXIS)
    return jax.shard_map(each, mesh=mesh, in_specs=split, out_specs=split, check_vma=False)(batch)


def _side_by_side(count: int, work: int) -> int:
    """The largest divisor of ``count`` that the cache holds: a rest would be compiled apart."""
    if jax.default_backend() != "cpu":
        return count
    most = max(1, min(count, _CACHE // work))
    return next(size for size in range(most, 0, -1) if count % size == 0)
