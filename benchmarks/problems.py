"""The problems that are timed."""

import nfl_sim as nfl

REGIME = nfl.FixedDimension(10)
SCORES = {"EL2N": nfl.scores.EL2N, "GraNd": nfl.scores.GraNd}


def problem(score: str = "EL2N", fraction: float = 0.1) -> nfl.Problem:
    return nfl.Problem(
        model=nfl.models.Linear(signal=1.0, noise_std=1.0),
        score=SCORES[score](nfl.Probe(angle=0.6, norm=1.0)),
        rule=nfl.pruning.KeepHardest(fraction),
        learner=nfl.learners.Ridge(0.0),
    )


def logistic_problem(score: str = "EL2N", fraction: float = 0.6) -> nfl.Problem:
    return nfl.Problem(
        model=nfl.models.Logistic(signal=1.0),
        score=SCORES[score](nfl.Probe(angle=0.6, norm=1.0)),
        rule=nfl.pruning.KeepHardest(fraction),
        learner=nfl.learners.LogisticRegression(0.0),
    )


CASES = {
    f"{model}-{score}": make(score)
    for model, make in (("linear", problem), ("logistic", logistic_problem))
    for score in SCORES
}
