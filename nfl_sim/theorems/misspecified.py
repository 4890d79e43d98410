"""T2 (f): a regression that no linear student describes."""

from collections.abc import Mapping
from typing import ClassVar, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from nfl_sim.models import Linear, Model
from nfl_sim.validation import Scalar, scalar_field


@final
class Cubic(Model):
    """y = signal x_1 + bend H_3(x_1) + noise_std xi, H_3(t) = (t^3 - 3 t) / sqrt(6).

    H_3(x_1) has mean 0, variance 1 and no correlation with x: the best linear student is the
    teacher w0 = signal e_1 still, but the mean of the residual given x is not 0. `predict` knows
    nothing of this model; `push_curve` measures it.

    Args:
        signal: |w0| >= 0.
        bend: of the mean of y given x, any real number.
        noise_std: standard deviation of the label noise, > 0.

    References: T2 (f), {eq}`eq-cubic` in theory_notes/07_no_free_lunch.md.
    """

    binary: ClassVar[bool] = False
    signal: Scalar = scalar_field("signal", low=0.0)
    bend: Scalar = scalar_field("bend")
    noise_std: Scalar = scalar_field("noise_std", low=0.0, open_low=True)

    def sample(
        self,
        key: PRNGKeyArray,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float32,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Draw rows x ~ N(0, I_dim) and labels, both of type ``dtype``."""
        covariates, labels = self.linear.sample(key, num_samples, dim, dtype)
        first = covariates[:, 0]
        cubic = (first**3 - 3.0 * first) / float(np.sqrt(6.0))
        return covariates, labels + self.bend.astype(dtype) * cubic

    @property
    def linear(self) -> Linear:
        """The regression without the bend, whose best student and excess risk are the same."""
        return Linear(self.signal, self.noise_std)

    def residual(
        self, margin: Float[Array, "..."], label: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The regression residual, label - margin."""
        return self.linear.residual(margin, label)

    def loss(self, margin: Float[Array, "..."], label: Float[Array, "..."]) -> Float[Array, "..."]:
        """Half the squared residual."""
        return self.linear.loss(margin, label)

    @property
    def resolution(self) -> Scalar:
        """noise_std / (signal + |bend| + noise_std)."""
        return self.noise_std / (self.signal + jnp.abs(self.bend) + self.noise_std)

    def excess_risk(self, weights: Float[Array, " d"]) -> Scalar:
        """|w - w0|^2, exact."""
        return self.linear.excess_risk(weights)

    def diagnostics(self, weights: Float[Array, " d"]) -> Mapping[str, Scalar]:
        """None: a regression has no 0-1 error."""
        return self.linear.diagnostics(weights)
