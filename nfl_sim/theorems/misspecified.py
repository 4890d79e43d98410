"""T2 (f): a regression that no linear student describes."""

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from nfl_sim.models import Model
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
        covariate_key, noise_key = jax.random.split(key)
        covariates = jax.random.normal(covariate_key, (num_samples, dim), dtype)
        noise = jax.random.normal(noise_key, (num_samples,), dtype)
        first = covariates[:, 0]
        cubic = (first**3 - 3.0 * first) / float(np.sqrt(6.0))
        labels = self.signal.astype(dtype) * first + self.bend.astype(dtype) * cubic
        return covariates, labels + self.noise_std.astype(dtype) * noise

    def residual(
        self, margin: Float[Array, "..."], label: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The regression residual, label - margin."""
        return label - margin

    def loss(self, margin: Float[Array, "..."], label: Float[Array, "..."]) -> Float[Array, "..."]:
        """Half the squared residual."""
        return 0.5 * (label - margin) ** 2

    @property
    def resolution(self) -> Scalar:
        """noise_std / (signal + |bend| + noise_std)."""
        return self.noise_std / (self.signal + jnp.abs(self.bend) + self.noise_std)

    def excess_risk(self, weights: Float[Array, " d"]) -> Scalar:
        """|w - w0|^2, exact."""
        return jnp.sum(weights.at[0].add(-self.signal) ** 2)

    def diagnostics(self, weights: Float[Array, " d"]) -> Mapping[str, Scalar]:
        """None: a regression has no 0-1 error."""
        return {}
