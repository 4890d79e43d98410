"""Calibration by randomisation: part of the budget for the top, the rest at random (D2)."""

import abc
from typing import Any, ClassVar, Literal, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.pruning._base import PointwiseRule, Quota, fraction_field, num_kept
from nfl_sim.pruning._easiest import KeepEasiest
from nfl_sim.pruning._hardest import KeepHardest
from nfl_sim.validation import Scalar, scalar_field


def _mixing_field() -> Any:
    return scalar_field("mixing", low=0.0, high=1.0, open_high=True)


class Calibration(PointwiseRule):
    """Keep the top ``mixing * fraction`` of the samples, and draw the others from the rest.

    A finite sample is drawn in two strata of fixed sizes, without replacement; the sample at the
    threshold belongs to the rest.
    """

    draw: ClassVar[Literal["stratified"]] = "stratified"
    fraction: eqx.AbstractVar[Scalar]
    mixing: eqx.AbstractVar[Scalar]
    hardest: eqx.AbstractVar[bool]
    unbiased: ClassVar[bool]

    @property
    def top_fraction(self) -> Scalar:
        """The fraction of the samples that is kept for its score, mixing * fraction."""
        return self.mixing * self.fraction

    @property
    def rest_inclusion(self) -> Scalar:
        """Inclusion probability of the rest, rho = (1 - mixing) r / (1 - mixing r)."""
        return (1.0 - self.mixing) * self.fraction / (1.0 - self.top_fraction)

    @property
    @abc.abstractmethod
    def rest_weight(self) -> Scalar:
        """Weight of a kept sample from the rest."""

    def sharp(self) -> PointwiseRule:
        """The rule that keeps the top only, at the same fraction."""
        return KeepHardest(self.fraction) if self.hardest else KeepEasiest(self.fraction)

    def priority(self, score: Float[Array, "..."]) -> Float[Array, "..."]:
        """The score, or minus the score: what the top has most of."""
        return score if self.hardest else -score

    def count_on_top(self, kept: int) -> int:
        """How many of the samples kept are kept for their score; ``mixing`` must be concrete."""
        return round(float(self.mixing) * kept)

    def quota(self, num_samples: int) -> Quota:
        """The top share of the m samples kept is rounded; the weights are those of the counts.

        Raises:
            ValueError: the rest of an unbiased rule would get no sample at this size.
        """
        kept = num_kept(float(self.fraction), num_samples)
        top = self.count_on_top(kept)
        if not self.unbiased or kept == num_samples:
            return Quota(top, kept - top)
        if top == kept:
            raise ValueError(
                f"mixing={float(self.mixing):g} leaves none of the {kept} samples kept to the "
                f"rest at num_samples={num_samples}, where the loss would be biased; "
                "lower mixing or raise num_samples"
            )
        return Quota(top, kept - top, (num_samples - top) / (kept - top))

    def realised(self, num_samples: int) -> PointwiseRule:
        """With the fraction and the mixing of the counts."""
        quota = self.quota(num_samples)
        shares = (quota.kept / num_samples, quota.top / quota.kept)
        return eqx.tree_at(lambda r: (r.fraction, r.mixing), self, tuple(map(jnp.asarray, shares)))

    def inclusion(
        self, score: Float[Array, "..."], level: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """1 beyond the level, rho on the rest."""
        return jnp.where(self._beyond(score, level), 1.0, self.rest_inclusion)

    def weight(self, score: Float[Array, "..."], level: Float[Array, "..."]) -> Float[Array, "..."]:
        """1 beyond the level, `rest_weight` on the rest."""
        return jnp.where(self._beyond(score, level), 1.0, self.rest_weight)

    def _beyond(self, score: Float[Array, "..."], level: Float[Array, "..."]) -> Bool[Array, "..."]:
        return self.priority(score) > self.priority(level)


@final
class ExactCalibration(Calibration):
    """Weigh the rest by 1/pi, so that the training loss stays unbiased: the limit is the teacher.

    That is at fixed dimension; where n/d is fixed the limit is biased.

    Args:
        fraction: kept fraction r in (0, 1].
        mixing: share of the kept samples taken for their score, in [0, 1); 0 is random pruning.
        hardest: take the highest scores (True) or the lowest.

    References: D2, T9; {eq}`eq-exact-calibration`, {eq}`eq-calibrated-bias` in
    theory_notes/08_calibration.md.
    """

    unbiased: ClassVar[bool] = True
    fraction: Scalar = fraction_field()
    mixing: Scalar = _mixing_field()
    hardest: bool = eqx.field(static=True, default=True)

    @property
    def rest_weight(self) -> Scalar:
        """1 / rho."""
        return 1.0 / self.rest_inclusion


@final
class SoftCalibration(Calibration):
    """Give all kept samples the weight 1: less biased than pruning by score, but biased.

    Args:
        fraction: kept fraction r in (0, 1].
        mixing: share of the kept samples taken for their score, in [0, 1); 0 is random pruning,
            and mixing -> 1 is pruning by score.
        hardest: take the highest scores (True) or the lowest.

    References: D2, T9; {eq}`eq-soft-calibration` in theory_notes/08_calibration.md.
    """

    unbiased: ClassVar[bool] = False
    fraction: Scalar = fraction_field()
    mixing: Scalar = _mixing_field()
    hardest: bool = eqx.field(static=True, default=True)

    @property
    def rest_weight(self) -> Scalar:
        """One."""
        return jnp.ones_like(self.fraction)
