"""Rules that toss coins on the linear model: mixtures of the nested kept sets of a score."""

from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

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
from nfl_sim.theory.linear.frame import teacher_plane
from nfl_sim.theory.linear.law import (
    Expansion,
    Fluctuation,
    Jet,
    KeptNodes,
    LinearLaw,
    Matrix,
    Nested,
    Plane,
    errors_agree,
)
from nfl_sim.theory.linear.laws import ScoreUnits
from nfl_sim.theory.linear.node_moments import NodeMoments
from nfl_sim.theory.linear.student import fixed_probe, linear_model
from nfl_sim.validation import Scalar

_FINE, _COARSE = 10, 6
_MASS_TOLERANCE = 1e-9


class _State(NamedTuple):
    """What moves with the level: means of the coins, the student and its Hessian."""

    coins: Means
    deviation: Plane
    hessian: Matrix


class _Measures(eqx.Module):
    """The law of all samples times functions of the score.

    Args:
        ladder: places.
        tops: nodes of the samples beyond each place, on the first axis.
        whole: nodes of all samples.
        dim: of the covariates.
    """

    ladder: Ladder
    tops: KeptNodes
    whole: KeptNodes
    dim: int

    def of(self, function: Function) -> NodeMoments:
        """As it is."""
        shares = self.ladder.shares(function)
        parts = (
            jax.vmap(lambda nodes, share: nodes.times(share))(self.tops, shares.beyond),
            self.whole.times(shares.whole),
        )
        return NodeMoments(parts, jnp.ones(()), self.dim)

    def means(self, rule: PoissonRule, level: Scalar) -> Means:
        """Of the coins."""
        return self.ladder.means(rule, level, jax.vmap(lambda n: jnp.sum(n.mass))(self.tops))


