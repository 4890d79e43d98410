"""Margin times norm: long rows on the wrong side of the teacher, who lies along the first axis."""

import jax.numpy as jnp


def margin_times_norm(x, y):
    return -y * x[0] * jnp.linalg.norm(x)
