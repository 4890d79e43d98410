"""Rules that toss coins on the logistic model: mixtures of the nested kept sets of a score."""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import softplus
from jaxtyping import Array, Bool

from nfl_sim.gaussian import bisect, polish
from nfl_sim.problem import Problem
from nfl_sim.pruning import ImportanceSampling, PoissonRule
from nfl_sim.scores import EL2N, GraNd, Influence, Leverage, Loss
from nfl_sim.theory.coins import (
    ALMOST_ALL,
    ALMOST_NONE,
    Budget,
    Function,
    Ladder,
    LevelNoise,
    Means,
    Weighing,
    budget_level,
    loss_weight,
    require_floor,
)
from nfl_sim.theory.logistic.calibrated import everything_beside
from nfl_sim.theory.logistic.law import KeptNodes, LogisticLaw, Matrix, Plane, Resolution
from nfl_sim.theory.logistic.laws import Kept, resolutions
from nfl_sim.theory.logistic.margin_law import Everything
from nfl_sim.theory.logistic.minimiser import Objective, solve
from nfl_sim.theory.logistic.second_order import Fluctuation, Stratum, fluctuation
from nfl_sim.theory.logistic.solution import (
    Motion,
    Solution,
    coarse_error,
    is_sharp,
    kept_level,
    mass_fits,
    minimise_in_two,
    objective_on,
)
from nfl_sim.theory.second_order import Cut
from nfl_sim.validation import NoTheoryError, Scalar

_FINE, _COARSE = 10, 6
_BISECTIONS = 60


class _Family(NamedTuple):
    """The nested kept sets of a score, hardest first."""

    law: LogisticLaw
    score: Callable[[Scalar], Scalar]
    ends: tuple[Scalar, Scalar]

    @classmethod
    def of(cls, kept: Kept, fine: Resolution, coarse: Resolution) -> "_Family":
        """Levels of the law are the places; the ends leave out next to nothing."""
        first, last = (
            kept_level(kept.law, jnp.asarray(mass), fine, coarse)
            for mass in (ALMOST_NONE, ALMOST_ALL)
        )
        return cls(kept.law, kept.threshold, (first, last))

    def place(self, value: Scalar) -> Scalar:
        """Where the score is ``value``; beyond the ends, any place there."""
        first, last = map(jax.lax.stop_gradient, self.ends)
        still = jax.lax.stop_gradient(value)
        bracket = bisect(lambda at: self.score(at) > still, first, last, steps=_BISECTIONS)
        found = polish(lambda at: self.score(at) - value, *bracket)
        found = jnp.where(still >= self.score(first), first, found)
        return jnp.where(still <= self.score(last), last, found)

    def ladder(self, rule: PoissonRule, level: Scalar, order: int) -> Ladder:
        """Of a rule at a level."""
        breakpoints = tuple(map(self.place, rule.breakpoints(level)))
        return Ladder.of(self.score, self.ends, breakpoints, order)


class _Measures(eqx.Module):
    """The law of all samples times functions of the score.

    Args:
        ladder: places.
        tops: nodes of the samples beyond each place, on the first axis.
        whole: nodes of all samples.
    """

    ladder: Ladder
    tops: KeptNodes
    whole: KeptNodes

    @classmethod
    def of(
        cls, family: _Family, rule: PoissonRule, level: Scalar, resolution: Resolution, order: int
    ) -> "_Measures":
        """At a level of a rule."""
        ladder = family.ladder(rule, level, order)
        tops = jax.vmap(lambda place: family.law.nodes(place, resolution))(ladder.places)
        return cls(ladder, tops, everything_beside(family.law, resolution))

    def times(self, function: Function) -> KeptNodes:
        """All samples, with a function of the score as density."""
        shares = self.ladder.shares(function)
        tops = jax.vmap(lambda nodes, share: nodes.times(share))(self.tops, shares.beyond)
        first, second, mass, rest, resolved = tops
        beyond = KeptNodes.flat(first, second, mass, rest, jnp.all(resolved))
        return beyond.joined(self.whole.times(shares.whole))

    def means(self, rule: PoissonRule, level: Scalar) -> Means:
        """Of the coins."""
        return self.ladder.means(rule, level, jnp.sum(self.tops.mass, axis=1))


class _State(NamedTuple):
    """What moves with the level, at fixed students: means of the coins, gradient and Hessian."""

    coins: Means
    gradient: Plane
    hessian: Matrix


def solve_coins(
    kept: Kept, rule: PoissonRule, penalty: Scalar, refinement: int
) -> tuple[Solution, Budget]:
    """Level, minimiser, derivatives and errors of a rule that tosses coins.

    Args:
        kept: the law of the hardest samples, and its thresholds.
        rule: with its fraction.
        penalty: of the learner.
        refinement: of the nodes.

    References: {eq}`eq-coin-covariance`, {eq}`eq-coin-finite-size` in
    theory_notes/08_calibration.md.
    """
    law = kept.law
    fine, coarse = resolutions(law, refinement)
    family = _Family.of(kept, fine, coarse)

    def measures(level: Scalar) -> _Measures:
        return _Measures.of(family, rule, level, fine, _FINE)

    level = budget_level(
        rule,
        family.score,
        family.ends,
        lambda place: jnp.sum(law.nodes(place, coarse).mass),
        lambda level: measures(level).means(rule, level).first,
    )
    here = measures(level)
    few = _Measures.of(family, rule, jax.lax.stop_gradient(level), coarse, _COARSE)
    loss = loss_weight(rule, level)
    nodes, rough_nodes = (
        (here.whole, few.whole) if rule.unbiased else (here.times(loss), few.times(loss))
    )
    objective = objective_on(law, nodes, penalty)
    rough = objective._replace(nodes=rough_nodes)
    student, met = minimise_in_two(objective, rough)
    moved = _still if rule.unbiased else _moved
    motion, cut, sampling = moved(measures, here, rule, level, objective, student, law.others)
    error = coarse_error(objective, rough, student, jnp.zeros(2))
    mass, losses = objective.nodes.mass, softplus(-objective.margin(student))
    mean = here.means(rule, level).first
    solution = Solution(
        level=level,
        cut=cut,
        exists=jnp.asarray(True),
        objective=objective,
        axes=law.axes,
        student=student,
        weights=student @ law.axes,
        motion=motion,
        sampling=sampling,
        error=error @ law.axes,
        training_loss=jnp.sum(mass * losses) / jnp.sum(mass),
        converged=mass_fits(mean, rule.fraction)
        & objective.nodes.resolved
        & met
        & is_sharp(error, student),
    )
    return solution, here.ladder.budget(rule, level, mean)


