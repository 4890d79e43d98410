"""What a learner is: a map from weighted samples to a student."""

import abc

import equinox as eqx
from jaxtyping import Array, Float


class Learner(eqx.Module):
    """Training on the kept samples: minimise sum(omega * loss) / sum(omega) + penalty."""

    @abc.abstractmethod
    def fit(
        self,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
        *,
        underdetermined: bool | None = None,
    ) -> Float[Array, " d"]:
        """The weights of the trained student; rows of weight 0 do not count.

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
