"""Importance subsampling: keep samples with probability in proportion to a power of the score."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.pruning._base import fraction_field
from nfl_sim.pruning._poisson import PoissonRule
from nfl_sim.validation import Scalar, scalar_field

_SMALLEST = 1e-300


@final
class ImportanceSampling(PoissonRule):
    """Keep a sample with probability min(1, (score / level)^exponent), at least floor * fraction.

    It takes the scores that are nonnegative: EL2N, GraNd, Loss, Leverage, Influence, and scores of
    one's own that say so (``nonnegative = True``).

    Args:
        fraction: expected kept fraction r in (0, 1].
        exponent: power of the score, > 0.
        reweight: weigh kept samples by one over their probability, so that the training loss is
            unbiased and the limit is the teacher; otherwise all weigh 1, and it is biased.
        floor: the least probability in units of r, in [0, 1). Without it the variance of a
            reweighted rule may be infinite: where the score nearly vanishes, but the gradient not.

    References: D2, T11; {eq}`eq-importance-sampling` in theory_notes/08_calibration.md.
    """

    fraction: Scalar = fraction_field()
    exponent: Scalar = scalar_field("exponent", low=0.0, open_low=True, default=1.0)
    reweight: bool = eqx.field(static=True, default=True)
    floor: Scalar = scalar_field("floor", low=0.0, high=1.0, open_high=True, default=0.0)

    @property
    def unbiased(self) -> bool:
        """If reweighted."""
        return self.reweight

    @property
    def least(self) -> Scalar:
        """The least inclusion probability, floor * fraction."""
        return self.floor * self.fraction

    def inclusion(
        self, score: Float[Array, "..."], level: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """min(1, (score / level)^exponent), at least `least`; the level is a score."""
        share = score / jnp.maximum(level, _SMALLEST)
        inside = (share > 0.0) & (share < 1.0)
        power = jnp.where(inside, share, 1.0) ** self.exponent
        return jnp.maximum(jnp.where(share > 0.0, power, 0.0), self.least)

    def weight(self, score: Float[Array, "..."], level: Float[Array, "..."]) -> Float[Array, "..."]:
        """One over the inclusion probability, or one."""
        if self.reweight:
            return self.reweighted(self.inclusion(score, level))
        return super().weight(score, level)

    def levels(self, lowest: Scalar, highest: Scalar) -> tuple[Scalar, Scalar]:
        """Even at the highest score no more than r is kept at highest * r^(-1/exponent)."""
        return jnp.zeros_like(highest), highest * self.fraction ** (-1.0 / self.exponent)

    def breakpoints(self, level: Scalar) -> tuple[Scalar, ...]:
        """Above the first all is kept, below the second no less than the floor."""
        return level, level * self.least ** (1.0 / self.exponent)
