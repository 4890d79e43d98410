"""Every draw has the law of the rows; n, r and the block change what they should and no more."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

import nfl_sim as nfl
from nfl_sim.learners import Hinge, LogisticRegression, Ridge
from nfl_sim.pruning import (
    ExactCalibration,
    ImportanceSampling,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    SoftCalibration,
)
from nfl_sim.scores import EL2N, GraNd, Leverage, Loss, Margin, Uncertainty, Uniform
from nfl_sim.simulation.blocks import replicate_bytes
from nfl_sim.simulation.draws import plan
from nfl_sim.simulation.draws._across import across_given
from nfl_sim.simulation.draws._chi_square import chi_squares
from nfl_sim.simulation.draws._latent import basis_from, magnitude, radius
from nfl_sim.simulation.draws._masses import kept_masses, top_masses
from nfl_sim.simulation.draws._normals import normal_rows
from nfl_sim.simulation.draws._signed_margin import margin_law, quantiles
from nfl_sim.simulation.replicate import Counts, shape_of
from tests.agreement import FALSE_ALARM
from tests.simulation.laws import draws_of, same_law
from tests.strategies import SCORES

KEY = jax.random.key(3)
PROBE = nfl.Probe(0.6, 0.8)
SIZES = {"dim": 8, "num_samples": 200}
LINEAR, LOGISTIC = nfl.models.Linear(1.0, 0.7), nfl.models.Logistic(2.0, 0.05)
PERCEPTRON = nfl.models.Perceptron(0.1)
COUNT = 6000


def problem(score=EL2N, rule=None, learner=None, model=LINEAR, probe=PROBE):
    rule = KeepHardest(0.2) if rule is None else rule
    learner = Ridge(0.0) if learner is None else learner
    return nfl.Problem(model, SCORES[score](probe), rule, learner)


LAWS = {
    "scalars": (problem(), ("conditional", "sufficient"), "scalars"),
    "pseudo-rows": (problem(rule=KeepEasiest(0.2), learner=Ridge(0.3)), ("sufficient",), "pseudo"),
    "fewer than d": (problem(Uncertainty, KeepEasiest(0.02)), ("sufficient",), "pseudo"),
    "two weights": (problem(rule=ExactCalibration(0.2, 0.5)), ("sufficient",), "pseudo"),
    "soft": (problem(Uncertainty, SoftCalibration(0.2, 0.5)), ("sufficient",), "scalars"),
    "radius": (
        problem(Leverage, ExactCalibration(0.2, 0.5, hardest=False)),
        ("conditional",),
        "kept",
    ),
    "length": (problem(GraNd, KeepHardest(0.2)), ("conditional",), "projections"),
    "coins": (problem(GraNd, ImportanceSampling(0.3)), ("conditional",), "projections"),
    "signs": (
        problem(EL2N, KeepHardest(0.2), Ridge(0.1), PERCEPTRON),
        ("conditional",),
        "projections",
    ),
    "signed margins": (
        problem(EL2N, KeepHardest(0.2), LogisticRegression(0.1), LOGISTIC),
        ("conditional",),
        "kept",
    ),
    "signed margins of steps": (
        problem(Margin, ExactCalibration(0.2, 0.5), Ridge(0.1), PERCEPTRON),
        ("conditional",),
        "kept",
    ),
    "labels": (
        problem(Uncertainty, KeepHardest(0.2), Ridge(0.1), PERCEPTRON),
        ("conditional",),
        "kept",
    ),
}


@pytest.mark.parametrize("case", LAWS)
def test_the_law_is_that_of_the_rows(case):
    """False alarm 1e-6 each; a relative error of 0.1 of a variance is seen (tests/meta)."""
    spec, methods, level = LAWS[case]
    rows = draws_of(spec, "rows", COUNT, **SIZES)
    assert plan(spec, *SIZES.values(), methods[-1]).level.startswith(level)
    for method in methods:
        assert same_law(rows, draws_of(spec, method, COUNT, **SIZES)), method


# ------------------------------------------------------------------ the parts, by other routes


def uniform(values, alarm=FALSE_ALARM):
    return stats.kstest(np.ravel(values), "uniform").pvalue > alarm


def test_chi_squares_are_chi_square():
    freedom = jnp.asarray([0.5, 1.0, 2.0, 3.0, 40.0, 1e9])
    found = jax.vmap(lambda key: chi_squares(key, freedom))(jax.random.split(KEY, 20_000))
    assert all(uniform(stats.chi2.cdf(f, k)) for f, k in zip(found.T, freedom, strict=True))


def test_masses_are_order_statistics():
    """The j-th of n is Beta(j, n - j + 1), and the rest are uniform beyond the last of the top."""
    keys, counts = (
        jax.random.split(KEY, 20_000),
        Counts(jnp.asarray(3), jnp.asarray(4), jnp.ones(())),
    )
    found = np.asarray(
        jax.vmap(lambda key: kept_masses(key, jnp.asarray(20.0), counts, 8, stratified=True))(keys)
    )
    for j in (1, 3):
        assert uniform(stats.beta.cdf(found[:, j - 1], j, 20 - j + 1))
    beyond = (found[:, 3:7] - found[:, 2:3]) / (1 - found[:, 2:3])
    assert uniform(beyond)
    assert abs(np.corrcoef(beyond[:, 0], found[:, 2])[0, 1]) < 5 / np.sqrt(20_000)


def test_quantiles_are_those_of_scipy():
    masses = jnp.asarray([1e-12, 1e-6, 0.01, 0.3, 0.9, 0.999])
    np.testing.assert_allclose(magnitude(masses, outward=True), stats.norm.isf(masses / 2), 1e-11)
    np.testing.assert_allclose(magnitude(masses, outward=False), stats.chi(1).ppf(masses), 1e-11)
    for dim in (1, 2, 5, 30):
        np.testing.assert_allclose(
            radius(masses, dim, outward=True), stats.chi(dim).isf(masses), 1e-5
        )
        np.testing.assert_allclose(
            radius(masses, dim, outward=False)[1:], stats.chi(dim).ppf(masses)[1:], 1e-5
        )


@pytest.mark.parametrize(("count", "dim"), [(2**17, 2), (2**17 + 1, 2)])
def test_normal_rows_are_normal_and_independent(count, dim):
    """By moments up to the fourth, the tail beyond 4, and what two of the same bits share."""
    rows = np.asarray(normal_rows(KEY, count, dim))
    assert rows.shape == (count, dim)
    limit = stats.norm.isf(FALSE_ALARM / 20)
    halves = rows[: count // 2], rows[-(count // 2) :]
    for half in (*halves, halves[0] * halves[1], rows[:, 0] * rows[:, 1]):
        assert abs(half.mean()) < limit * half.std() / np.sqrt(half.size)
    number = count * dim
    for power, mean, variance in [(2, 1.0, 2.0), (4, 3.0, 96.0)]:
        assert abs(np.mean(rows**power) - mean) < limit * np.sqrt(variance / number)
    for side in (rows, -rows):
        beyond = stats.binomtest(int(np.sum(side > 4.0)), number, stats.norm.sf(4.0))
        assert beyond.pvalue > FALSE_ALARM / 10
    assert stats.kstest(rows.ravel(), "norm").pvalue > FALSE_ALARM / 10


SIGNS = [
    (LOGISTIC, 0.6),
    (nfl.models.Logistic(2.0), 0.0),
    (nfl.models.Logistic(30.0, 0.01), 1.5),
    (nfl.models.Logistic(150.0), 1.2),
    (PERCEPTRON, 2.0),
    (nfl.models.Perceptron(), 0.001),
]


@pytest.mark.parametrize(("model", "angle"), SIGNS)
def test_signed_margins_are_those_of_rows(model, angle):
    """z, what is across, and both where z is small, against labels of the model itself.

    With 60000 of each a distribution function off by 0.018 is seen with chance 0.9.
    """
    axis = jnp.asarray([np.cos(angle), np.sin(angle)])
    basis, count = basis_from(axis), 60_000
    law = margin_law(model, axis, outward=False)
    found = quantiles(law, jax.random.uniform(KEY, (count,), jnp.float64), outward=False)
    across = across_given(jax.random.key(5), model, law.tilts_at(found), found.value, *basis[0])
    drawn = np.stack([found.value, across])
    covariates, labels = model.sample(jax.random.key(6), count, 2, jnp.float64)
    rows = np.asarray(labels)[None, :] * np.asarray(covariates @ basis).T
    hard = [pair[:, pair[0] < np.quantile(rows[0], 0.1)] for pair in (drawn, rows)]
    for one, other in ((drawn, rows), hard):
        for side in (*np.eye(2), basis[0]):
            assert stats.ks_2samp(side @ one, side @ other).pvalue > FALSE_ALARM / 6


@pytest.mark.parametrize(("model", "angle"), SIGNS)
@pytest.mark.parametrize("outward", [True, False])
def test_quantiles_of_signed_margins_by_adaptive_quadrature(model, angle, outward):
    law = margin_law(model, jnp.asarray([np.cos(angle), np.sin(angle)]), outward=outward)
    masses = np.asarray([1e-7, 1e-3, 0.1, 0.5, 0.9])
    found = np.asarray(quantiles(law, jnp.asarray(masses), outward=outward).value)

    def density(z):
        return 2.0 * stats.norm.pdf(z) * agreement(model, angle, z)

    kinks = {"points": [-0.01, 0.0, 0.01], "limit": 200, "epsabs": 1e-14}
    for mass, z in zip(masses, found, strict=True):
        ends = (z, max(z, 0.0) + 9.0) if outward else (min(z, 0.0) - 9.0, z)
        assert integrate.quad(density, *ends, **kinks)[0] == pytest.approx(mass, rel=1e-6)


def agreement(model, angle, z):
    """P(y = 1 | u.x = z), by scipy."""
    flip = float(model.flip_probability)
    if isinstance(model, nfl.models.Perceptron):
        clean = stats.norm.cdf(z * np.cos(angle) / np.sin(angle))
    else:
        grid = np.linspace(-9.0, 9.0, 4001)
        logit = float(model.signal) * (np.cos(angle) * z + np.sin(angle) * grid)
        clean = np.sum(stats.norm.pdf(grid) * special.expit(logit)) * (grid[1] - grid[0])
    return flip + (1.0 - 2.0 * flip) * clean


# ------------------------------------------------------------------ common random numbers


def test_fewer_on_top_are_a_part_of_more():
    few, many = (top_masses(KEY, jnp.asarray(1e9), size) for size in (8, 64))
    np.testing.assert_array_equal(few, many[:8])


@pytest.mark.parametrize("method", ["rows", "conditional"])
def test_kept_sets_are_nested_across_fractions(method):
    """One key: the threshold at a smaller fraction is that of the same sample, so no lower."""
    found = [
        nfl.replicate(KEY, problem(rule=KeepHardest(r)), 2, **SIZES, method=method)["threshold"]
        for r in (0.1, 0.12, 0.3)
    ]
    assert found == sorted(found, reverse=True)


# ------------------------------------------------------------------ sizes, blocks, seeds


@pytest.mark.parametrize("num_samples", [10**9, 10**15])
def test_the_sample_may_be_larger_than_any_memory(num_samples):
    fraction = 50 / num_samples
    spec = problem(rule=KeepHardest(fraction))
    run = nfl.simulate(KEY, spec, dim=8, num_samples=num_samples, num_replicates=64)
    assert (run.num_kept, run.method) == (50, "sufficient")
    scale = float(jnp.hypot(jnp.linalg.norm(jnp.asarray([1.0, 0.0]) - PROBE.plane), 0.7))
    assert run.threshold.mean == pytest.approx(scale * stats.norm.isf(fraction / 2), rel=0.02)


def compilations(caplog, spec, **sizes):
    caplog.clear()
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        nfl.simulate(KEY, spec, num_replicates=8, method="sufficient", **sizes)
    return sum("Finished XLA compilation" in line for line in caplog.messages)


def test_nothing_is_compiled_twice(caplog):
    """Not for another n, r, probe, rule of the same side, or score that sees the same."""
    first = compilations(caplog, problem(), dim=8, num_samples=300)  # 60 kept
    assert first > 0
    other = problem(Loss, KeepHardest(1e-5), model=nfl.models.Linear(2.0, 1.0))
    assert compilations(caplog, problem(rule=KeepHardest(0.3)), dim=8, num_samples=210) == 0
    assert compilations(caplog, other, dim=8, num_samples=5_000_000) < first


@pytest.mark.parametrize("method", ["conditional", "sufficient"])
def test_blocks_change_nothing_and_a_replicate_is_addressable(method):
    spec, sizes = problem(rule=ExactCalibration(0.2, 0.5)), SIZES | {"method": method}
    shape, draw = shape_of(spec, 8, 200)[0], plan(spec, 8, 200, method)
    budget = 4 * replicate_bytes(shape, draw)
    run = nfl.simulate(KEY, spec, num_replicates=10, memory_budget=budget, **sizes)
    each = [nfl.replicate(KEY, spec, i, **sizes)["excess_risk"] for i in range(10)]
    assert run.method == method
    assert run.excess_risk.mean == pytest.approx(np.mean(each), rel=1e-9)


# ------------------------------------------------------------------ who is exact for whom


def test_auto_takes_the_cheapest_that_is_exact():
    taken = (
        (problem(EL2N), "scalars"),
        (problem(EL2N, learner=Ridge(0.5)), "pseudo-rows"),
        (problem(Uniform), "scalars"),
        (problem(Leverage, KeepHardest(0.05)), "kept"),
        (problem(Leverage, KeepHardest(0.5)), "rows"),  # quantiles of a chi-square take longer
        (problem(GraNd), "projections"),
        (problem(Margin), "projections"),
        (problem(EL2N, None, LogisticRegression(0.1), LOGISTIC), "kept"),
        (problem(EL2N, None, Hinge(0.1), PERCEPTRON), "projections"),
        (problem(Uncertainty, None, Hinge(0.1), PERCEPTRON), "kept"),
        (problem(Uniform, None, Hinge(0.1), LOGISTIC), "kept"),
    )
    for spec, level in taken:
        assert plan(spec, 100, 10_000).level == level
    assert plan(problem(GraNd), 2, 50).level == "rows"  # nothing is left to save
    assert plan(problem(rule=KeepRandom(0.5)), 4, 50).level == "pseudo-rows"
    assert plan(problem(rule=ExactCalibration(0.1, 0.5)), 100, 10_000).weighted


def test_probes_without_length_make_all_samples_tie():
    blind = nfl.Probe(0.3, 0.0)
    assert plan(problem(Uncertainty, probe=blind), 8, 200).family == "random"
    assert plan(problem(EL2N, probe=blind), 8, 200).family == "residual"
    logistic = problem(EL2N, None, LogisticRegression(0.1), LOGISTIC, blind)
    assert plan(logistic, 8, 200).family == "random"


class Made(nfl.models.Model):
    """A model of one's own, whose labels may depend on anything."""

    binary = False

    def sample(self, key, num_samples, dim, dtype=jnp.float32):
        return LINEAR.sample(key, num_samples, dim, dtype)

    def residual(self, margin, label):
        return label - margin

    def loss(self, margin, label):
        return label - margin

    @property
    def resolution(self):
        return jnp.ones(())

    def excess_risk(self, weights):
        return jnp.sum(weights**2)

    def diagnostics(self, weights):
        return {}


