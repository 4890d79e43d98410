"""T4: two processes that a rule cannot tell apart."""

import abc
from collections.abc import Mapping
from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, DTypeLike, Float, PRNGKeyArray

from nfl_sim.models import Linear, Logistic, Model
from nfl_sim.scores import PointwiseScore, Probe
from nfl_sim.validation import Scalar


class Adversary(eqx.Module):
    """Two processes, s = +1 and -1, of which a rule keeps the same (T4, T5).

    They differ where the rule discards only, and their average is the model, whose teacher is
    the midpoint: the best of all predictors for the average risk.
    """

    model: eqx.AbstractVar[Linear | Logistic]
    score: eqx.AbstractVar[PointwiseScore]
    hardest: eqx.AbstractVar[bool]
    fraction: eqx.AbstractVar[Scalar]
    magnitude: eqx.AbstractVar[Scalar]

    @property
    def probe(self) -> Probe:
        """Of the score."""
        probe = self.score.probe
        if not isinstance(probe, Probe):
            raise ValueError(f"the score {type(self.score).__name__} has no fixed probe")
        return probe

    @property
    @abc.abstractmethod
    def direction(self) -> Float[Array, " 2"]:
        """u, in the plane of teacher and probe: the sign of u.X decides which way labels move."""

    @abc.abstractmethod
    def kept(
        self, covariates: Float[Array, "n d"], labels: Float[Array, " n"]
    ) -> Bool[Array, " n"]:
        """Which samples the rule keeps."""

    @abc.abstractmethod
    def rows(
        self,
        key: PRNGKeyArray,
        sign: Scalar,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float64,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """`sample`, for a sign that may be traced and is not checked."""

    @abc.abstractmethod
    def mean(self, covariates: Float[Array, "n d"], sign: Scalar) -> Float[Array, " n"]:
        """E[Y | X] in the process ``sign``."""

    @abc.abstractmethod
    def gap(
        self, predicted: Float[Array, " n"], other: Float[Array, " n"], mean: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        """Expected loss of one prediction above that of another, where the label has this mean."""

    @property
    @abc.abstractmethod
    def pull(self) -> float:
        """|h|, by which the discarded samples pull at magnitude 1."""

    @property
    @abc.abstractmethod
    def pulled(self) -> Float[Array, " 2"]:
        """h / |h|, in the plane."""

    @property
    @abc.abstractmethod
    def bound(self) -> float:
        """Delta: no learner has a smaller worst-case excess risk."""

    @property
    @abc.abstractmethod
    def numerical_error(self) -> float:
        """Of the bound; 0 where it is a closed form."""

    @abc.abstractmethod
    def best(self, sign: int, dim: int) -> Float[np.ndarray, " d"]:
        """w*_s, the best linear student of the process ``sign``."""

    @abc.abstractmethod
    def excess_risk(self, weights: Float[Array, " d"], sign: int) -> Scalar:
        """Exact risk of a linear student above that of w*_s."""

    def sample(
        self, key: PRNGKeyArray, sign: int, num_samples: int, dim: int
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Rows of the process ``sign`` in float64; one key gives both the same kept rows.

        Args:
            key: of the draw.
            sign: 1 or -1.
            num_samples: before pruning.
            dim: of the covariates, >= 2.

        Raises:
            ValueError: ``sign`` is neither.
        """
        return self.rows(key, jnp.asarray(float(_sign(sign))), num_samples, dim)

    def process(self, sign: int) -> "Process":
        """The process ``sign`` as a model, for `nfl_sim.simulate`."""
        return Process(self, _sign(sign))


@final
class Process(Model):
    """One of the two processes, as a model that can be simulated.

    Args:
        pair: both.
        sign: 1 or -1.
    """

    pair: Adversary
    sign: int = eqx.field(static=True)

    @property
    def binary(self) -> bool:
        """Whether the labels are signs."""
        return self.pair.model.binary

    def sample(
        self,
        key: PRNGKeyArray,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float32,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Draw rows of the process, both of type ``dtype``."""
        sign = jnp.asarray(float(self.sign), dtype)
        return self.pair.rows(key, sign, num_samples, dim, dtype)

    def residual(
        self, margin: Float[Array, "..."], label: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """That of the model."""
        return self.pair.model.residual(margin, label)

    def loss(self, margin: Float[Array, "..."], label: Float[Array, "..."]) -> Float[Array, "..."]:
        """That of the model."""
        return self.pair.model.loss(margin, label)

    @property
    def resolution(self) -> Scalar:
        """That of the model."""
        return self.pair.model.resolution

    def excess_risk(self, weights: Float[Array, " d"]) -> Scalar:
        """Exact risk above that of the best linear student of the process."""
        return self.pair.excess_risk(weights, self.sign)

    def diagnostics(self, weights: Float[Array, " d"]) -> Mapping[str, Scalar]:
        """None."""
        return {}


def _sign(sign: int) -> int:
    if sign not in (1, -1):
        raise ValueError(f"sign must be 1 or -1, got {sign!r}")
    return sign
