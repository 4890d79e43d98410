"""The two strata of a calibrated rule: what is kept for its score, and what at random."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.problem import Problem
from nfl_sim.pruning import Calibration
from nfl_sim.validation import Scalar

Pair = Float[Array, " 2"]


class Strata(NamedTuple):
    """The strata, in fractions of all samples.

    Args:
        cut: the fraction at which the top is cut off.
        present: 1 if there is a top, else 0 (and ``cut`` is a stand-in).
        top, rest: the fractions kept of each.
        weight: of a kept sample from the rest.
    """

    cut: Scalar
    present: Scalar
    top: Scalar
    rest: Scalar
    weight: Scalar

    @classmethod
    def of(cls, rule: Calibration) -> "Strata":
        """The strata of a rule; traced scalars are welcome."""
        top = rule.top_fraction
        cut = jnp.where(top > 0.0, top, 0.5 * rule.fraction)
        present = jnp.where(top > 0.0, 1.0, 0.0)
        return cls(cut, present, top, rule.fraction - top, rule.rest_weight)

    @property
    def total(self) -> Scalar:
        """The sum of all weights, over n."""
        return self.top + self.weight * self.rest

    @property
    def inclusion(self) -> Scalar:
        """The probability that a sample of the rest is kept."""
        return self.rest / (1.0 - self.top)

    @property
    def in_kept(self) -> tuple[Pair, Pair]:
        """The shares of top and rest in the kept samples, and their weights, of mean 1."""
        shares = jnp.stack([self.top, self.rest]) / (self.top + self.rest)
        weights = jnp.stack([jnp.ones_like(self.weight), self.weight])
        return shares, weights / jnp.sum(shares * weights)

    def shares(self, mass: Scalar) -> tuple[Scalar, Scalar]:
        """Weights of the top's law and of the law of all samples in the training loss.

        Args:
            mass: of the top; the counts stay as they are when it moves away from the cut.
        """
        rest = self.weight * self.rest / (1.0 - self.present * mass)
        return self.present * (self.cut / mass - rest), rest


def sharpened(problem: Problem) -> Problem:
    """The problem whose rule keeps the top of the calibration only, at the same fraction."""
    rule = problem.rule
    return dataclasses.replace(
        problem, rule=rule.sharp() if isinstance(rule, Calibration) else rule
    )
