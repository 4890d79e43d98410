"""What a pointwise pruning rule is (D2)."""

import abc
import math
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.validation import Scalar, scalar_field

_ROUNDING = 1 - 4 * 2.0**-52


class PointwiseRule(eqx.Module):
    """Keep a sample with a probability that depends on its own score only (D2).

    ``draw`` says how a finite sample is drawn: "top" keeps the ``num_kept`` samples of highest
    `priority`, ties broken by fair coins.
    """

    fraction: eqx.AbstractVar[Scalar]
    draw: ClassVar[Literal["top"]]

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
