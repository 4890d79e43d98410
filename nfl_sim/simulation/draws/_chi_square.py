"""Chi-square variables of any degrees of freedom, large, small or traced."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

Values = Float[Array, "*shape"]


def chi_squares(key: PRNGKeyArray, freedom: Values) -> Values:
    """One draw for each number of degrees of freedom > 0 (Marsaglia & Tsang 2000).

    A cube of a normal variable, accepted mostly at once; the whole array is proposed again until
    all are, which compiles and runs several times faster than `jax.random.gamma`.
    """
    loop_key, boost_key = jax.random.split(key)
    small = freedom < 2.0
    shape = 0.5 * freedom + small.astype(jnp.float64)
    value = _gammas(loop_key, shape)
    boost = jax.random.uniform(boost_key, freedom.shape, jnp.float64) ** (2.0 / freedom)
    return 2.0 * value * jnp.where(small, boost, 1.0)


def _gammas(key: PRNGKeyArray, shape: Values) -> Values:
    """Gamma variables of shape >= 1 and unit scale."""
    size = shape - 1.0 / 3.0
    slope = 1.0 / jnp.sqrt(9.0 * size)

    def unfinished(state):
        return ~jnp.all(state[2])

    def propose(state: tuple[Array, Values, Bool[Array, "*shape"]]):
        index, value, done = state
        normal_key, uniform_key = jax.random.split(jax.random.fold_in(key, index))
        normal = jax.random.normal(normal_key, shape.shape, jnp.float64)
        cube = (1.0 + slope * normal) ** 3
        log_cube = jnp.log(jnp.where(cube > 0.0, cube, 1.0))
        bound = 0.5 * normal**2 + size * (1.0 - cube + log_cube)
        chance = jnp.log1p(-jax.random.uniform(uniform_key, shape.shape, jnp.float64))
        accepted = (cube > 0.0) & (chance < bound)
        return index + 1, jnp.where(done, value, size * cube), done | accepted

    start = (jnp.asarray(0), jnp.ones_like(shape), jnp.zeros(shape.shape, bool))
    return jax.lax.while_loop(unfinished, propose, start)[1]