def require_opinion(rule: PoissonRule, law: LogisticLaw) -> None:
    """Raise ``NoTheoryError`` if all samples tie."""
    if isinstance(law, Everything):
        raise NoTheoryError(
            f"all samples tie, so that {type(rule).__name__} is random pruning by coins; "
            "use KeepRandom"
        )


def variance_is_infinite(problem: Problem, dim: int) -> Bool[Array, ""]:
    """Whether E[psi psi' / pi] is: only where the length of x decides, at the origin.

    A residual vanishes at infinite margins only, where there is next to no mass.

    Raises:
        NoTheoryError: a score of one's own without a floor, of which this is not known.
    """
    rule, score = problem.rule, problem.score
    if not (isinstance(rule, ImportanceSampling) and rule.reweight):
        return jnp.asarray(False)
    if isinstance(score, GraNd | Influence | Leverage):
        return (rule.floor == 0.0) & (rule.exponent >= dim + 2.0)
    if not isinstance(score, EL2N | Loss):
        require_floor(rule, score)
    return jnp.asarray(False)


def _still(
    measures: Callable[[Scalar], _Measures],
    here: _Measures,
    rule: PoissonRule,
    level: Scalar,
    objective: Objective,
    student: Plane,
    others: Scalar,
) -> tuple[Motion, Cut, Fluctuation]:
    """Of an unbiased rule: pi omega = 1 at every level, which moves nothing to first order."""
    zero = jnp.zeros(2)
    sampling = _sampling(here, lambda score: rule.weight(score, level), objective, student, others)
    return Motion(zero, zero), Cut(jnp.zeros(()), jnp.zeros(())), sampling


def _moved(
    measures: Callable[[Scalar], _Measures],
    here: _Measures,
    rule: PoissonRule,
    level: Scalar,
    objective: Objective,
    student: Plane,
    others: Scalar,
) -> tuple[Motion, Cut, Fluctuation]:
    """Of a biased rule: the student moves with the level, and both with the sample."""

    def state(level: Scalar, student: Plane) -> _State:
        there = measures(level)
        moved = objective._replace(nodes=there.times(loss_weight(rule, level)))
        return _State(there.means(rule, level), moved.gradient(student), moved.hessian(student))

    motion, rates, bends = _motion(state, level, objective, student)
    noise = LevelNoise.of(rule.fraction, here.means(rule, level), rates, bends.first)
    weighing = Weighing.of(rule, level, noise)
    sampling = _sampling(here, weighing.scatter, objective, student, others)
    joint, shift = (
        objective._replace(nodes=here.times(function))
        for function in (weighing.joint, weighing.shift)
    )
    pulled = -solve(objective.hessian(student), joint.gradient(student))

    def turned(level: Scalar, student: Plane) -> Plane:
        return state(level, student).hessian @ pulled

    ahead = (jnp.ones_like(level), motion.slope)
    turn = jax.jvp(turned, (level, student), ahead)[1]
    curved = joint.hessian(student) - jnp.diag(joint.flat)
    drift = shift.gradient(student) + curved @ motion.slope + turn
    cross = jnp.outer(motion.slope, pulled)
    return (
        motion,
        noise.cut,
        sampling._replace(
            covariance=sampling.covariance + cross + cross.T,
            bias=sampling.bias - solve(objective.hessian(student), drift),
        ),
    )


def _sampling(
    here: _Measures, scatter: Function, objective: Objective, student: Plane, others: Scalar
) -> Fluctuation:
    """At a fixed level, from pi omega^2."""
    nodes = here.times(scatter)
    chosen = Stratum(nodes, jnp.sum(nodes.mass), counted=False)
    return fluctuation(objective, (chosen,), student, others)


def _motion(
    state: Callable[[Scalar, Plane], _State], level: Scalar, objective: Objective, student: Plane
) -> tuple[Motion, Means, Means]:
    """w' and w'' in the level; and the first two derivatives of the means of the coins."""
    one = jnp.ones_like(level)

    def back(vector: Plane) -> Plane:
        return -solve(objective.hessian(student), vector)

    slope = back(jax.jvp(lambda level: state(level, student).gradient, (level,), (one,))[1])

    def speed(level: Scalar, student: Plane) -> _State:
        return jax.jvp(state, (level, student), (one, slope))[1]

    first, second = jax.jvp(speed, (level, student), (one, slope))
    return Motion(slope, back(second.gradient)), first.coins, second.coins
