"""Probes that are fitted to data: the sample that is then pruned, a part of it, or another."""

import abc
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from nfl_sim.learners import Fit, Learner
from nfl_sim.pruning import num_kept, num_kept_traced
from nfl_sim.scores._probe import AbstractProbe
from nfl_sim.validation import Scalar, count_field, scalar_field


class FittedProbe(AbstractProbe):
    """A probe that the learner of the problem is trained to be, on i.i.d. rows of its model."""

    def fit(
        self,
        key: PRNGKeyArray,
        covariates: Float[Array, "n d"],
        labels: Float[Array, " n"],
        learner: Learner,
    ) -> Fit:
        """The student of all these rows."""
        return self.train(learner, covariates, labels, jnp.ones_like(labels))

    @staticmethod
    def train(
        learner: Learner,
        covariates: Float[Array, "n d"],
        labels: Float[Array, " n"],
        weights: Float[Array, " n"],
    ) -> Fit:
        """The student of weighted rows.

        Without a penalty there are more of them than dimensions, or there is no probe; with one
        the normal equations do for any number.
        """
        return learner.fit(covariates, labels, weights, underdetermined=False)

    @abc.abstractmethod
    def rows(self, num_samples: int) -> int:
        """The fewest rows that a fit is trained on, when ``num_samples`` are to be pruned."""


@final
class SameSampleProbe(FittedProbe):
    """The probe fitted on the sample that is then pruned.

    Its error is that of the student who would keep everything, and what it keeps depends on it.

    References: T15; {eq}`eq-same-coefficient` in theory_notes/10_same_sample.md.
    """

    kind: ClassVar[str] = "same sample"

    def rows(self, num_samples: int) -> int:
        """All of them."""
        return num_samples


@final
class SubsampleProbe(FittedProbe):
    """A probe fitted on a random portion of the sample that is then pruned, drawn without scores.

    Args:
        portion: of the rows, in (0, 1]; 1 is `SameSampleProbe`.

    Raises:
        ValueError: the portion is not a finite scalar in its range, or float64 is off.

    References: {eq}`eq-probe-family` in theory_notes/10_same_sample.md.
    """

    kind: ClassVar[str] = "subsample"
    portion: Scalar = scalar_field("portion", low=0.0, high=1.0, open_low=True)

    def fit(
        self,
        key: PRNGKeyArray,
        covariates: Float[Array, "n d"],
        labels: Float[Array, " n"],
        learner: Learner,
    ) -> Fit:
        """The student of the portion."""
        place = _lot(key, len(labels)).astype(jnp.float64)
        chosen = place < num_kept_traced(self.portion, len(labels))
        return self.train(learner, covariates, labels, chosen.astype(labels.dtype))

    def rows(self, num_samples: int) -> int:
        """The portion, rounded up."""
        return num_kept(float(self.portion), num_samples)


@final
class FreshProbe(FittedProbe):
    """A probe fitted on a sample of its own: held-out rows that are neither scored nor kept.

    Args:
        ratio: number of its rows over that of the sample to prune, > 0.

    Raises:
        ValueError: the ratio is not a finite scalar > 0, or float64 is off.

    References: {eq}`eq-probe-family` in theory_notes/10_same_sample.md.
    """

    kind: ClassVar[str] = "fresh sample"
    ratio: Scalar = scalar_field("ratio", low=0.0, open_low=True)

    def rows(self, num_samples: int) -> int:
        """ratio * num_samples, rounded up."""
        return num_kept(float(self.ratio), num_samples)


@final
class CrossFitProbe(FittedProbe):
    """Cross-fitted scores: each of F random folds is scored by the probe of all other folds.

    Args:
        folds: F >= 2.

    Raises:
        ValueError: ``folds`` is not an integer >= 2.

    References: {eq}`eq-cross-fit` in theory_notes/10_same_sample.md.
    """

    kind: ClassVar[str] = "cross-fitted"
    folds: int = count_field("folds", at_least=2)

    def deal(self, key: PRNGKeyArray, num_samples: int) -> Int[Array, " n"]:
        """The fold of each sample; their sizes differ by one at the most."""
        return _lot(key, num_samples) % self.folds

    def rows(self, num_samples: int) -> int:
        """All but the largest fold."""
        return num_samples - -(-num_samples // self.folds)


@final
class IteratedProbe(FittedProbe):
    """Prune, refit, score all again: the probe of each round is the student of the one before.

    Args:
        rounds: how often the sample is pruned, >= 1; 1 is `SameSampleProbe`.

    Raises:
        ValueError: ``rounds`` is not an integer >= 1.

    References: {eq}`eq-iterated` in theory_notes/10_same_sample.md.
    """

    kind: ClassVar[str] = "iterated"
    rounds: int = count_field("rounds", at_least=1)

    def rows(self, num_samples: int) -> int:
        """All of them, in the first round."""
        return num_samples


def _lot(key: PRNGKeyArray, count: int) -> Int[Array, " n"]:
    """A random permutation of 0, ..., count - 1."""
    return jax.random.permutation(key, count)
