"""Normal variables of single precision, two of each 64 random bits."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfinv
from jaxtyping import Array, Float, PRNGKeyArray, UInt

_ROOT_TWO = float(np.sqrt(2.0))
_UNIT = 2.0**-31
_LARGEST = 1.0 - 2.0**-24  # of single precision, below 1


def normal_rows(key: PRNGKeyArray, count: int, dim: int) -> Float[Array, "m d"]:
    """Rows ~ N(0, I_dim) whose numbers have single precision.

    On a CPU it is the bits that take the time, and `jax.random.normal` spends 64 on a number.
    """
    bits = jax.random.bits(key, (-(-count // 2), dim), jnp.uint64)
    both = jnp.concatenate([_normal(bits >> 32), _normal(bits)])
    return both[:count].astype(jnp.float64)


def central_quantile(share: Float[Array, "..."]) -> Float[Array, "..."]:
    """z such that a standard normal variable lies in (-z, z) with this chance; odd in it."""
    return _ROOT_TWO * erfinv(share)


def _normal(bits: UInt[Array, "..."]) -> Float[Array, "..."]:
    """The quantile of a uniform on (-1, 1), from the lower half of the bits."""
    whole = jax.lax.bitcast_convert_type(bits.astype(jnp.uint32), jnp.int32)
    share = _UNIT * whole.astype(jnp.float32)
    return central_quantile(jnp.clip(share, -_LARGEST, _LARGEST))
