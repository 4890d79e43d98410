"""Which draw has the law of the rows, for which problem; and why another has not."""

from nfl_sim.learners import Ridge
from nfl_sim.models import Linear, Logistic, Perceptron
from nfl_sim.problem import Problem
from nfl_sim.pruning import (
    Calibration,
    ExactCalibration,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    PointwiseRule,
    SoftCalibration,
    num_kept,
)
from nfl_sim.scores import EL2N, Leverage, Loss, Margin, Probe, Uncertainty, Uniform
from nfl_sim.simulation.draws._draw import ROWS, Draw, Family, Level, Method
from nfl_sim.simulation.draws._scalars import LEAST_DIM

METHODS: tuple[Method, ...] = ("auto", "rows", "conditional", "sufficient")
_MODELS = (Linear, Logistic, Perceptron)
_RULES = (KeepHardest, KeepEasiest, KeepRandom, ExactCalibration, SoftCalibration)
_RANKING = 6  # what it takes to rank a sample, in random numbers
_QUANTILE = {"signed margin": 12, "radius": 600}  # what a kept sample takes beside its row


def plan(
    problem: Problem,
    dim: int,
    num_samples: int,
    method: Method = "auto",
    *,
    whole: bool = False,
) -> Draw:
    """The draw that a method means for a problem.

    "auto" is the first of "sufficient", "conditional" and "rows" that is exact in law here and
    does not draw more than the next.

    Args:
        problem: concrete.
        dim, num_samples: the sizes.
        method: what is asked for.
        whole: whether a control variate needs the whole sample.

    Raises:
        ValueError: the method is unknown, or not exact in law for this problem.

    References: {eq}`eq-draw-kept`, {eq}`eq-draw-projections`, {eq}`eq-draw-bartlett`,
    {eq}`eq-draw-scalars` in theory_notes/12_fast_draws.md.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}")
    if method == "rows":
        return ROWS
    no_conditional = _why_not_conditional(problem, whole)
    no_sufficient = no_conditional or _why_not_sufficient(problem)
    if method == "conditional" and no_conditional:
        raise ValueError(f"method='conditional' is not exact in law here: {no_conditional}")
    if method == "sufficient" and no_sufficient:
        raise ValueError(f"method='sufficient' is not exact in law here: {no_sufficient}")
    exact = [ROWS]
    if method != "sufficient" and not no_conditional:
        exact.append(_conditional(problem))
    if method != "conditional" and not no_sufficient:
        exact.append(_sufficient(problem, dim, num_samples))
    if method != "auto":
        return exact[-1]
    return min(reversed(exact), key=lambda draw: work(problem, dim, num_samples, draw))


def work(problem: Problem, dim: int, num_samples: int, draw: Draw) -> int:
    """What a replicate takes, in random numbers, to within a small factor."""
    kept, across = num_kept(float(problem.rule.fraction), num_samples), max(dim - 2, 0)
    if draw.level == "rows":
        return num_samples * (dim + 1 + _RANKING)
    if draw.level == "projections":
        return num_samples * (2 * min(dim, 2) + 2 + _RANKING) + kept * across
    if draw.level == "kept":
        return kept * (dim + _QUANTILE.get(draw.family, 3))
    scores = 0 if draw.family == "random" else 3 * kept
    if draw.level == "scalars":
        return scores + 64
    return scores + (1 + draw.weighted) * min(kept, dim + 1) * (dim + 4)


def _conditional(problem: Problem) -> Draw:
    family = _family(problem)
    if family is None:
        return Draw("conditional", "projections")
    stratified = isinstance(problem.rule, Calibration)
    return Draw("conditional", "kept", family, _is_outward(problem, family), stratified)


def _sufficient(problem: Problem, dim: int, num_samples: int) -> Draw:
    family, rule = _family(problem), problem.rule
    assert family is not None
    quota, stratified = rule.quota(num_samples), isinstance(rule, Calibration)
    weighted = quota.rest_weight != 1.0
    least_squares = isinstance(problem.learner, Ridge) and float(problem.learner.penalty) == 0.0
    plain = least_squares and dim >= LEAST_DIM and quota.kept > dim and not weighted
    level: Level = "scalars" if plain else "pseudo-rows"
    outward = _is_outward(problem, family)
    return Draw("sufficient", level, family, outward, stratified, weighted)


def _family(problem: Problem) -> Family | None:
    """What the score sees, if the law of its order statistics is known."""
    score, rule, binary = problem.score, problem.rule, problem.model.binary
    if not isinstance(rule, _RULES):
        return None
    if isinstance(rule, KeepRandom) or isinstance(score, Uniform):
        return "random"
    if isinstance(score, Leverage):
        return "radius"
    if isinstance(score, EL2N | Loss) and not binary:
        return "residual"
    blind = isinstance(score.probe, Probe) and float(score.probe.norm) == 0.0
    if blind and isinstance(score, Uncertainty | Margin | EL2N | Loss):
        return "random"
    if isinstance(score, Uncertainty):
        return "margin"
    falls_with_it = isinstance(score, Margin) or (
        isinstance(score, EL2N | Loss) and isinstance(problem.model, Logistic)
    )
    signed = binary and falls_with_it and isinstance(score.probe, Probe)
    return "signed margin" if signed else None


def _is_outward(problem: Problem, family: Family) -> bool:
    rule = problem.rule
    hardest = rule.hardest if isinstance(rule, Calibration) else isinstance(rule, KeepHardest)
    return hardest != (family in ("margin", "signed margin"))


def _why_not_conditional(problem: Problem, whole: bool) -> str:
    model, score, rule = problem.model, problem.score, problem.rule
    if whole:
        return "a control variate needs the whole sample"
    if not isinstance(rule, PointwiseRule):
        return f"the rule {type(rule).__name__} looks at whole rows"
    if "covariates" in score.needs:
        return f"the score {type(score).__name__} sees whole rows"
    if not isinstance(score.probe, Probe | None):
        return f"the probe {type(score.probe).__name__} is made from the whole sample"
    if not isinstance(model, _MODELS):
        known = ", ".join(kind.__name__ for kind in _MODELS)
        return f"what labels of {type(model).__name__} depend on is not known (only {known})"
    return ""


def _why_not_sufficient(problem: Problem) -> str:
    model, score, rule, learner = problem.model, problem.score, problem.rule, problem.learner
    if not isinstance(learner, Ridge):
        return f"the learner {type(learner).__name__} needs rows: only Ridge takes second moments"
    if not isinstance(model, Linear):
        return f"labels of {type(model).__name__} are not Gaussian"
    if not isinstance(rule, _RULES):
        return f"the second moments of what {type(rule).__name__} keeps have no known law"
    family = _family(problem)
    if family == "radius" or (family is None and "norm" in score.needs):
        return (
            f"{type(score).__name__} sees the length of a row, so that lengths of kept rows are "
            "not chi variables and X'X is no mixture of Wishart matrices"
        )
    if family is None:
        return f"the order statistics of {type(score).__name__} have no known law"
    return ""
