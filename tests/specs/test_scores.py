"""Scores: larger = harder, and a score sees what it declares and nothing else."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim import scores
from nfl_sim.scores import PointwiseScore, View
from tests.specs.behaviour import FEATURES, LABELS, ROWS, view
from tests.specs.discovery import build, of_kind

SCORES = of_kind(PointwiseScore)
every_score = pytest.mark.parametrize("cls", SCORES, ids=lambda c: c.__name__)
PROBE = nfl.Probe(angle=0.6, norm=2.0)


def problem(score):
    return nfl.Problem(
        model=nfl.models.Linear(signal=1.0, noise_std=1.0),
        score=score,
        rule=nfl.pruning.KeepHardest(0.5),
        learner=nfl.learners.Ridge(0.0),
    )


@every_score
def test_a_score_reads_all_that_it_declares(cls):
    score = build(cls)
    for name in score.sees:
        blind = View({k: FEATURES[k] for k in score.sees - {name}})
        with pytest.raises(ValueError, match=rf"reads '{name}'.*add '{name}' to its `sees`"):
            score(blind)


@every_score
def test_a_score_depends_on_nothing_else(cls):
    score = build(cls)
    everything = View(FEATURES)
    np.testing.assert_array_equal(score(view(score.sees)), score(everything))


@every_score
def test_declarations_are_known_features(cls):
    assert frozenset(FEATURES) >= cls.sees
    assert (build(cls).probe is None) == cls.sees.isdisjoint({"residual", "probe_margin"})


@every_score
def test_the_score_step_shows_only_what_is_declared(cls):
    """The step and the score by hand agree; the data beyond the declared features is unseen."""
    score = build(cls)
    found = nfl.score(jax.random.key(0), problem(score), ROWS, LABELS)
    assert found.shape == LABELS.shape
    shown = {name: features(score)[name] for name in score.sees}
    expected = np.broadcast_to(score(View(shown)), LABELS.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def features(score):
    """The features of ROWS and LABELS, in numpy."""
    x, y = np.asarray(ROWS), np.asarray(LABELS)
    known = {"norm": np.linalg.norm(x, axis=1), "label": y}
    if score.probe is not None:
        angle, norm = float(score.probe.angle), float(score.probe.norm)
        margin = x[:, :2] @ (norm * np.array([np.cos(angle), np.sin(angle)]))
        known |= {"probe_margin": margin, "residual": y - margin}
    return {name: jnp.asarray(value) for name, value in known.items()}


FORMULAS = {
    scores.EL2N: lambda f: abs(f["residual"]),
    scores.GraNd: lambda f: abs(f["residual"]) * f["norm"],
    scores.Uncertainty: lambda f: -abs(f["probe_margin"]),
    scores.Leverage: lambda f: f["norm"],
    scores.Uniform: lambda f: 0.0 * f["norm"],
}


@pytest.mark.parametrize(("cls", "formula"), FORMULAS.items(), ids=lambda c: c.__name__)
def test_formula(cls, formula):
    score = build(cls)
    found = nfl.score(jax.random.key(0), problem(score), ROWS, LABELS)
    np.testing.assert_allclose(found, formula(features(score)), rtol=1e-12)


HARDER = [
    # what makes a sample harder: (score, feature, easy value, hard value)
    (scores.EL2N(PROBE), "residual", 0.5, 1.0),
    (scores.EL2N(PROBE), "residual", 0.5, -1.0),
    (scores.GraNd(PROBE), "residual", 0.5, -1.0),
    (scores.GraNd(PROBE), "norm", 0.5, 1.0),
    (scores.Uncertainty(PROBE), "probe_margin", 1.0, 0.5),
    (scores.Uncertainty(PROBE), "probe_margin", 1.0, -0.5),
    (scores.Leverage(), "norm", 0.5, 1.0),
]


@pytest.mark.parametrize(("score", "feature", "easy", "hard"), HARDER)
def test_larger_is_harder(score, feature, easy, hard):
    rest = {name: jnp.asarray(0.7) for name in score.sees}
    low, high = (score(View(rest | {feature: jnp.asarray(v)})) for v in (easy, hard))
    assert high > low


def test_harder_is_more_for_every_score():
    assert {type(score) for score, *_ in HARDER} | {scores.Uniform} == set(SCORES)


def test_an_undeclared_feature_is_refused_by_name():
    class Sneaky(PointwiseScore):
        sees: ClassVar = frozenset({"norm"})
        probe: ClassVar[None] = None

        def __call__(self, view):
            return view.norm + view.label

    with pytest.raises(ValueError, match=r"reads 'label' but declares to see only \['norm'\]"):
        nfl.score(jax.random.key(0), problem(Sneaky()), ROWS, LABELS)
