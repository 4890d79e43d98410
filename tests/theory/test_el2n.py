"""EL2N in closed form against the sheet's formulas in 60 digits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.pruning import KeepEasiest, KeepHardest
from tests import oracles
from tests.oracles import relative
from tests.strategies import SELECTIVE, example_problem, log_uniform, penalties, problems

_RULES = pytest.mark.parametrize("rule", SELECTIVE)
_REGIME = nfl.FixedDimension(5)


@_RULES
@settings(max_examples=50)
@given(data=st.data())
def test_limit_and_second_order(rule, data):
    problem = data.draw(problems(scores.EL2N, rule))
    prediction, exact = nfl.predict(problem, _REGIME), oracles.el2n(problem, _REGIME.dim)
    assert relative(prediction.excess_risk, exact.excess) < 1e-9
    assert relative(2.0 * prediction.training_loss, exact.residual) < 1e-9
    total, size = exact.finite_size
    assert abs(mpf(float(prediction.finite_size)) - total) <= 1e-9 * size
    covariance, fraction = np.array(prediction.covariance), float(problem.rule.fraction)
    variance = fraction * (np.trace(covariance[:2, :2]) + 3.0 * covariance[2, 2])
    assert relative(variance, exact.variance) < 1e-9
    assert bool(prediction.converged)


@_RULES
@settings(max_examples=50)
@given(data=st.data())
def test_student(rule, data):
    """w_inf = (A + penalty)^-1 (kappa delta + A w_p), in the plane of teacher and probe."""
    problem = data.draw(problems(scores.EL2N, rule, penalty=penalties()))
    prediction = nfl.predict(problem, _REGIME)
    delta = mp.matrix(oracles.offset(problem))
    teacher = mp.matrix([mpf(float(problem.model.signal)), 0])
    v = mp.norm(delta) ** 2 + mpf(float(problem.model.noise_std)) ** 2
    outside = isinstance(problem.rule, KeepHardest)
    c, kappa, _ = oracles.slab(float(problem.rule.fraction), outside=outside)
    second = mp.eye(2) + (kappa - 1) * delta * delta.T / v
    pull = kappa * delta + second * (teacher - delta)
    ridge = second + mpf(float(problem.learner.penalty)) * mp.eye(2)
    student = mp.lu_solve(ridge, pull)
    scale = mp.norm(teacher) + mp.norm(delta) + mp.norm(student)
    direction = mp.matrix([mpf(float(x)) for x in problem.score.probe.direction])
    exact = {
        "parallel": student[0],
        "orthogonal": student[1],
        "norm": mp.norm(student),
        "probe_overlap": (student.T * direction)[0],
    }
    for name, value in exact.items():
        assert abs(mpf(float(getattr(prediction, name))) - value) <= 1e-13 * scale
    missed = mp.norm(student - teacher) ** 2
    assert abs(mpf(float(prediction.excess_risk)) - missed) <= 1e-13 * scale**2
    assert relative(prediction.threshold, mp.sqrt(v) * c) < 1e-12


@given(st.sampled_from(SELECTIVE), st.data())
def test_the_direction_of_the_probe_does_not_matter(rule, data):
    """Only |delta| enters least squares: turn delta by any angle."""
    problem = data.draw(problems(scores.EL2N, rule))
    delta = np.hypot(*map(float, oracles.offset(problem)))
    signal = float(problem.model.signal) + delta
    turned = example_problem(
        rule=rule,
        angle=0.0,
        norm=signal - delta,
        signal=signal,
        noise_std=float(problem.model.noise_std),
        fraction=float(problem.rule.fraction),
    )
    actual, expected = (nfl.predict(p, _REGIME) for p in (turned, problem))
    assert relative(actual.excess_risk, float(expected.excess_risk)) < 1e-9
    sizes = [float(p.finite_size) for p in (actual, expected)]
    exact = oracles.el2n(problem, _REGIME.dim)
    assert abs(sizes[0] - sizes[1]) <= 1e-9 * float(exact.finite_size.size)


@given(log_uniform(1e-8, 0.9), log_uniform(0.1, 10.0), log_uniform(0.1, 10.0))
def test_a_tuned_penalty_hides_the_bias_of_a_null_probe(fraction, signal, noise_std):
    """With w_p = 0 and keep-hardest, penalty = (kappa - 1) sigma^2 / v gives w = w0 exactly."""
    kappa = oracles.slab(fraction, outside=True)[1]
    penalty = float((kappa - 1) * noise_std**2 / (signal**2 + noise_std**2))
    tuned, plain = (
        nfl.predict(
            example_problem(
                norm=0.0, signal=signal, noise_std=noise_std, fraction=fraction, penalty=value
            ),
            _REGIME,
        ).excess_risk
        for value in (penalty, 0.0)
    )
    assert float(tuned) < 1e-24 * signal**2
    assert float(plain) > 1e-6 * signal**2 * min(1.0, float(kappa - 1) ** 2 * noise_std**4)


def test_keeping_everything_is_least_squares():
    for rule in (KeepHardest, KeepEasiest):
        prediction = nfl.predict(example_problem(rule=rule, fraction=1.0), _REGIME)
        assert float(prediction.excess_risk) == 0.0
        assert float(prediction.finite_size) == pytest.approx(0.49 * 5, rel=1e-12)
