"""What is proved of the logistic model, as properties of its predictions.

Signals stay below 2, so that all draws share the compilations of three kinds of law.
"""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, Leverage, Loss, Margin, Uncertainty
from nfl_sim.theory.logistic.laws import kept_law, resolutions
from nfl_sim.theory.logistic.solution import kept_level
from tests.strategies import example_logistic_problem, log_uniform, logistic_problems

STRONGEST = 2.0
REGIME = nfl.FixedDimension(3)
_ANGLES = st.floats(0.0, math.pi)
_SIGNALS = log_uniform(0.2, STRONGEST)
_INSIDE = st.floats(0.02, 0.98)
_RULES = st.sampled_from((KeepHardest, KeepEasiest))
few = settings(max_examples=25)
fewer = settings(max_examples=6)  # a search takes 40 predictions


def _numbers(**others):
    """Signal, angle and norm of a clean problem, and more."""
    numbers = {"signal": _SIGNALS, "angle": _ANGLES, "norm": log_uniform(0.2, 5.0), **others}
    return st.fixed_dictionaries(numbers)


def _at(problem, fraction):
    return eqx.tree_at(lambda p: p.rule.fraction, problem, jnp.asarray(fraction, jnp.float64))


@eqx.filter_jit
def _diagnose(model, weights):
    return model.diagnostics(weights)


def _student(prediction):
    return np.array([prediction.parallel, prediction.orthogonal])


@few
@given(numbers=_numbers(fraction=_INSIDE, penalty=st.sampled_from((0.0, 0.2))), rule=_RULES)
def test_el2n_loss_and_margin_make_one_student_at_every_probe_norm(numbers, rule):
    reference = nfl.predict(example_logistic_problem(EL2N, rule, **numbers), REGIME)
    for score, norm in ((Loss, numbers["norm"]), (Margin, 3.0 * numbers["norm"])):
        problem = example_logistic_problem(score, rule, **{**numbers, "norm": norm})
        prediction = nfl.predict(problem, REGIME)
        np.testing.assert_allclose(_student(prediction), _student(reference), rtol=1e-12)
        assert bool(prediction.exists) == bool(reference.exists)


@few
@given(numbers=_numbers(fraction=_INSIDE), rule=_RULES)
def test_uncertainty_is_valid_at_every_fraction(numbers, rule):
    prediction = nfl.predict(example_logistic_problem(Uncertainty, rule, **numbers), REGIME)
    np.testing.assert_allclose(_student(prediction), [numbers["signal"], 0.0], atol=1e-8)
    assert float(prediction.excess_risk) < 1e-14


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])
def test_leverage_is_valid_at_every_fraction(rule):
    for fraction in (0.05, 0.4, 0.95):
        problem = example_logistic_problem(Leverage, rule, fraction=fraction, signal=1.7)
        np.testing.assert_allclose(_student(nfl.predict(problem, REGIME)), [1.7, 0.0], atol=1e-8)


@few
@given(numbers=_numbers(fraction=st.floats(0.05, 0.95)), rule=_RULES)
def test_no_free_lunch_is_sharp(numbers, rule):
    prediction = nfl.predict(example_logistic_problem(EL2N, rule, **numbers), REGIME)
    assert float(prediction.excess_risk) > 0.0


@few
@given(numbers=_numbers(fraction=_INSIDE))
def test_the_pull_at_the_teacher_points_along_the_probe(numbers):
    """u_p.G > 0 for the hardest and < 0 for the easiest, and G_hard(r) = -G_easy(1 - r)."""
    hard = example_logistic_problem(EL2N, KeepHardest, **numbers)
    mirrored = {**numbers, "fraction": 1.0 - numbers["fraction"]}
    easy = example_logistic_problem(EL2N, KeepEasiest, **mirrored)
    first, second = _pull(hard), _pull(easy)
    direction = np.asarray(hard.score.probe.direction)
    assert first @ direction > 0.0 > second @ direction
    np.testing.assert_allclose(first, -second, atol=1e-10)


@eqx.filter_jit
def _gradient_at_teacher(law, fraction):
    fine, coarse = resolutions(law, 1)
    nodes = law.nodes(kept_level(law, fraction, fine, coarse), fine)
    teacher = law.model.signal * law.axes[:, 0]
    margin = teacher[0] * nodes.first + teacher[1] * nodes.second
    loss = -nodes.mass / (1.0 + jnp.exp(margin))
    return jnp.stack([jnp.sum(loss * nodes.first), jnp.sum(loss * nodes.second)]) @ law.axes


def _pull(problem):
    """G = E[grad l(w0) 1{kept}]."""
    return np.asarray(_gradient_at_teacher(kept_law(problem, 3).law, problem.rule.fraction))


@few
@given(numbers=_numbers(fraction=_INSIDE))
def test_hard_is_easy_with_the_probe_reflected(numbers):
    hard = nfl.predict(example_logistic_problem(EL2N, KeepHardest, **numbers), REGIME)
    other = {**numbers, "angle": math.pi - numbers["angle"]}
    easy = nfl.predict(example_logistic_problem(EL2N, KeepEasiest, **other), REGIME)
    assume(bool(hard.exists))
    np.testing.assert_allclose(_student(hard) * [1.0, -1.0], _student(easy), rtol=1e-7, atol=1e-9)


