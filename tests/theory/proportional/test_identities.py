"""What must be equal, and what must not matter: symmetries, limits and scores that are one."""

import math
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nfl_sim as nfl
from nfl_sim.learners import Ridge
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import EL2N, GraNd, Leverage, Loss, Margin, PointwiseScore, Uncertainty, Uniform
from tests.strategies import log_uniform
from tests.theory.proportional.problems import at, kept_law, logistic, perceptron, student
from tests.theory.shapes import unrecognised, with_score

few = settings(max_examples=7)
_ANGLES = st.floats(0.05, math.pi - 0.05)
_FRACTIONS = st.floats(0.03, 0.97)
_RATIOS = log_uniform(0.2, 200.0)
_RULES = st.sampled_from((KeepHardest, KeepEasiest))
both_rules = pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest])


def _error(problem, ratio):
    return float(at(problem, ratio).error)


@both_rules
def test_small_angles_matter_to_second_order(rule):
    """Error and margin are even in the angle; (f(t) - f(0)) / t^2 settles."""
    base = at(perceptron(rule, angle=0.0, fraction=0.3), 10.0)
    for name in ("error", "margin"):
        curvature = []
        for angle in (0.04, 0.02, 0.01):
            moved = at(perceptron(rule, angle=angle, fraction=0.3), 10.0)
            curvature.append(float(getattr(moved, name) - getattr(base, name)) / angle**2)
        assert abs(curvature[2] - curvature[1]) < 0.4 * abs(curvature[1] - curvature[0]) + 1e-4
        assert abs(curvature[2]) < 1e3 * abs(float(getattr(base, name)))
    tiny = at(perceptron(rule, angle=1e-3, fraction=0.3), 10.0)
    assert abs(float(tiny.error - base.error)) < 1e-6


@few
@given(angle=_ANGLES, ratio=log_uniform(0.3, 30.0), rule=_RULES)
def test_keeping_everything_is_random(angle, ratio, rule):
    everything = at(perceptron(rule, angle=angle, fraction=1.0), ratio)
    chance = at(perceptron(KeepRandom, angle=angle, fraction=1.0), ratio)
    np.testing.assert_allclose(student(everything), student(chance), atol=1e-8)
    nearly = at(perceptron(rule, angle=angle, fraction=1.0 - 1e-7), ratio)
    np.testing.assert_allclose(student(nearly), student(chance), atol=1e-5)


@few
@given(angle=st.floats(-math.pi, math.pi), fraction=_FRACTIONS, ratio=_RATIOS)
def test_random_pruning_knows_no_probe_and_its_fraction_only_as_sample_size(angle, fraction, ratio):
    found = at(perceptron(KeepRandom, angle=angle, fraction=fraction), ratio)
    whole = at(perceptron(KeepRandom, angle=0.0, fraction=1.0), ratio * fraction)
    np.testing.assert_allclose(student(found), student(whole), rtol=1e-9, atol=1e-12)
    overlap = float(found.parallel) * math.cos(angle)
    assert float(found.probe_overlap) == pytest.approx(overlap, abs=1e-14)
    assert abs(float(found.orthogonal)) < 1e-14
    assert float(found.margin) == pytest.approx(float(whole.margin), rel=1e-9)
    assert math.isnan(float(found.threshold))


@few
@given(angle=_ANGLES, fraction=_FRACTIONS, ratio=_RATIOS, rule=_RULES)
def test_symmetries_of_a_score_without_labels(angle, fraction, ratio, rule):
    """The probe may be reflected in the teacher, or turned round."""
    found = at(perceptron(rule, angle=angle, fraction=fraction), ratio)
    for other, sign in ((-angle, -1.0), (angle - math.pi, 1.0), (math.pi - angle, -1.0)):
        twin = at(perceptron(rule, angle=other, fraction=fraction), ratio)
        expected = student(found) * [1.0, sign, 1.0]
        np.testing.assert_allclose(student(twin), expected, rtol=1e-7, atol=1e-8)


