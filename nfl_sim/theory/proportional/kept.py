"""From a problem with labels +-1 to the law of its kept samples."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.gaussian import pdf
from nfl_sim.models import Logistic, Model, Perceptron
from nfl_sim.problem import Problem, probe_of
from nfl_sim.pruning import Calibration, PointwiseRule
from nfl_sim.theory.proportional.intervals import (
    Chance,
    Everything,
    HalfLine,
    Intervals,
    LevelSet,
    Places,
    Slab,
)
from nfl_sim.theory.proportional.law import SignedLaw
from nfl_sim.theory.proportional.logistic_law import LogisticLaw
from nfl_sim.theory.proportional.perceptron_law import PerceptronLaw
from nfl_sim.theory.proportional.selection import select
from nfl_sim.theory.strata import Strata
from nfl_sim.validation import Scalar, is_traced

_MASS_TOLERANCE = 1e-9
_GENTLE = 0.2  # a finer step is that of a steep teacher
_TRACED_SIGNAL = 4.0
_STEPS = 0.75  # of the trapezoidal rule, times the signal at most


class KeptLaw(NamedTuple):
    """The kept law on more and on fewer nodes.

    Args:
        fine, coarse: the laws.
        level: at which the selection cuts.
        separated: whether the probe or the teacher separates all that is kept.
        converged: whether the fraction is kept.
    """

    fine: SignedLaw
    coarse: SignedLaw
    level: Scalar
    separated: Bool[Array, ""]
    converged: Bool[Array, ""]


def teacher_step(problem: Problem) -> float:
    """Step of the trapezoidal rule that averages a logistic teacher: 1/2, 1/4, ... as it steepens.

    A traced signal is taken for 4.
    """
    model = problem.model
    if not isinstance(model, Logistic):
        return 0.5
    signal = _TRACED_SIGNAL if is_traced(model.signal) else float(model.signal)
    return 0.5 ** max(1, math.ceil(math.log2(max(signal, 1e-9) / _STEPS)))


def keep(problem: Problem, fine: int, coarse: int, step: float, *, tied: bool = False) -> KeptLaw:
    """The kept law on nodes of these orders.

    Args:
        problem: the problem.
        fine, coarse: Gauss-Legendre nodes a panel.
        step: the `teacher_step`.
        tied: whether all samples tie; see `all_tie`.
    """
    selection = select(problem, tied=tied)
    model, fraction = problem.model, problem.rule.fraction
    if isinstance(selection, Everything):
        shares, weights = _shares(problem.rule)
        # Any law of mean 0 and variance 1 along the probe: the student has no part there.
        signs = jnp.tile(jnp.array([1.0, -1.0]), len(shares))
        nodes = (signs, jnp.repeat(shares, 2), jnp.repeat(weights, 2))
        law = _law(model, step, nodes, jnp.zeros(()), jnp.ones(()))
        always = jnp.asarray(True)
        return KeptLaw(law, law, jnp.asarray(jnp.nan), _noiseless(model), always)
    probe = probe_of(problem)
    assert probe is not None
    cosine, sine = probe.direction
    frame = (cosine, jnp.abs(sine))
    empty = jnp.zeros(1)
    chance = _law(model, step, (empty, empty, empty), *frame).chance
    kept, level = _kept(problem.rule, selection, chance)
    # Where little is kept of one side of z = 0 the student turns fast there.
    sharp = isinstance(model, Perceptron) or step < _GENTLE or not isinstance(selection, Slab)
    laws = [_on(kept, model, step, fraction, (order, sharp), frame) for order in (fine, coarse)]
    total = jnp.sum(laws[0].masses * laws[0].chance(laws[0].places))
    whole = jnp.abs(total - 1.0) <= _MASS_TOLERANCE
    separated = kept.one_sided | _noiseless(model)
    found = whole & kept.resolved & (probe.norm > 0.0)
    return KeptLaw(laws[0], laws[1], level, separated, found)


def _shares(rule: PointwiseRule) -> tuple[Places, Places]:
    """Of the kept samples in each stratum, and their weights, of mean 1."""
    if not isinstance(rule, Calibration):
        return jnp.ones(1), jnp.ones(1)
    return Strata.of(rule).in_kept


def _kept(
    rule: PointwiseRule, selection: Slab | HalfLine | LevelSet, chance: Chance
) -> tuple[Intervals, Scalar]:
    """What is kept and with which weights, of mean 1; and the level, nan where nothing is cut."""
    if not isinstance(rule, Calibration):
        level = selection.level(rule.fraction, chance)
        return selection.kept(level), level
    strata = Strata.of(rule)
    level, cut = selection.level(strata.cut, chance), strata.present > 0.0
    _, (light, heavy) = strata.in_kept
    at_random = (strata.inclusion, heavy)
    # Where there is no top, what lies beyond the stand-in for its level is kept like the rest.
    beyond = [jnp.where(cut, a, b) for a, b in zip((1.0, light), at_random, strict=True)]
    top, rest = selection.kept(level), selection.rest(level)
    return top.thinned(*beyond).joined(rest.thinned(*at_random)), jnp.where(cut, level, jnp.nan)


def _on(
    kept: Intervals,
    model: Model,
    step: float,
    fraction: Scalar,
    quadrature: tuple[int, bool],
    frame: tuple[Scalar, Scalar],
) -> SignedLaw:
    order, sharp = quadrature
    places, lengths, weights = kept.nodes(order, sharp=sharp)
    masses = 2.0 * pdf(places) * lengths / fraction
    return _law(model, step, (places, masses, weights), *frame)


def _law(
    model: Model, step: float, nodes: tuple[Places, Places, Places], cosine: Scalar, sine: Scalar
) -> SignedLaw:
    if isinstance(model, Perceptron):
        return PerceptronLaw(*nodes, cosine, sine, model.flip_probability)
    assert isinstance(model, Logistic)
    return LogisticLaw(*nodes, cosine, sine, model, step)


def _noiseless(model: Model) -> Bool[Array, ""]:
    """Whether the teacher itself separates all samples."""
    if isinstance(model, Perceptron):
        return model.flip_probability == 0.0
    return jnp.asarray(False)
