"""Predictions: one that is compiled, a curve of a hundred at once, and the compilation itself."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import nfl_sim as nfl
from benchmarks.problems import CASES, REGIME

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
FRACTIONS = jnp.linspace(0.4, 0.99, 100)


def excess_risk(case: nfl.Problem) -> jax.Array:
    return nfl.predict(case, REGIME).excess_risk


def curve(case: nfl.Problem) -> jax.Array:
    """The excess risk at a hundred fractions."""

    def at(fraction):
        return excess_risk(eqx.tree_at(lambda p: p.rule.fraction, case, fraction))

    return jax.vmap(at)(FRACTIONS)


@every_case
def test_predict(benchmark, case):
    benchmark(lambda: excess_risk(case).block_until_ready())


@every_case
def test_curve(benchmark, case):
    jitted = eqx.filter_jit(curve)
    jitted(case).block_until_ready()
    benchmark.extra_info["points"] = len(FRACTIONS)
    benchmark.pedantic(lambda: jitted(case).block_until_ready(), rounds=5, warmup_rounds=1)


@every_case
def test_first_prediction(benchmark, case):
    """Tracing and compiling included."""
    benchmark.pedantic(
        lambda: excess_risk(case).block_until_ready(), setup=jax.clear_caches, rounds=3
    )
