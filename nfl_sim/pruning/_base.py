"""What a pointwise pruning rule is (D2)."""

import abc
import math
from typing import Any, ClassVar, Literal, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.validation import Scalar, scalar_field

_ROUNDING = 1 - 4 * 2.0**-52


class Quota(NamedTuple):
    """How many of n samples a rule keeps, and what they weigh in the training loss.

    Args:
        top: samples kept for their priority, of weight 1.
        rest: samples drawn at random from the others.
        rest_weight: the weight of each of those.
    """

    top: int
    rest: int = 0
    rest_weight: float = 1.0

    @property
    def kept(self) -> int:
        """How many are kept in all."""
        return self.top + self.rest


class PointwiseRule(eqx.Module):
    """Keep a sample with a probability that depends on its own score only (D2).

    ``draw`` says how a finite sample is drawn: "top" keeps the ``num_kept`` samples of highest
    `priority`, ties broken by fair coins; "stratified" keeps some of them for their priority, and
    a random choice of fixed size from the others; "poisson" tosses a coin for each.
    """

    fraction: eqx.AbstractVar[Scalar]
    draw: ClassVar[Literal["top", "stratified", "poisson"]]

    @abc.abstractmethod
    def priority(self, score: Float[Array, "..."]) -> Float[Array, "..."]:
        """What the rule keeps the most of: samples are kept where it exceeds a level."""

    @abc.abstractmethod
    def inclusion(
        self, score: Float[Array, "..."], level: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """Inclusion probability of samples with these scores; ``level`` is the score threshold."""

    def weight(self, score: Float[Array, "..."], level: Float[Array, "..."]) -> Float[Array, "..."]:
        """Weight of a kept sample in the training loss: one, unless a rule reweights."""
        return 0.0 * (score + level) + 1.0

    def quota(self, num_samples: int) -> Quota:
        """How many of ``num_samples`` are kept; the scalars of the rule must be concrete."""
        return Quota(num_kept(float(self.fraction), num_samples))

    def realised(self, num_samples: int) -> "PointwiseRule":
        """The rule whose shares of ``num_samples`` are whole numbers: those really kept."""
        kept = num_kept(float(self.fraction), num_samples)
        return eqx.tree_at(lambda r: r.fraction, self, jnp.asarray(kept / num_samples))

    def breakpoints(self, level: Scalar) -> tuple[Scalar, ...]:
        """The scores at which `inclusion` or `weight` jumps."""
        return (level,)


def fraction_field() -> Any:
    """The fraction of the samples that is kept, in (0, 1]."""
    return scalar_field("fraction", low=0.0, high=1.0, open_low=True)


def num_kept(fraction: float, num_samples: int) -> int:
    """The number of samples kept, m = ceil(fraction * num_samples * (1 - 4 eps)).

    The factor absorbs the rounding of the product: a plain ceil(0.07 * 100) is 8.
    """
    return max(1, math.ceil(fraction * num_samples * _ROUNDING))


def num_kept_traced(fraction: Scalar, num_samples: int) -> Scalar:
    """`num_kept` of a fraction that may be traced, as a float."""
    return jnp.maximum(1.0, jnp.ceil(fraction * num_samples * _ROUNDING))