@few
@given(angle=_ANGLES, fraction=st.floats(0.1, 0.9), ratio=_RATIOS)
def test_hard_at_an_angle_is_easy_at_its_supplement(angle, fraction, ratio):
    """z -> -z: a score that sees the label, turned round with its probe."""
    hard = at(logistic(KeepHardest, angle=angle, fraction=fraction), ratio)
    easy = at(logistic(KeepEasiest, angle=math.pi - angle, fraction=fraction), ratio)
    turned = at(logistic(KeepEasiest, angle=angle - math.pi, fraction=fraction), ratio)
    mirrored = student(easy) * [1.0, -1.0, 1.0]
    np.testing.assert_allclose(student(hard), mirrored, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(student(hard), student(turned), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("rule", "others"),
    [(KeepHardest, ((Loss, 0.3), (EL2N, 5.0))), (KeepEasiest, ((Margin, 2.0), (GraNd, 1.0)))],
)
def test_scores_that_order_the_samples_alike(rule, others):
    reference = at(logistic(rule, EL2N), 4.0)
    for score, norm in others:
        found = at(logistic(rule, score, norm=norm), 4.0)
        np.testing.assert_allclose(student(found), student(reference), rtol=1e-10, atol=1e-12)
    assert math.isnan(float(at(logistic(rule, GraNd), 4.0).threshold))


def test_scores_that_do_not_order_the_samples():
    chance = at(logistic(KeepRandom), 4.0)
    null = nfl.Probe(0.4, 0.0)
    for score in (Leverage(), Uniform(), EL2N(null), Uncertainty(null)):
        found = at(with_score(logistic(KeepHardest), score), 4.0)
        np.testing.assert_allclose(student(found), student(chance), rtol=1e-12)


@both_rules
def test_a_null_probe_is_random_also_where_capacity_counts(rule):
    problem = logistic(rule, EL2N, norm=0.0, fraction=0.5)
    expected = nfl.separability_ratio(logistic(KeepRandom, fraction=0.5))
    assert float(nfl.separability_ratio(problem)) == float(expected)


LEARNER = {"learner": Ridge(0.1)}
OWN = [
    (logistic, Margin, KeepHardest, {"flip_probability": 0.1, **LEARNER}),
    (perceptron, Uncertainty, KeepHardest, {"angle": -0.3, **LEARNER}),
    (perceptron, Uncertainty, KeepEasiest, {}),
]


@pytest.mark.parametrize(("build", "score", "rule", "numbers"), OWN)
def test_scores_of_the_users_own(build, score, rule, numbers):
    problem = build(rule, score, **numbers)
    mine = with_score(problem, unrecognised(score)(problem.score.probe))
    known, own = at(problem, 4.0), at(mine, 4.0)
    np.testing.assert_allclose(student(own), student(known), rtol=1e-8, atol=1e-9)
    assert float(own.threshold) == pytest.approx(float(known.threshold), rel=1e-8)


class Rightwards(PointwiseScore):
    """The probe's opinion itself: of the two labels one is kept hard, the other easy."""

    sees: ClassVar = frozenset({"probe_margin"})
    probe: nfl.Probe

    def __call__(self, view):
        return view.probe_margin


class Lopsided(PointwiseScore):
    """Hard on positive labels, indifferent to small margins of negative ones."""

    sees: ClassVar = frozenset({"probe_margin", "label"})
    probe: nfl.Probe

    def __call__(self, view):
        positive = 0.5 * (1.0 + view.label)
        margin = view.probe_margin
        return -margin * positive + (1.0 - positive) * (margin**2 - 1.0)


@pytest.mark.parametrize(
    ("build", "score", "rule"),
    [(logistic, Rightwards, KeepHardest), (perceptron, Lopsided, KeepEasiest)],
)
def test_rules_that_treat_labels_differently_act_through_their_mean(score, build, rule):
    """Moments of z = y x in the plane of the kept samples, by brute force."""
    problem = build(rule, score, fraction=0.3, flip_probability=0.1, angle=0.7, **LEARNER)
    kept = kept_law(problem)
    assert bool(kept.converged)
    mean, second = map(np.asarray, kept.fine.plane_moments())
    rng, n = np.random.default_rng(3), 2_000_000
    x, cos, sin = rng.normal(size=(2, n)), *np.asarray(problem.score.probe.direction)
    if build is perceptron:
        y = np.where(x[0] > 0, 1.0, -1.0) * np.where(rng.random(n) < 0.1, -1.0, 1.0)
    else:
        chance = 0.1 + 0.8 / (1.0 + np.exp(-float(problem.model.signal) * x[0]))
        y = np.where(rng.random(n) < chance, 1.0, -1.0)
    view = {"probe_margin": jnp.asarray(cos * x[0] + sin * x[1]), "label": jnp.asarray(y)}
    view = {name: view[name] for name in problem.score.sees}
    order = np.argsort(np.asarray(problem.rule.priority(problem.score(nfl.scores.View(view)))))
    chosen = order[-int(0.3 * n) :]
    G = y[chosen] * np.stack([cos * x[0] + sin * x[1], sin * x[0] - cos * x[1]])[:, chosen]
    spread = 6.0 / math.sqrt(len(chosen))  # six standard errors of unit variables
    np.testing.assert_allclose(mean, G.mean(axis=1), atol=spread)
    np.testing.assert_allclose(second, G @ G.T / len(chosen), atol=4.0 * spread)
    level = float(problem.score(nfl.scores.View({k: v[chosen[0]] for k, v in view.items()})))
    assert float(at(problem, 3.0).threshold) == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize("score", [Margin, Uncertainty])
@pytest.mark.parametrize("build", [perceptron, logistic])
def test_what_is_kept_and_what_is_not_are_the_whole(score, build):
    """r E_hard[G] + (1 - r) E_easy[G] = E[G], and so for the second moments."""
    numbers = {"angle": 0.7, **LEARNER}
    parts = [
        [r * np.asarray(moment) for moment in kept_law(problem).fine.plane_moments()]
        for r, problem in (
            (0.3, build(KeepHardest, score, fraction=0.3, **numbers)),
            (0.7, build(KeepEasiest, score, fraction=0.7, **numbers)),
        )
    ]
    whole = kept_law(build(KeepHardest, score, fraction=1.0, **numbers)).fine.plane_moments()
    for first, second, total in zip(*parts, whole, strict=True):
        np.testing.assert_allclose(first + second, total, atol=1e-9)


class Rounded(PointwiseScore):
    """Takes few values: no level keeps a given fraction."""

    sees: ClassVar = frozenset({"probe_margin"})
    probe: nfl.Probe

    def __call__(self, view):
        return jnp.round(view.probe_margin)


def test_a_level_that_keeps_another_fraction_is_no_answer():
    problem = perceptron(KeepHardest, Rounded, **LEARNER)
    found = nfl.predict(problem, nfl.Proportional(4.0))
    assert not bool(found.converged)
    assert math.isnan(float(found.error))
