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
from tests.specs.discovery import build, contradiction, of_kind

SCORES = of_kind(PointwiseScore)
every_score = pytest.mark.parametrize("cls", SCORES, ids=lambda c: c.__name__)
PROBE = nfl.Probe(angle=0.6, norm=2.0)
LINEAR, LOGISTIC = nfl.models.Linear(1.0, 1.0), nfl.models.Logistic(1.0)
# labels, and residual and loss of a margin under a label, in numpy
SIGNS = jnp.sign(LABELS)
LAWS = {
    "Linear": (LABELS, lambda y, m: (y - m, (y - m) ** 2 / 2)),
    "Logistic": (SIGNS, lambda y, m: (y / (1 + np.exp(y * m)), np.log1p(np.exp(-y * m)))),
}
every_model = pytest.mark.parametrize("model", [LINEAR, LOGISTIC], ids=LAWS)


def scored(score, model):
    problem = nfl.Problem(model, score, nfl.pruning.KeepHardest(0.5), nfl.learners.Ridge(0.0))
    return nfl.score(jax.random.key(0), problem, ROWS, LAWS[type(model).__name__][0])


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
    assert (build(cls).probe is None) == build(cls).needs.isdisjoint(
        {"residual", "loss", "probe_margin"}
    )


@every_score
@every_model
def test_the_score_step_shows_only_what_is_declared(cls, model):
    """The step and the score by hand agree; the data beyond the declared features is unseen."""
    score = build(cls)
    found = scored(score, model)
    assert found.shape == LABELS.shape
    shown = {name: features(score, model)[name] for name in score.sees}
    expected = np.broadcast_to(score(View(shown)), LABELS.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def features(score, model):
    """The features of ROWS and the model's labels, in numpy."""
    labels, formula = LAWS[type(model).__name__]
    x, y = np.asarray(ROWS), np.asarray(labels)
    known = {"norm": np.linalg.norm(x, axis=1), "label": y, "covariates": x}
    if score.probe is not None:
        angle, norm = float(score.probe.angle), float(score.probe.norm)
        margin = x[:, :2] @ (norm * np.array([np.cos(angle), np.sin(angle)]))
        residual, loss = formula(y, margin)
        known |= {"probe_margin": margin, "residual": residual, "loss": loss}
        size = abs(residual) * np.linalg.norm(x, axis=1)
        known["influence"] = size if model is LINEAR else metric(margin / norm, x, residual, norm)
    return {name: jnp.asarray(value) for name, value in known.items()}


def metric(along, x, residual, norm):
    """|H^(-1/2) x residual|, H by a plain sum over a normal margin."""
    grid = np.linspace(-12.0, 12.0, 20001)
    density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi) * (grid[1] - grid[0])
    curvature = 1.0 / (4.0 * np.cosh(norm * grid / 2) ** 2)
    first, second = np.sum(density * curvature * grid**2), np.sum(density * curvature)
    across = np.sum(x**2, axis=1) - along**2
    return abs(residual) * np.sqrt(along**2 / first + across / second)


FORMULAS = {
    scores.Influence: lambda f: f["influence"],
    scores.EL2N: lambda f: abs(f["residual"]),
    scores.GraNd: lambda f: abs(f["residual"]) * f["norm"],
    scores.Loss: lambda f: f["loss"],
    scores.Margin: lambda f: -f["label"] * f["probe_margin"],
    scores.Uncertainty: lambda f: -abs(f["probe_margin"]),
    scores.Leverage: lambda f: f["norm"],
    scores.RowScore: lambda f: -f["label"] * (f["covariates"][:, 0] + 0.5 * f["covariates"][:, 1]),
    scores.Uniform: lambda f: 0.0 * f["norm"],
}


@every_score
@every_model
def test_formula(cls, model):
    score = build(cls)
    expected = FORMULAS[cls](features(score, model))
    np.testing.assert_allclose(scored(score, model), expected, rtol=1e-12)


def test_on_signs_three_scores_order_alike():
    """EL2N, loss and margin are increasing functions of one another."""
    one, *others = (
        scored(cls(PROBE), LOGISTIC) for cls in (scores.EL2N, scores.Loss, scores.Margin)
    )
    for other in others:
        np.testing.assert_array_equal(jnp.argsort(one), jnp.argsort(other))
    assert not np.array_equal(
        *(jnp.argsort(scored(c(PROBE), LINEAR)) for c in (scores.Loss, scores.Margin))
    )


HARDER = [
    # what makes a sample harder: (score, feature, easy value, hard value)
    (scores.EL2N(PROBE), "residual", 0.5, 1.0),
    (scores.EL2N(PROBE), "residual", 0.5, -1.0),
    (scores.GraNd(PROBE), "residual", 0.5, -1.0),
    (scores.GraNd(PROBE), "norm", 0.5, 1.0),
    (scores.Loss(PROBE), "loss", 0.5, 1.0),
    (scores.Margin(PROBE), "probe_margin", 1.0, 0.5),
    (scores.Margin(PROBE), "label", 1.0, -1.0),
    (scores.Uncertainty(PROBE), "probe_margin", 1.0, 0.5),
    (scores.Uncertainty(PROBE), "probe_margin", 1.0, -0.5),
    (scores.Leverage(), "norm", 0.5, 1.0),
    (scores.Influence(PROBE), "influence", 0.5, 1.0),
    (scores.RowScore(contradiction), "label", 0.5, -0.5),
]


@pytest.mark.parametrize(("score", "feature", "easy", "hard"), HARDER)
def test_larger_is_harder(score, feature, easy, hard):
    rest = {n: jnp.full((2,) if n == "covariates" else (), 0.7) for n in score.sees}
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
        scored(Sneaky(), LINEAR)