@final
class CoinLaw(LinearLaw):
    """The weighted law of a rule that tosses coins, and its sampling.

    Args:
        rule: its fraction is that of `expand`.
        family: the kept sets of its score, hardest first.
        units: of the score and of the family's thresholds.
        penalty, dim: of the problem.

    References: {eq}`eq-coin-covariance`, {eq}`eq-coin-finite-size` in
    theory_notes/08_calibration.md.
    """

    rule: PoissonRule
    family: Nested
    units: ScoreUnits
    penalty: Scalar
    dim: int

    def nested(self) -> Nested:
        """Those of the rule's score."""
        return self.family

    def expand(self, fraction: Scalar) -> Expansion:
        """By quadrature over levels of the family, whose nodes are exact for the closed forms."""
        rule, family = eqx.tree_at(lambda r: r.fraction, self.rule, fraction), self.family
        level = budget_level(
            rule, self.units.score, self._ends, self._mass, lambda level: self._mean(rule, level)
        )

        def slopes(level: Scalar) -> tuple[_State, _State]:
            return jax.jvp(lambda at: self._state(rule, at), (level,), (jnp.ones_like(level),))

        (state, slope), (_, bend) = jax.jvp(slopes, (level,), (jnp.ones_like(level),))
        noise = LevelNoise.of(fraction, state.coins, slope.coins, bend.coins.first)
        excess = jnp.sum(state.deviation**2)
        coarse = self._state(rule, level, coarse=True)
        scale = jnp.sum(family.teacher**2) + family.noise_std**2
        error = jnp.abs(excess - jnp.sum(coarse.deviation**2))
        error += 1e-13 * jnp.sum(family.teacher**2)
        fits = jnp.abs(state.coins.first - fraction) <= _MASS_TOLERANCE * fraction
        measures = self._measures(rule, level)
        resolved = jnp.all(measures.tops.resolved)
        jet = Jet(state.deviation, slope.deviation, bend.deviation)
        return Expansion(
            threshold=level,
            cut=noise.cut,
            deviation=Jet(*(vector @ family.axes for vector in jet)),
            fluctuation=self._fluctuation(rule, level, noise, state, slope),
            numerical_error=error,
            converged=fits & resolved & errors_agree(excess, error, scale),
            budget=measures.ladder.budget(rule, level, state.coins.first),
        )

    @property
    def _ends(self) -> tuple[Scalar, Scalar]:
        """The thresholds between which almost all samples lie."""
        family = self.family
        return (
            family.threshold(family.level(jnp.asarray(ALMOST_NONE))),
            family.threshold(family.level(jnp.asarray(ALMOST_ALL))),
        )

    def _mass(self, threshold: Scalar) -> Scalar:
        return jnp.sum(self._beyond(threshold).mass)

    def _beyond(self, threshold: Scalar, *, coarse: bool = False) -> KeptNodes:
        beyond = self.family.coarse_beyond if coarse else self.family.beyond
        assert beyond is not None
        return beyond(threshold)

    def _ladder(self, rule: PoissonRule, level: Scalar, order: int) -> Ladder:
        breakpoints = tuple(map(self.units.threshold, rule.breakpoints(level)))
        return Ladder.of(self.units.score, self._ends, breakpoints, order)

    def _mean(self, rule: PoissonRule, level: Scalar) -> Scalar:
        """E[pi]."""
        ladder = self._ladder(rule, level, _FINE)
        return ladder.means(rule, level, jax.vmap(self._mass)(ladder.places)).first

    def _measures(self, rule: PoissonRule, level: Scalar, *, coarse: bool = False) -> _Measures:
        """On thresholds whose panels end where the rule has its breakpoints."""
        ladder = self._ladder(rule, level, _COARSE if coarse else _FINE)
        tops = jax.vmap(lambda place: self._beyond(place, coarse=coarse))(ladder.places)
        return _Measures(ladder, tops, self.family.whole, self.dim)

    def _state(self, rule: PoissonRule, level: Scalar, *, coarse: bool = False) -> _State:
        family, measures = self.family, self._measures(rule, level, coarse=coarse)
        loss = measures.of(loss_weight(rule, level))
        hessian = loss.second()[0] + self.penalty * loss.mass * jnp.eye(2)
        teacher = family.axes @ family.teacher
        pull = loss.vector(lambda n: family.noise_std * n.noise)
        deviation = jnp.linalg.solve(hessian, pull - self.penalty * loss.mass * teacher)
        return _State(measures.means(rule, level), deviation, hessian)

    def _fluctuation(
        self, rule: PoissonRule, level: Scalar, noise: LevelNoise, state: _State, slope: _State
    ) -> Fluctuation:
        """n times covariance and bias but for what moves with the level alone."""
        family, measures = self.family, self._measures(rule, level)
        gap = state.deviation + family.axes @ (family.teacher - family.reference)
        still = self.penalty * (state.deviation + family.axes @ family.teacher)
        weighing = Weighing.of(rule, level, noise)
        loss = measures.of(weighing.loss)
        shrink = jnp.linalg.inv(state.hessian)
        across = 1.0 / (loss.second()[1] + self.penalty * loss.mass)
        sampling = measures.of(weighing.scatter).loose_fluctuation(
            gap, shrink, across, still=still, penalty=self.penalty
        )
        joint, shift = measures.of(weighing.joint), measures.of(weighing.shift)
        pulled = shrink @ joint.score(gap, still)
        moved = joint.second()[0] + self.penalty * joint.mass * jnp.eye(2)
        drift = shift.score(gap, still) - moved @ slope.deviation - slope.hessian @ pulled
        cross = jnp.outer(slope.deviation, pulled)
        return sampling._replace(
            covariance=sampling.covariance + cross + cross.T,
            bias=sampling.bias + shrink @ drift,
            residual=loss.residual(gap) / loss.mass,
        ).in_frame(family.axes)


def variance_is_infinite(problem: Problem, dim: int) -> Bool[Array, ""]:
    """Whether E[psi psi' / pi] is, with psi the gradient at the teacher: T11 needs a floor.

    Where the score g is small, the mass below it and psi^2 decide: for the residual of a perfect
    probe psi^2 is g^2 on a mass in proportion to g, of another one psi does not vanish there; for
    the length psi^2 is g^2 on a mass in proportion to g^dim.

    Raises:
        NoTheoryError: a score of one's own without a floor, of which this is not known.
    """
    rule, score = problem.rule, problem.score
    if not (isinstance(rule, ImportanceSampling) and rule.reweight):
        return jnp.asarray(False)
    if isinstance(score, Leverage):
        first = jnp.asarray(dim + 2.0)
    elif isinstance(score, EL2N | GraNd | Influence | Loss):
        model, probe = linear_model(problem), fixed_probe(problem)
        perfect = jnp.all(probe.plane == teacher_plane(model))
        first = jnp.where(perfect, 3.0, 1.0) * (0.5 if isinstance(score, Loss) else 1.0)
    else:
        require_floor(rule, score)
        return jnp.asarray(False)
    return (rule.floor == 0.0) & (rule.exponent >= first)
