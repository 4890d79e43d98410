"""What a joint pruning rule is: it chooses from the whole sample."""

import abc
from typing import ClassVar, Literal

import equinox as eqx
import numpy as np
from jaxtyping import Float, Integer, PRNGKeyArray

from nfl_sim.pruning._base import Quota, num_kept
from nfl_sim.validation import Scalar


class JointRule(eqx.Module):
    """Choose which samples to keep from all of them together; a kept sample weighs 1.

    It is no pointwise rule (D2): whether a sample is kept depends on the others, and there is no
    inclusion probability. `nfl_sim.simulate` runs it, replicate by replicate and outside of jit;
    predictions and the theorems on pointwise rules refuse it. To write one, subclass this with a
    ``fraction`` and a `select`.
    """

    fraction: eqx.AbstractVar[Scalar]
    draw: ClassVar[Literal["joint"]] = "joint"

    @abc.abstractmethod
    def select(
        self,
        key: PRNGKeyArray,
        covariates: Float[np.ndarray, "n d"],
        labels: Float[np.ndarray, " n"],
        scores: Float[np.ndarray, " n"],
    ) -> Integer[np.ndarray, " m"]:
        """The samples kept.

        Args:
            key: for its random choices.
            covariates, labels, scores: of one whole sample.

        Returns:
            Distinct indices, ``quota(n).kept`` of them; fewer say that there is no such choice
            from this sample, and the replicate fails as "too_few_kept".
        """

    def quota(self, num_samples: int) -> Quota:
        """How many of ``num_samples`` are kept; the fraction must be concrete."""
        return Quota(num_kept(float(self.fraction), num_samples))
