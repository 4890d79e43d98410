"""Problems in high dimension, and the numbers that are read off their predictions."""

import numpy as np

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores
from nfl_sim.theory.proportional.kept import keep
from tests.theory.shapes import hasty_jit

STUDENT = ("parallel", "orthogonal", "norm")


def perceptron(
    rule=pruning.KeepHardest,
    score=scores.Uncertainty,
    *,
    learner=None,
    angle=0.4,
    fraction=0.4,
    flip_probability=0.0,
):
    """One problem of a sign teacher; the widest margin unless told otherwise."""
    return nfl.Problem(
        models.Perceptron(flip_probability),
        score(nfl.Probe(angle, 1.0)),
        rule(fraction),
        learners.MaxMargin() if learner is None else learner,
    )


def logistic(
    rule=pruning.KeepHardest,
    score=scores.EL2N,
    *,
    learner=None,
    angle=0.4,
    norm=1.0,
    fraction=0.7,
    signal=1.5,
    flip_probability=0.0,
    penalty=0.05,
):
    """One problem of a logistic teacher; penalised logistic regression unless told otherwise."""
    return nfl.Problem(
        models.Logistic(signal, flip_probability),
        score(nfl.Probe(angle, norm)),
        rule(fraction),
        learners.LogisticRegression(penalty) if learner is None else learner,
    )


def at(problem, ratio):
    """The prediction at n/d = ``ratio``, which must have converged."""
    found = nfl.predict(problem, nfl.Proportional(ratio))
    assert bool(found.converged), (problem, ratio)
    return found


# The law of the kept samples on 8 and 5 nodes a panel.
kept_law = hasty_jit(lambda problem: keep(problem, 8, 5, 0.25))


def student(found):
    """Its components, and its length."""
    return np.array([float(getattr(found, name)) for name in STUDENT])
