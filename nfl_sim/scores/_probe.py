"""The probe: the student whose opinion of a sample becomes its score."""

import abc
from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.learners import Fit, Learner
from nfl_sim.validation import Scalar, scalar_field


class AbstractProbe(eqx.Module):
    """A student that is asked about every sample: fixed beforehand, or fitted to data.

    ``kind`` says which, in the words of `nfl_sim.Simulation.probe`.
    """

    kind: ClassVar[str]

    @abc.abstractmethod
    def fit(
        self,
        key: PRNGKeyArray,
        covariates: Float[Array, "n d"],
        labels: Float[Array, " n"],
        learner: Learner,
    ) -> Fit:
        """The weights of the probe in ``R^d``, and whether it exists."""


@final
class Probe(AbstractProbe):
    """A fixed probe w_p = norm * (cos(angle) e_1 + sin(angle) e_2), the teacher lying along e_1.

    It is an oracle: independent of the sample that it scores. ``angle=0`` and ``norm`` equal to
    the model's signal is the perfect probe.

    Args:
        angle: angle to the teacher in radians, any real number.
        norm: |w_p| >= 0.

    Raises:
        ValueError: a field is not a finite scalar in its range, or float64 is off.

    References: {eq}`eq-minimiser` in theory_notes/03_linear.md.
    """

    kind: ClassVar[str] = "fixed"
    angle: Scalar = scalar_field("probe angle")
    norm: Scalar = scalar_field("probe norm", low=0.0)

    @property
    def direction(self) -> Float[Array, " 2"]:
        """The unit vector of the probe in the plane (e_1, e_2), defined also at norm 0."""
        return jnp.stack([jnp.cos(self.angle), jnp.sin(self.angle)])

    @property
    def plane(self) -> Float[Array, " 2"]:
        """The coordinates of w_p in the plane (e_1, e_2)."""
        return self.norm * self.direction

    def fit(
        self,
        key: PRNGKeyArray,
        covariates: Float[Array, "n d"],
        labels: Float[Array, " n"],
        learner: Learner,
    ) -> Fit:
        """The weights of the probe in ``R^d``; a fixed probe ignores the data."""
        dim = covariates.shape[1]
        return Fit.of(jnp.zeros(dim).at[: min(dim, 2)].set(self.plane[: min(dim, 2)]))
