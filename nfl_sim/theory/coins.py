"""Rules that toss coins: any function of the score, as a mixture of the kept sets of the score."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.gaussian import on_intervals, polish, solve_increasing, unit_panels
from nfl_sim.problem import Problem
from nfl_sim.pruning import ImportanceSampling, PoissonRule
from nfl_sim.scores import PointwiseScore
from nfl_sim.theory.second_order import Cut
from nfl_sim.theory.strata import sharpened
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

Values = Float[Array, "..."]
Function = Callable[[Values], Values]

ALMOST_NONE, ALMOST_ALL = 1e-11, 1.0 - 1e-8  # of the samples lie beyond the ends
_PARTS, _GRADING = 6, 2.0  # panels between two breakpoints, shorter towards the easy end
_ROUGH_LEVELS = 400
_INSIDE = 1e-11  # of a panel: the side of a jump on which its end lies
_NEAR = 1e-2


def on_top(problem: Problem) -> Problem:
    """The problem whose rule keeps the top of a randomised one only, at the same fraction."""
    rule = problem.rule
    if isinstance(rule, PoissonRule):
        return dataclasses.replace(problem, rule=rule.sharp())
    return sharpened(problem)


class Shares(NamedTuple):
    """E[h f] = whole * E[f] + sum_j beyond_j E[f; beyond level_j].

    Args:
        beyond: shape (k,), one a level.
        whole: of all samples.
    """

    beyond: Float[Array, " k"]
    whole: Scalar

    def total(self, masses: Float[Array, " k"]) -> Scalar:
        """E[h], from the masses beyond the levels."""
        return jnp.sum(self.beyond * masses) + self.whole


class Means(NamedTuple):
    """Of the inclusion probability pi and of its square."""

    first: Scalar
    second: Scalar


class Budget(NamedTuple):
    """Of the inclusion probabilities of a rule at the level that was found for it.

    Args:
        mean: over all samples.
        lowest, highest: at the places of a `Ladder`.
    """

    mean: Scalar
    lowest: Scalar
    highest: Scalar

    def check(self, rule: PoissonRule) -> None:
        """Raise ``ValueError`` if they are none, or miss the fraction; traced ones pass."""
        if not is_traced(self.mean):
            rule.require_budget(*self)


class Ladder(NamedTuple):
    """Places from the hardest samples to the easiest, at which nested kept sets begin.

    Args:
        score: place -> the score there, monotone.
        edges: shape (p + 1,), of panels on which the functions of the score are smooth.
        order: Gauss-Legendre nodes on each panel.
    """

    score: Callable[[Scalar], Scalar]
    edges: Float[Array, " p"]
    order: int

    @classmethod
    def of(
        cls,
        score: Callable[[Scalar], Scalar],
        ends: tuple[Scalar, Scalar],
        breakpoints: tuple[Scalar, ...],
        order: int,
    ) -> "Ladder":
        """With panels that end at the breakpoints, which may move.

        A weight in proportion to 1/score changes fastest just above the floor, by its own size in
        a step of that size: there panels are short.

        Args:
            score: see above.
            ends: places beyond which lies next to nothing, and next to everything.
            breakpoints: places, in any order; those outside the ends count as the nearer one.
            order: see above.
        """
        first, last = map(jax.lax.stop_gradient, ends)
        sign = jnp.sign(last - first)
        inner = jnp.clip(sign * jnp.stack(breakpoints), sign * first, sign * last)
        main = jnp.concatenate([first[None], sign * jnp.sort(inner), last[None]])
        steps = 1.0 - (1.0 - jnp.arange(_PARTS) / _PARTS) ** _GRADING
        cut = main[:-1, None] + (main[1:] - main[:-1])[:, None] * steps[None, :]
        return cls(score, jnp.append(cut.ravel(), last), order)

    @property
    def places(self) -> Float[Array, " k"]:
        """Where the sets of `shares` begin."""
        inner, _ = self._nodes()
        return jnp.concatenate([self.edges[1:-1], inner])

    def means(self, rule: PoissonRule, level: Scalar, masses: Float[Array, " k"]) -> Means:
        """Of a rule at a level, from the masses beyond the places."""
        chance = self.shares(lambda score: rule.inclusion(score, level))
        square = self.shares(lambda score: rule.inclusion(score, level) ** 2)
        return Means(chance.total(masses), square.total(masses))

    def budget(self, rule: PoissonRule, level: Scalar, mean: Scalar) -> Budget:
        """Of a rule at a level, whose mean is known."""
        chance = rule.inclusion(jax.vmap(self.score)(self.places), level)
        return Budget(mean, jnp.min(chance), jnp.max(chance))

    def shares(self, function: Function) -> Shares:
        """Of a function of the score that is smooth on each panel, by parts.

        With R the expectation of f on what is not beyond a place, the integral of h over -dR is
        that of h' R, plus the jumps of h times R: R tends to 0 where h may tend to infinity.
        """

        def at(place: Values) -> Values:
            return function(jax.vmap(self.score)(place))

        low, high = self.edges[:-1], self.edges[1:]
        width = high - low
        after, before = at(low + _INSIDE * width), at(high - _INSIDE * width)
        inner, lengths = self._nodes()
        slope = jax.jvp(at, (inner,), (jnp.ones_like(inner),))[1]
        remaining = jnp.concatenate([after[1:] - before[:-1], slope * lengths])
        return Shares(-remaining, jnp.sum(remaining) + after[0])

    def _nodes(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        nodes, lengths = on_intervals(self.edges[:-1], self.edges[1:], unit_panels(1, self.order))
        return nodes.ravel(), lengths.ravel()


def budget_level(
    rule: PoissonRule,
    score: Callable[[Scalar], Scalar],
    ends: tuple[Scalar, Scalar],
    mass: Callable[[Scalar], Scalar],
    mean: Callable[[Scalar], Scalar],
) -> Scalar:
    """The level at which the inclusion probabilities have mean r, with exact derivatives.

    Args:
        rule: whose level it is.
        score, ends: as in `Ladder`.
        mass: place -> the mass beyond it.
        mean: level -> the mean of the inclusion probabilities.
    """
    first, last = map(jax.lax.stop_gradient, ends)
    places = first + (last - first) * jnp.linspace(0.0, 1.0, _ROUGH_LEVELS + 1)
    scores = jax.lax.stop_gradient(jax.vmap(score)(0.5 * (places[:-1] + places[1:])))
    beyond = jax.lax.stop_gradient(jax.lax.map(mass, places)).at[-1].set(1.0).at[0].set(0.0)
    still = jax.lax.stop_gradient(rule)

    def shortfall(level: Scalar) -> Scalar:
        return still.fraction - jnp.sum(still.inclusion(scores, level) * jnp.diff(beyond))

    brackets = still.levels(scores[-1], scores[0])
    rough = solve_increasing(shortfall, *brackets, tolerance=1e-12)
    reach = _NEAR * (jnp.abs(rough) + jnp.abs(brackets[1] - brackets[0]) / _ROUGH_LEVELS)

    def gap(level: Scalar) -> Scalar:
        return mean(level) - rule.fraction

    return polish(gap, rough - reach, rough + reach)


class LevelNoise(NamedTuple):
    """The level c that meets the budget on n samples: its error is that of a mean.

    Args:
        cut: n times its bias, and its variance.
        rate: d E[pi] / dc; inf where the rule ignores its level.
    """

    cut: Cut
    rate: Scalar

    @classmethod
    def of(cls, fraction: Scalar, means: Means, slopes: Means, bend: Scalar) -> "LevelNoise":
        """From E[pi] and E[pi^2], their slopes in the level, and the curvature of E[pi].

        c_n - c = -(mean of pi - r) / rate + ..., with n Var = (E[pi^2] - r^2) / rate^2 and
        n bias = ((E[pi^2])' / 2 - r rate) / rate^2 - E[pi]'' / (2 rate) * n Var.
        """
        rate = jnp.where(slopes.first == 0.0, jnp.inf, slopes.first)
        variance = jnp.maximum(means.second - fraction**2, 0.0) / rate**2
        drift = (0.5 * slopes.second / rate - fraction) / rate - 0.5 * bend / rate * variance
        return cls(Cut(drift, variance), rate)

    def influence(self, rule: PoissonRule, level: Scalar) -> Function:
        """What a sample of a score adds to n times the error of the level, on average."""
        return lambda score: -(rule.inclusion(score, level) - rule.fraction) / self.rate


class Weighing(NamedTuple):
    """Functions of the score under a rule at a level.

    Args:
        loss: pi omega, the weight in the limit of the training loss.
        scatter: pi omega^2, the weight in the variance of its gradient.
        joint: pi omega times the influence on the level.
        shift: the derivative of ``loss`` in the level, times that influence.
    """

    loss: Function
    scatter: Function
    joint: Function
    shift: Function

    @classmethod
    def of(cls, rule: PoissonRule, level: Scalar, noise: LevelNoise) -> "Weighing":
        """At a level."""
        influence = noise.influence(rule, level)
        one = jnp.ones_like(level)

        def slope(score: Values) -> Values:
            def at(level: Scalar) -> Values:
                return loss_weight(rule, level)(score)

            return jax.jvp(at, (level,), (one,))[1]

        def scatter(score: Values) -> Values:
            weight = rule.weight(score, level)
            return rule.inclusion(score, level) * weight**2

        loss = loss_weight(rule, level)
        return cls(
            loss,
            scatter,
            lambda score: loss(score) * influence(score),
            lambda score: slope(score) * influence(score),
        )


def loss_weight(rule: PoissonRule, level: Scalar) -> Function:
    """pi omega as a function of the score."""
    return lambda score: rule.inclusion(score, level) * rule.weight(score, level)


def require_floor(rule: ImportanceSampling, score: PointwiseScore) -> None:
    """Raise ``NoTheoryError`` if a reweighted rule has no floor, but a score of one's own."""
    if not is_traced(rule.floor) and float(rule.floor) == 0.0:
        raise NoTheoryError(
            f"whether unfloored importance sampling by {type(score).__name__} has a finite "
            "variance is not known; give ImportanceSampling a floor > 0"
        )
