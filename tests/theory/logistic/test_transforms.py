"""Predictions of the logistic model under jit, vmap and grad, and against unlike routes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import EL2N, GraNd, Uncertainty
from nfl_sim.theory.logistic import fixed_dimension
from tests.strategies import example_logistic_problem
from tests.theory.shapes import hasty_jit, hasty_predict, unrecognised, with_score

PLANE = nfl.FixedDimension(2)
_GOOD = {"signal": 1.2, "angle": 0.7, "norm": 0.9, "fraction": 0.6, "penalty": 0.05}
_BAD = {"fraction": 1.5, "signal": -1.0, "norm": 0.0, "penalty": -0.1, "flip_probability": 0.7}


def _excess(numbers):
    return nfl.predict(example_logistic_problem(EL2N, KeepHardest, **numbers), PLANE).excess_risk


def test_gradients_in_every_scalar():
    numbers = {**_GOOD, "flip_probability": 0.1}
    traced = {name: jnp.asarray(value) for name, value in numbers.items()}
    gradient = hasty_jit(jax.grad(_excess))(traced)
    for name, value in numbers.items():
        ends = (_excess({**numbers, name: value + k * 1e-5}) for k in (1, -1))
        high, low = map(float, ends)
        assert float(gradient[name]) == pytest.approx((high - low) / 2e-5, rel=1e-5), name


def test_a_mapped_curve_is_its_points():
    fractions = np.linspace(0.5, 1.0, 6)

    @hasty_jit
    def curve(fractions):
        return jax.vmap(lambda r: _excess({**_GOOD, "fraction": r}))(fractions)

    points = [float(_excess({**_GOOD, "fraction": r})) for r in fractions]
    np.testing.assert_allclose(curve(jnp.asarray(fractions)), points, rtol=1e-8, atol=1e-13)


def test_bad_traced_values_give_nan():
    @hasty_jit
    def both(numbers):
        problem = example_logistic_problem(EL2N, KeepHardest, **numbers)
        prediction = nfl.predict(problem, PLANE)
        return prediction.excess_risk, prediction.converged

    good = {**_GOOD, "flip_probability": 0.1}
    for row in (good, *({**good, name: value} for name, value in _BAD.items())):
        excess, converged = both({name: jnp.asarray(value) for name, value in row.items()})
        assert bool(converged) is (row is good)
        assert bool(jnp.isfinite(excess)) is (row is good)


def test_a_search_needs_concrete_numbers():
    with pytest.raises(ValueError, match="concrete"):
        jax.jit(
            lambda angle: nfl.flip_fraction(example_logistic_problem(EL2N, angle=angle), PLANE)
        )(0.3)


CASES = [
    (EL2N, KeepHardest, {"flip_probability": 0.1}),
    (EL2N, KeepEasiest, {"penalty": 0.2, "flip_probability": 0.05, "fraction": 0.4}),
    (Uncertainty, KeepHardest, {"penalty": 0.1, "flip_probability": 0.2, "fraction": 0.5}),
]


@pytest.mark.parametrize(("score", "rule", "numbers"), CASES)
def test_the_student_is_stationary_in_x_and_y(score, rule, numbers):
    """The moment equations in x and y, not in z = y x: no symmetry is used."""
    problem = example_logistic_problem(score, rule, **numbers)
    prediction = nfl.predict(problem, nfl.FixedDimension(3))
    student = np.array([prediction.parallel, prediction.orthogonal])
    total, mass = np.zeros(2), 0.0
    for label in (1.0, -1.0):
        for ends in _kept_intervals(problem, float(prediction.threshold), label):
            pull, share = _moments(problem, student, label, ends)
            total, mass = total + pull, mass + share
    fraction, penalty = float(problem.rule.fraction), float(problem.learner.penalty)
    assert abs(mass - fraction) < 1e-10
    np.testing.assert_allclose(total + fraction * penalty * student, 0.0, atol=1e-10)


def _kept_intervals(problem, level, label):
    """Of x along the probe, for samples of this label."""
    norm = float(problem.score.probe.norm)
    if isinstance(problem.score, Uncertainty):
        return [(level / norm, -level / norm)]
    cut = np.log(1.0 / level - 1.0) / norm
    below = isinstance(problem.rule, KeepHardest) == (label > 0.0)
    return [(-10.0, label * cut)] if below else [(label * cut, 10.0)]


def _moments(problem, student, label, ends):
    """E[-y sigma(-y w.x) x] and the mass of one label, x along the probe between the ends."""
    low, high = ends
    nodes, weights = np.polynomial.legendre.leggauss(200)
    along = (low + 0.5 * (high - low) * (nodes + 1.0))[:, None]
    across = (10.0 * nodes)[None, :]
    gauss = np.exp(-0.5 * (along**2 + across**2)) / (2 * np.pi)
    gauss = gauss * np.outer(0.5 * (high - low) * weights, 10.0 * weights)
    cosine, sine = np.asarray(problem.score.probe.direction)
    x = np.stack([cosine * along - sine * across, sine * along + cosine * across])
    flip, signal = float(problem.model.flip_probability), float(problem.model.signal)
    chance = gauss * (flip + (1 - 2 * flip) / (1 + np.exp(-label * signal * x[0])))
    pull = -label / (1 + np.exp(label * np.einsum("i,ijk->jk", student, x)))
    return np.einsum("jk,ijk->i", chance * pull, x), np.sum(chance)


@pytest.mark.parametrize(("score", "rule"), [(EL2N, KeepHardest), (GraNd, KeepEasiest)])
def test_scores_of_the_users_own(score, rule):
    """The generic quadrature, against the closed kept sets."""
    problem = example_logistic_problem(score, rule, penalty=0.05, flip_probability=0.05)
    mine = with_score(problem, unrecognised(score)(problem.score.probe))
    regime = nfl.FixedDimension(3)
    own, known = (nfl.predict(p, regime) for p in (mine, problem))
    assert bool(own.converged)
    assert abs(float(own.excess_risk - known.excess_risk)) <= 10.0 * float(own.numerical_error)
    assert float(own.excess_risk) == pytest.approx(float(known.excess_risk), abs=1e-6)
    assert float(own.finite_size) == pytest.approx(float(known.finite_size), rel=1e-4)
    assert float(own.threshold) == pytest.approx(float(known.threshold), rel=1e-6)


def test_grand_tends_to_el2n_in_high_dimension_and_to_leverage_for_a_null_probe():
    numbers = {"signal": 1.2, "angle": 0.7, "norm": 0.9, "fraction": 0.6}
    limit = nfl.predict(example_logistic_problem(EL2N, **numbers), nfl.FixedDimension(3))
    grand = example_logistic_problem(GraNd, **numbers)
    gaps = [abs(float(hasty_predict(dim)(grand).error - limit.error)) for dim in (2, 16)]
    assert gaps[1] < gaps[0] / 5.0
    faint = eqx.tree_at(lambda p: p.score.probe.norm, grand, jnp.asarray(1e-7))
    assert abs(float(hasty_predict(2)(faint).parallel) - 1.2) < 1e-5


def test_the_error_by_adaptive_integration():
    """P(sign(w.x) != clean label) of the predicted student, over the plane of x."""
    prediction = nfl.predict(example_logistic_problem(EL2N), PLANE)
    par, orth = float(prediction.parallel), float(prediction.orthogonal)

    def wrong(y, x):
        chance = 1.0 / (1.0 + np.exp(-x))
        density = np.exp(-0.5 * (x * x + y * y)) / (2 * np.pi)
        return density * (1.0 - chance if par * x + orth * y > 0.0 else chance)

    slope = par / orth  # the integrand jumps at y = -slope x
    below = integrate.dblquad(wrong, -8, 8, -99, lambda x: -slope * x, epsabs=1e-8)[0]
    above = integrate.dblquad(wrong, -8, 8, lambda x: -slope * x, 99, epsabs=1e-8)[0]
    assert abs(below + above - float(prediction.error)) < 1e-6


def test_long_probes_and_steep_students_get_the_nodes_that_they_need(monkeypatch):
    """Four times the nodes of a first guess: to 1e-8 and, for the 1/n term, to 1e-6."""
    regime = nfl.FixedDimension(3)
    problems = [
        example_logistic_problem(GraNd, KeepEasiest, angle=0.0, **numbers)
        for numbers in (
            {"norm": 14.4, "fraction": 0.5, "penalty": 1e-3},
            {"norm": 0.8, "fraction": 0.05, "flip_probability": 0.1},
        )
    ]
    found = [nfl.predict(problem, regime) for problem in problems]
    monkeypatch.setattr(fixed_dimension, "quadrature_refinement", lambda problem: 4)
    for problem, first in zip(problems, found, strict=True):
        finer = nfl.predict(problem, regime)
        assert bool(finer.converged)
        for name in ("parallel", "orthogonal", "excess_risk", "error"):
            same = pytest.approx(float(getattr(finer, name)), rel=1e-8, abs=1e-8)
            assert float(getattr(first, name)) == same, name
        assert float(first.finite_size) == pytest.approx(float(finer.finite_size), rel=1e-6)
