"""Rules that toss a coin for each sample."""

import abc
from typing import ClassVar, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.pruning._base import PointwiseRule, Quota, num_kept
from nfl_sim.pruning._hardest import KeepHardest
from nfl_sim.validation import Scalar

_BUDGET_TOLERANCE = 1e-6


class PoissonRule(PointwiseRule):
    """Keep each sample by its own coin, whose bias depends on its score and on a level.

    To write a rule, subclass this with a ``fraction`` and an `inclusion`; `weight` and
    `breakpoints` where they differ. The level meets the budget: it is the one at which the
    inclusion probabilities have mean ``fraction``, over the samples in `nfl_sim.simulate` and
    over their law in `nfl_sim.predict`. How many samples are kept is random.
    """

    draw: ClassVar[Literal["poisson"]] = "poisson"

    @property
    def unbiased(self) -> bool:
        """Whether the weight is one over the inclusion probability, which is never 0."""
        return False

    @abc.abstractmethod
    def inclusion(
        self, score: Float[Array, "..."], level: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """Inclusion probabilities in [0, 1], nonincreasing and continuous in the level.

        Smooth in score and level but at the scores of `breakpoints`. A rule that ignores the
        level must meet its budget by itself.
        """

    def levels(self, lowest: Scalar, highest: Scalar) -> tuple[Scalar, Scalar]:
        """Levels between which the budget is met, for scores between these two."""
        return lowest, highest

    def require_budget(
        self,
        mean: Float[Array, "..."],
        lowest: Float[Array, "..."],
        highest: Float[Array, "..."],
    ) -> None:
        """Raise ``ValueError`` if concrete inclusion probabilities are none, or miss the fraction.

        Args:
            mean, lowest, highest: of the probabilities, of one population or many.
        """
        name, fraction = type(self).__name__, float(self.fraction)
        least, most = float(np.min(lowest)), float(np.max(highest))
        if not (least >= 0.0 and most <= 1.0):
            raise ValueError(
                f"{name}.inclusion must return probabilities in [0, 1], got {least:g} to {most:g}"
            )
        gap = np.abs(np.ravel(mean) - fraction)
        if not np.max(gap) <= _BUDGET_TOLERANCE:
            raise ValueError(
                f"{name} cannot keep fraction={fraction:g} of the samples: at the level that "
                "comes nearest its inclusion probabilities have "
                f"mean {float(np.ravel(mean)[np.argmax(gap)]):g}"
            )

    def priority(self, score: Float[Array, "..."]) -> Float[Array, "..."]:
        """The score: what a coin would favour."""
        return score

    def sharp(self) -> PointwiseRule:
        """The rule that keeps the hardest, at the same fraction."""
        return KeepHardest(self.fraction)

    def quota(self, num_samples: int) -> Quota:
        """The mean number kept, as a whole number."""
        return Quota(num_kept(float(self.fraction), num_samples))

    def realised(self, num_samples: int) -> "PoissonRule":
        """Itself: nothing is rounded."""
        return self

    def breakpoints(self, level: Scalar) -> tuple[Scalar, ...]:
        """The scores at which `inclusion` or `weight` is not smooth."""
        return (level,)

    def reweighted(self, inclusion: Float[Array, "..."]) -> Float[Array, "..."]:
        """1 / inclusion, the weight that makes the training loss unbiased."""
        return 1.0 / jnp.where(inclusion > 0.0, inclusion, jnp.inf)
