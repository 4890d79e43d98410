"""Order statistics of n uniforms from the top, without the n."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.simulation.replicate import Counts
from nfl_sim.validation import Scalar

Masses = Float[Array, " m"]


def kept_masses(
    key: PRNGKeyArray, num_samples: Scalar, counts: Counts, size: int, *, stratified: bool
) -> Masses:
    """The mass of the law of the scores that lies above each kept sample, the best first.

    A sample of mass P has the score that a fraction P of the population surpasses. The masses of
    the top are the smallest of n uniforms, in order; given the last of them, a random choice of the
    others is i.i.d. uniform beyond it. Fewer on top are a part of more.

    Args:
        key: of the replicate.
        num_samples: n.
        counts: how many on top, and how many at random from the rest.
        size: how many to return; those beyond the counts mean nothing.
        stratified: whether there may be a rest.

    References: {eq}`eq-draw-renyi`, {eq}`eq-draw-rest` in theory_notes/12_fast_draws.md.
    """
    top_key, rest_key = jax.random.split(key)
    masses = top_masses(top_key, num_samples, size)
    if not stratified:
        return masses
    last = last_of_top(masses, counts)
    others = last + (1.0 - last) * jax.random.uniform(rest_key, (size,), jnp.float64)
    return jnp.where(jnp.arange(size) < counts.top, masses, others)


def top_masses(
    key: PRNGKeyArray,
    num_samples: Scalar,
    size: int,
    skipped: Scalar | float = 0.0,
    depth: Scalar | float = 0.0,
) -> Masses:
    """The ``size`` smallest of n uniforms, in order; beyond n of them mean nothing.

    -log(1 - P_j) = sum over i <= j of E_i / (n - i + 1), E_i i.i.d. exponential (Renyi).

    Args:
        key: of the exponentials.
        num_samples: n.
        size: how many.
        skipped, depth: to go on after so many of them, -log(1 - P) of the last.
    """
    left = num_samples - skipped - jnp.arange(size).astype(jnp.float64)
    spacings = jax.random.exponential(key, (size,), jnp.float64) / jnp.maximum(left, 1.0)
    return -jnp.expm1(-(depth + jnp.cumsum(spacings)))


def last_of_top(masses: Masses, counts: Counts) -> Scalar:
    """The mass above the last sample that is kept for its priority; 0 if none is."""
    return jnp.where(counts.top > 0, masses[jnp.maximum(counts.top - 1, 0)], 0.0)
