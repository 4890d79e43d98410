"""The proportional regime: a table of hard margins, and a curve of logistic regression."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

import nfl_sim as nfl

RULES = {"hardest": nfl.pruning.KeepHardest, "easiest": nfl.pruning.KeepEasiest}
RULES |= {"random": nfl.pruning.KeepRandom}
ANGLES = np.deg2rad([0.0, 10.0, 30.0, 60.0])
TABLE = jnp.array(
    list(itertools.product([1.0, 3.0, 10.0, 50.0], [0.02, 0.1, 0.3, 0.6, 1.0], ANGLES))
)
PENALTIES = jnp.linspace(0.01, 0.5, 50)
RATIO = 2.0


def test_margin_table(benchmark):
    """240 points: sample ratios, fractions, angles and rules."""
    jitted = [jax.jit(lambda table, rule=rule: _margins(table, rule)) for rule in RULES.values()]

    def table() -> list[jax.Array]:
        return jax.block_until_ready([of(TABLE) for of in jitted])

    assert all(bool(jnp.all(errors > 0.0)) for errors in table())
    benchmark.extra_info["points"] = len(RULES) * len(TABLE)
    benchmark.pedantic(table, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="logistic curve")
def test_logistic_curve(benchmark):
    """50 penalties, nothing pruned."""
    jitted = jax.jit(jax.vmap(_error))
    benchmark.extra_info["points"] = len(PENALTIES)
    benchmark.pedantic(lambda: jitted(PENALTIES).block_until_ready(), rounds=10, warmup_rounds=1)


@pytest.mark.benchmark(group="logistic curve")
def test_logistic_curve_by_scipy(benchmark):
    """The same curve: the saddle point by quad and minimize_scalar, one point of it timed."""
    found = benchmark.pedantic(lambda: scipy_error(0.05), rounds=1)
    benchmark.extra_info["points"] = 1
    assert found == pytest.approx(float(_error(jnp.asarray(0.05))), abs=1e-6)


def scipy_error(penalty: float) -> float:
    """State evolution of logistic regression on a sign teacher, as one would write it.

    Damped iteration of the fixed point; averages by `quad`, proximal maps by `minimize_scalar`.
    """
    ridge, parallel, rest, step = penalty * RATIO, 1.0, 1.0, 2.0
    for _ in range(200):
        norm = np.hypot(parallel, rest)
        along, square, response = (
            _average(kind, parallel / rest, norm, step) for kind in ("along", "square", "response")
        )
        # E[u z] by the tilt of z given the margin: its mean is linear plus the edge of the label.
        new = np.array(
            [
                RATIO * along + RATIO * response * parallel,
                np.sqrt(RATIO * square),
                1.0 / (ridge + RATIO * response / step),
            ]
        )
        old = np.array([parallel, rest, step])
        parallel, rest, step = 0.5 * (old + new)
        if np.max(np.abs(new - old)) < 1e-9:
            break
    return float(np.arctan2(rest, parallel) / np.pi)


def _average(kind: str, slope: float, norm: float, step: float) -> float:
    lean = slope / np.hypot(1.0, slope)

    def at(x: float) -> float:
        margin = norm * x
        proximal = optimize.minimize_scalar(
            lambda h: np.logaddexp(0.0, -h) + (h - margin) ** 2 / (2.0 * step),
            bracket=(margin, margin + step),
            tol=1e-11,
        ).x
        move = proximal - margin
        pull = special.expit(-proximal)
        tilt = 2.0 * stats.norm.cdf(slope * x)
        edge = 2.0 * np.sqrt(1.0 - lean**2) * stats.norm.pdf(slope * x)
        values = {
            "along": move * (lean * x * tilt + edge),
            "square": move**2 * tilt,
            "response": tilt * (1.0 - 1.0 / (1.0 + step * pull * (1.0 - pull))),
        }
        return values[kind] * np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)

    return integrate.quad(at, -9.0, 9.0, limit=200, epsabs=1e-9)[0]


def _margins(table: jax.Array, rule: type) -> jax.Array:
    def error(point: jax.Array) -> jax.Array:
        ratio, fraction, angle = point
        problem = nfl.Problem(
            nfl.models.Perceptron(),
            nfl.scores.Uncertainty(nfl.Probe(angle, 1.0)),
            rule(fraction),
            nfl.learners.MaxMargin(),
        )
        return nfl.predict(problem, nfl.Proportional(ratio)).error

    return jax.lax.map(error, table)


def _error(penalty: jax.Array) -> jax.Array:
    problem = nfl.Problem(
        nfl.models.Perceptron(),
        nfl.scores.Uniform(),
        nfl.pruning.KeepRandom(1.0),
        nfl.learners.LogisticRegression(penalty),
    )
    return nfl.predict(problem, nfl.Proportional(RATIO)).error