@few
@given(numbers=_numbers(flip_probability=st.floats(0.0, 0.3)), rule=_RULES)
def test_existence_ends_at_the_error_of_the_probe(numbers, rule):
    problem = example_logistic_problem(EL2N, rule, **numbers)
    border = float(nfl.separability_fraction(problem, REGIME))
    probe = _diagnose(problem.model, problem.score.probe.direction)
    error = float(probe["noisy_error"])
    assert abs(border - (error if rule is KeepHardest else 1.0 - error)) < 1e-12
    below = nfl.predict(_at(problem, 0.999 * border), REGIME)
    above = nfl.predict(_at(problem, border + 0.01 * (1.0 - border)), REGIME)
    assert bool(above.exists)
    assert not bool(below.exists)
    clean = float(probe["error"])
    expected = 1.0 - clean if rule is KeepHardest else clean
    assert abs(float(below.error) - expected) < 1e-10
    assert np.isinf(float(below.norm))
    assert np.isnan(float(below.finite_size))


@few
@given(signal=_SIGNALS, fraction=_INSIDE, penalty=st.sampled_from((0.0, 0.1)))
def test_a_collinear_probe_leaves_three_errors_only(signal, fraction, penalty):
    numbers = {"signal": signal, "angle": 0.0, "fraction": fraction, "penalty": penalty}
    hard = nfl.predict(example_logistic_problem(EL2N, KeepHardest, **numbers), REGIME)
    easy = nfl.predict(example_logistic_problem(EL2N, KeepEasiest, **numbers), REGIME)
    least = float(hard.error - hard.excess_error)
    assert min(abs(float(hard.error) - e) for e in (least, 0.5, 1.0 - least)) < 1e-10
    assert abs(float(easy.error) - least) < 1e-10


@fewer
@given(signal=_SIGNALS, penalty=st.sampled_from((0.05, 0.5)))
def test_a_collinear_probe_flips_at_one_fraction_whatever_the_penalty(signal, penalty):
    free, ridge = (
        example_logistic_problem(EL2N, KeepHardest, signal=signal, angle=0.0, penalty=p)
        for p in (0.0, penalty)
    )
    flip = float(nfl.flip_fraction(free, REGIME))
    assert abs(flip - float(nfl.flip_fraction(ridge, REGIME))) < 1e-9
    below, above = (nfl.predict(_at(free, flip + gap), REGIME) for gap in (-1e-3, 1e-3))
    assert float(below.parallel) < 0.0 < float(above.parallel)


@few
@given(signal=_SIGNALS, gaps=st.tuples(_INSIDE, _INSIDE), rule=_RULES)
def test_a_collinear_student_is_monotone_in_the_fraction(signal, gaps, rule):
    problem = example_logistic_problem(EL2N, rule, signal=signal, angle=0.0)
    border = float(nfl.separability_fraction(problem, REGIME))
    low, high = sorted(border + (1.0 - border) * gap for gap in gaps)
    assume(high - low > 1e-3)
    first, second = (float(nfl.predict(_at(problem, r), REGIME).parallel) for r in (low, high))
    assert (first < second) if rule is KeepHardest else (first > second)


@fewer
@given(signal=_SIGNALS, angle=st.floats(0.0, 1.4))
def test_the_student_flips_between_separability_and_one(signal, angle):
    problem = example_logistic_problem(EL2N, KeepHardest, signal=signal, angle=angle)
    flip = float(nfl.flip_fraction(problem, REGIME))
    assert float(nfl.separability_fraction(problem, REGIME)) < flip < 1.0
    prediction = nfl.predict(_at(problem, flip), REGIME)
    assert abs(float(prediction.parallel)) < 1e-9


@few
@given(
    weights=st.tuples(st.floats(-5.0, 5.0), st.floats(-5.0, 5.0)),
    signal=_SIGNALS,
)
def test_error_is_odd_about_one_half(weights, signal):
    assume(np.hypot(*weights) > 1e-3)
    model = nfl.models.Logistic(signal)
    error, other = (float(_diagnose(model, s * jnp.array(weights))["error"]) for s in (1.0, -1.0))
    assert abs(error + other - 1.0) < 1e-12
    assert (error <= 0.5) == (weights[0] >= 0.0) or abs(weights[0]) < 1e-12


@few
@given(problem=logistic_problems(EL2N, KeepHardest, strongest=STRONGEST), step=st.just(1e-5))
def test_the_random_threshold_adds_rank_one(problem, step):
    """V_topk - V_fixed = r (1 - r) w' w'^T in the covariance, w' by differences."""
    problem = _at(problem, 0.9)
    assume(float(problem.model.signal) > 0.1 and float(problem.score.probe.norm) > 0.0)
    low, here, high = (nfl.predict(_at(problem, 0.9 + k * step), REGIME) for k in (-1, 0, 1))
    slope = (_student(high) - _student(low)) / (2 * step)
    fixed = np.array(here.covariance)[:2, :2] - 0.9 * 0.1 * np.outer(slope, slope)
    assert np.linalg.eigvalsh(fixed)[0] > 0.0
    assert np.linalg.eigvalsh(np.array(here.covariance))[0] > 0.0


@few
@given(signal=st.floats(0.0, STRONGEST), fraction=st.floats(0.01, 1.0))
def test_random_pruning_costs_half_the_dimension(signal, fraction):
    problem = example_logistic_problem(
        EL2N, KeepRandom, angle=0.0, signal=signal, fraction=fraction
    )
    for dim in (1, 2, 10):
        prediction = nfl.predict(problem, nfl.FixedDimension(dim))
        assert abs(float(prediction.finite_size) * 2.0 * fraction / dim - 1.0) < 1e-9
        assert float(prediction.excess_risk) < 1e-14
