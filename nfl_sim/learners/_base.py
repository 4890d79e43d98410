"""What a learner is: a map from weighted samples to a student."""

import abc
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.validation import Scalar


class Fit(NamedTuple):
    """A trained student, and whether there is one.

    Args:
        weights: of the student; nan unless ``exists`` and ``converged``.
        exists: False if the objective has no finite minimiser, which is then certain.
        converged: False if the learner gave up undecided.
    """

    weights: Float[Array, " d"]
    exists: Bool[Array, ""]
    converged: Bool[Array, ""]

    @classmethod
    def of(cls, weights: Float[Array, " d"]) -> "Fit":
        """A student that a closed form gives."""
        return cls(weights, jnp.asarray(True), jnp.asarray(True))


class Learner(eqx.Module):
    """Training on the kept samples: minimise sum(omega * loss) / sum(omega) + penalty.

    ``binary`` says whether the labels must be signs, ``without_student`` what data without a
    student are: "separable" or "inseparable".
    """

    binary: ClassVar[bool] = False
    without_student: ClassVar[str] = "separable"

    @abc.abstractmethod
    def fit(
        self,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
        *,
        underdetermined: bool | None = None,
    ) -> Fit:
        """Train a student; rows of weight 0 do not count.

        ``underdetermined`` says whether fewer than d rows have positive weight; by default it is
        read off the shape.
        """

    @abc.abstractmethod
    def training_loss(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Float[Array, ""]:
        """The weighted mean training loss of ``student``, without the penalty."""

    def diagnostics(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Mapping[str, Scalar]:
        """What ``student`` is to its training rows beyond the loss, named as in `Prediction`."""
        return {}
