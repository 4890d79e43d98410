"""Scores as a user writes them: good, bad and joint."""

import jax
import jax.numpy as jnp
import numpy as np


def el2n(x, y):
    return jnp.abs(y - x[0] - 0.15 * x[1])


def perfect(x, y):
    return jnp.abs(y - x[0])


def length(x, y):
    return jnp.sqrt(jnp.sum(x**2))


def label(x, y):
    return y


def rounded(x, y):
    return jnp.round(length(x, y))


def rounded_residual(x, y):
    return jnp.round(jnp.abs(y - 2.0 * x[0]))


def contradicts(x, y):
    return y * x[0] < 0.0


def lengths(x, y):
    return jnp.sqrt(jnp.sum(x**2, axis=1))


def typical(x, y):
    return jnp.abs(y - jnp.median(y))


def standardised(x, y):
    return jnp.sqrt(jnp.sum(x**2, axis=1)) / jnp.max(jnp.abs(y))


def constant(x, y):
    return 0.3


def undefined(x, y):
    return jnp.log(x[0])


def overflows(x, y):
    return jnp.exp(jnp.exp(7.0 + 0.0 * y)) + y


def overflows_in_float32(x, y):
    return jnp.exp(100.0 + y)


def plain_numpy(x, y):
    return np.abs(y)


def branches(x, y):
    return x[0] if y > 0 else x[1]


def beyond(x, y):
    return x[9]


def misfit(x, y):
    return x @ jnp.ones(7)


def a_row(x, y):
    return x


def a_pair(x, y):
    return x[0], y


def imaginary(x, y):
    return jax.lax.complex(x[0], y)


def one_argument(x):
    return x[0]


REFUSED = {
    typical: r"'typical' depends on other rows.*function of one row",
    standardised: r"'standardised' depends on other rows",
    constant: r"'constant' is constant, 0.3 on all of 4096 rows.*random pruning",
    undefined: r"'undefined' is nan on \d+ of 4096 rows, for one on x = \[.*\], y = ",
    overflows: r"'overflows' is inf on 4096 of 4096 rows",
    overflows_in_float32: r"'overflows_in_float32' is inf on 4096 of 4096",
    plain_numpy: r"cannot be traced by JAX: use jax.numpy(.|\n)*return np.abs\(y\)",
    branches: r"cannot be traced by JAX.*jnp.where(.|\n)*if y > 0 else",
    beyond: r"'beyond' raises on a row of shape \(3,\)(.|\n)*return x\[9\](.|\n)*IndexError",
    misfit: r"'misfit' raises on a row(.|\n)*in misfit\n    return x @ jnp.ones\(7\)",
    a_row: r"'a_row' must return one number a row.*it returns an array of shape \(3,\)",
    a_pair: r"'a_pair' must return a number, it returns a tuple",
    imaginary: r"'imaginary' must return a real number, it returns one of type complex64",
    one_argument: r"must take two arguments.*it is defined as one_argument\(x\)",
}
