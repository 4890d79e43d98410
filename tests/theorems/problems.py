"""Problems for the theorems: few kinds, so that the tests share their compilations."""

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores

DIM = 3


def linear(score=scores.EL2N, rule=None, *, angle=0.6, norm=1.0, signal=1.0, noise_std=1.0):
    """Least squares pruned by a score of a probe."""
    kept = pruning.KeepHardest(0.3) if rule is None else rule
    model = models.Linear(signal, noise_std)
    return nfl.Problem(model, score(nfl.Probe(angle, norm)), kept, learners.Ridge(0.0))


def logistic(score=scores.EL2N, rule=None, *, angle=0.6, norm=1.0, signal=1.0, flips=0.0):
    """Logistic regression pruned by a score of a probe."""
    kept = pruning.KeepHardest(0.6) if rule is None else rule
    model = models.Logistic(signal, flips)
    learner = learners.LogisticRegression(0.0)
    return nfl.Problem(model, score(nfl.Probe(angle, norm)), kept, learner)
