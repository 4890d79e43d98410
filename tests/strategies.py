"""The grammar of valid problems: tables of shapes to parametrize over, strategies of values.

A new score, rule or learner is one line in a table here.
"""

import math
from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from nfl_sim import Problem, learners, models, pruning, scores
from nfl_sim.pruning import PointwiseRule
from nfl_sim.scores import PointwiseScore, Probe

Teacher = models.Linear | models.Logistic

SCORES: Mapping[type[PointwiseScore], Callable[[Probe], PointwiseScore]] = {
    scores.EL2N: scores.EL2N,
    scores.GraNd: scores.GraNd,
    scores.Leverage: lambda probe: scores.Leverage(),
    scores.Loss: scores.Loss,
    scores.Margin: scores.Margin,
    scores.Uncertainty: scores.Uncertainty,
    scores.Uniform: lambda probe: scores.Uniform(),
}
SELECTIVE: tuple[type[PointwiseRule], ...] = (pruning.KeepHardest, pruning.KeepEasiest)
RULES: tuple[type[PointwiseRule], ...] = (*SELECTIVE, pruning.KeepRandom)


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of every order of magnitude between two positive ends."""

    def back(exponent: float) -> float:
        return min(max(math.exp(exponent), low), high)

    return st.floats(math.log(low), math.log(high)).map(back)


def fractions(closest: float = 1e-8) -> st.SearchStrategy[float]:
    """Kept fractions within [closest, 1 - closest], as near to 0 as to 1."""
    gaps = log_uniform(closest, 0.5)
    return gaps | gaps.map(lambda gap: 1.0 - gap)


def penalties() -> st.SearchStrategy[float]:
    """Least squares, or a ridge penalty."""
    return st.just(0.0) | log_uniform(1e-3, 10.0)


def linear_models(spread: float = 10.0) -> st.SearchStrategy[models.Linear]:
    """Signals and noises between 1/spread and spread."""
    sizes = log_uniform(1.0 / spread, spread)
    return st.builds(models.Linear, signal=sizes, noise_std=sizes)


def logistic_models(strongest: float = 8.0) -> st.SearchStrategy[models.Logistic]:
    """Signals from none to ``strongest``; labels clean, or flipped with any probability <= 0.4."""
    signals = st.just(0.0) | log_uniform(0.1, strongest)
    flips = st.just(0.0) | st.floats(0.0, 0.4)
    return st.builds(models.Logistic, signal=signals, flip_probability=flips)


def angles() -> st.SearchStrategy[float]:
    """Angles to the teacher on a grid, so that a probe is on its line or clearly off it."""
    return st.integers(-999, 1000).map(lambda k: math.pi * k / 1000)


@st.composite
def probes(draw, model: Teacher, *, dim: int = 2, spread: float = 10.0) -> Probe:
    """The perfect probe, one on the teacher's line, or (dim >= 2) any other."""
    kind = draw(st.sampled_from(("perfect", "collinear", "generic")))
    if kind == "perfect":
        return Probe(angle=0.0, norm=model.signal)
    line = st.sampled_from((0.0, math.pi))
    angle = draw(line if kind == "collinear" or dim == 1 else angles())
    return Probe(angle=angle, norm=draw(st.just(0.0) | log_uniform(1.0 / spread, spread)))


@st.composite
def problems(
    draw,
    score: type[PointwiseScore],
    rule: type[PointwiseRule],
    *,
    dim: int = 2,
    spread: float = 10.0,
    fraction: st.SearchStrategy[float] | None = None,
    penalty: st.SearchStrategy[float] | None = None,
) -> Problem:
    """Valid problems of one shape; least squares and every fraction unless told otherwise."""
    model = draw(linear_models(spread))
    return Problem(
        model=model,
        score=SCORES[score](draw(probes(model, dim=dim, spread=spread))),
        rule=rule(draw(fractions() if fraction is None else fraction)),
        learner=learners.Ridge(0.0 if penalty is None else draw(penalty)),
    )


@st.composite
def logistic_problems(
    draw,
    score: type[PointwiseScore],
    rule: type[PointwiseRule],
    *,
    dim: int = 2,
    strongest: float = 8.0,
    fraction: st.SearchStrategy[float] | None = None,
    penalty: st.SearchStrategy[float] | None = None,
) -> Problem:
    """Valid problems of one shape; no penalty and fractions from 1 % to 99 % unless told so."""
    model = draw(logistic_models(strongest))
    return Problem(
        model=model,
        score=SCORES[score](draw(probes(model, dim=dim))),
        rule=rule(draw(fractions(closest=0.01) if fraction is None else fraction)),
        learner=learners.LogisticRegression(0.0 if penalty is None else draw(penalty)),
    )


def example_problem(
    score: type[PointwiseScore] = scores.EL2N,
    rule: type[PointwiseRule] = pruning.KeepHardest,
    *,
    angle: float = 0.6,
    norm: float = 0.8,
    fraction: float = 0.3,
    penalty: float = 0.0,
    signal: float = 1.0,
    noise_std: float = 0.7,
) -> Problem:
    """One ordinary problem of a shape."""
    return Problem(
        model=models.Linear(signal, noise_std),
        score=SCORES[score](Probe(angle, norm)),
        rule=rule(fraction),
        learner=learners.Ridge(penalty),
    )


def example_logistic_problem(
    score: type[PointwiseScore] = scores.EL2N,
    rule: type[PointwiseRule] = pruning.KeepHardest,
    *,
    angle: float = 0.6,
    norm: float = 0.8,
    fraction: float = 0.7,
    penalty: float = 0.0,
    signal: float = 1.0,
    flip_probability: float = 0.0,
) -> Problem:
    """One ordinary problem of a shape."""
    return Problem(
        model=models.Logistic(signal, flip_probability),
        score=SCORES[score](Probe(angle, norm)),
        rule=rule(fraction),
        learner=learners.LogisticRegression(penalty),
    )


def example_perceptron_problem(
    score: type[PointwiseScore] = scores.Uncertainty,
    rule: type[PointwiseRule] = pruning.KeepHardest,
    *,
    learner: learners.Learner | None = None,
    angle: float = 0.4,
    fraction: float = 0.5,
    flip_probability: float = 0.0,
) -> Problem:
    """One ordinary problem of a shape; of maximum margin unless told otherwise."""
    return Problem(
        model=models.Perceptron(flip_probability),
        score=SCORES[score](Probe(angle, 1.0)),
        rule=rule(fraction),
        learner=learners.MaxMargin() if learner is None else learner,
    )
