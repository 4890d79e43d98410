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
from nfl_sim.theory.logistic.second_order import Stratum, fluctuation
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
        resolved = jnp.all(tops.resolved)
        return KeptNodes.flat(*tops[:4], resolved).joined(self.whole.times(shares.whole))

    def means(self, rule: PoissonRule, level: Scalar) -> Means:
        """Of the coins."""
        return self.ladder.means(rule, level, jnp.sum(self.tops.mass, axis=1))


class _State(NamedTuple):
    """What moves with the level, at fixed students: means of the coins, gradient and Hessian."""

    coins: Means
    gradient: Plane
    hessian: Matrix


def solve_coins(kept: Kept, rule: PoissonRule, penalty: Scalar, refinement: int) -> Solution:
    """Level, minimiser, derivatives and errors of a rule that tosses coins.

    Args:
        kept: the law of the hardest samples, and its thresholds.
        rule: with its fraction.
        penalty: of the learner.
        refinement: of the nodes.

    Raises:
        NoTheoryError: all samples tie.

    References: {eq}`eq-coin-covariance`, {eq}`eq-coin-finite-size` in
    theory_notes/08_calibration.md.
    """
    law = kept.law
    if isinstance(law, Everything):
        raise NoTheoryError(
            f"all samples tie, so that {type(rule).__name__} is random pruning by coins; "
            "use KeepRandom"
        )
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
    objective = objective_on(law, here.times(loss_weight(rule, level)), penalty)
    few = _Measures.of(family, rule, jax.lax.stop_gradient(level), coarse, _COARSE)
    rough = objective._replace(nodes=few.times(loss_weight(rule, level)))
    student, met = minimise_in_two(objective, rough)

    def state(level: Scalar, student: Plane) -> _State:
        there = measures(level)
        moved = objective._replace(nodes=there.times(loss_weight(rule, level)))
        return _State(there.means(rule, level), moved.gradient(student), moved.hessian(student))

    motion, coins = _motion(state, level, objective, student)
    noise = LevelNoise.of(rule.fraction, here.means(rule, level), coins[0], coins[1].first)
    weighing = Weighing.of(rule, level, noise)
    scatter = here.times(weighing.scatter)
    sampling = fluctuation(
        objective, (Stratum(scatter, jnp.sum(scatter.mass), False),), student, law.others
    )
    joint, shift = (
        objective._replace(nodes=here.times(function))
        for function in (weighing.joint, weighing.shift)
    )
    pulled = -solve(objective.hessian(student), joint.gradient(student))
    turn = jax.jvp(
        lambda level, student: state(level, student).hessian @ pulled,
        (level, student),
        (jnp.ones_like(level), motion.slope),
    )[1]
    unflattened = joint.hessian(student) - jnp.diag(joint.flat)
    drift = -solve(
        objective.hessian(student),
        shift.gradient(student) + unflattened @ motion.slope + turn,
    )
    cross = jnp.outer(motion.slope, pulled)
    sampling = sampling._replace(
        covariance=sampling.covariance + cross + cross.T, bias=sampling.bias + drift
    )
    error = coarse_error(objective, rough, student, jnp.zeros(2))
    mass, loss = objective.nodes.mass, softplus(-objective.margin(student))
    return Solution(
        level=level,
        cut=noise.cut,
        exists=jnp.asarray(True),
        objective=objective,
        axes=law.axes,
        student=student,
        weights=student @ law.axes,
        motion=motion,
        sampling=sampling,
        error=error @ law.axes,
        training_loss=jnp.sum(mass * loss) / jnp.sum(mass),
        converged=mass_fits(here.means(rule, level).first, rule.fraction)
        & objective.nodes.resolved
        & met
        & is_sharp(error, student),
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


def _motion(
    state: Callable[[Scalar, Plane], _State], level: Scalar, objective: Objective, student: Plane
) -> tuple[Motion, tuple[Means, Means]]:
    """w' and w'' in the level; and the first two derivatives of the means of the coins."""
    one = jnp.ones_like(level)

    def back(vector: Plane) -> Plane:
        return -solve(objective.hessian(student), vector)

    slope = back(jax.jvp(lambda level: state(level, student).gradient, (level,), (one,))[1])

    def speed(level: Scalar, student: Plane) -> _State:
        return jax.jvp(state, (level, student), (one, slope))[1]

    first, second = jax.jvp(speed, (level, student), (one, slope))
    return Motion(slope, back(second.gradient)), (first.coins, second.coins)
