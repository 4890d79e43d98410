"""What a teacher-student model must say about itself."""

import abc
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from nfl_sim.validation import Scalar


class Model(eqx.Module):
    """A law of one sample (x, y) with x ~ N(0, I) and the risk it defines (D1).

    ``binary`` says whether the labels are signs.
    """

    binary: ClassVar[bool]

    @abc.abstractmethod
    def sample(
        self,
        key: PRNGKeyArray,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float32,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Draw ``num_samples`` i.i.d. rows: covariates and labels in the teacher's frame."""

    def label(self, key: PRNGKeyArray, covariates: Float[Array, "n d"]) -> Float[Array, " n"]:
        """Draw the labels of given covariates, as `sample` does of its own.

        Raises:
            ValueError: the model does not say how.
        """
        raise ValueError(f"{type(self).__name__} does not say how to label given covariates")

    @abc.abstractmethod
    def residual(
        self, margin: Float[Array, "..."], label: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """Label minus the prediction of a student with this margin w.x (the error of EL2N)."""

    @abc.abstractmethod
    def loss(self, margin: Float[Array, "..."], label: Float[Array, "..."]) -> Float[Array, "..."]:
        """Training loss of a student with this margin w.x on a sample with this label."""

    def influence(
        self,
        margin: Float[Array, "..."],
        label: Float[Array, "..."],
        norm: Float[Array, "..."],
        length: Scalar,
    ) -> Float[Array, "..."]:
        """|H^(-1/2) grad loss| at a student, H being the Hessian where it is the teacher.

        Args:
            margin, label, norm: w.x, y and |x| of samples.
            length: |w| of the student.

        Raises:
            ValueError: the loss has no Hessian.
        """
        raise ValueError(f"the loss of {type(self).__name__} has no Hessian, and so no influence")

    @property
    @abc.abstractmethod
    def resolution(self) -> Scalar:
        """The smallest feature of a label relative to its size, which rounding must not blur."""

    @abc.abstractmethod
    def excess_risk(self, weights: Float[Array, " d"]) -> Scalar:
        """Exact population risk of ``weights`` above that of the teacher."""

    @abc.abstractmethod
    def diagnostics(self, weights: Float[Array, " d"]) -> Mapping[str, Scalar]:
        """Exact population quantities of ``weights`` beyond the risk, named as in `Prediction`."""