REFUSALS = {
    "length": (problem(GraNd), "sufficient", "GraNd sees the length of a row"),
    "radius": (problem(Leverage), "sufficient", "Leverage sees the length of a row"),
    "coins": (problem(rule=ImportanceSampling(0.2)), "sufficient", "what ImportanceSampling keeps"),
    "margin": (problem(Margin), "sufficient", "order statistics of Margin have no known law"),
    "learner": (
        problem(EL2N, None, LogisticRegression(0.1), LOGISTIC),
        "sufficient",
        "LogisticRegression needs rows",
    ),
    "labels": (problem(Uncertainty, None, None, LOGISTIC), "sufficient", "labels of Logistic are"),
    "model": (problem(model=Made()), "conditional", "labels of Made depend on is not known"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_not_exact_is_refused_with_the_reason(name):
    spec, method, reason = REFUSALS[name]
    with pytest.raises(ValueError, match=f"method='{method}' is not exact in law here: .*{reason}"):
        nfl.simulate(KEY, spec, **SIZES, num_replicates=2, method=method)
    assert plan(spec, *SIZES.values()).method != method


def test_a_control_variate_takes_rows():
    assert plan(problem(), *SIZES.values(), whole=True).method == "rows"
    with pytest.raises(ValueError, match="a control variate needs the whole sample"):
        plan(problem(), *SIZES.values(), "sufficient", whole=True)
