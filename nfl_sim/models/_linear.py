"""Linear regression with Gaussian covariates and Gaussian noise."""

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from nfl_sim.models._base import Model
from nfl_sim.validation import Scalar, scalar_field


@final
class Linear(Model):
    """Gaussian linear regression: y = signal * x_1 + noise_std * xi, x ~ N(0, I), xi ~ N(0, 1).

    The teacher is w0 = signal * e_1. The reported loss is (y - w.x)^2, so that the excess risk of
    w is |w - w0|^2.

    Args:
        signal: |w0| >= 0.
        noise_std: standard deviation of the label noise, > 0.

    Raises:
        ValueError: a field is not a finite scalar in its range, or float64 is off.

    References: {eq}`eq-minimiser` in theory_notes/03_linear.md.
    """

    binary: ClassVar[bool] = False
    signal: Scalar = scalar_field("signal", low=0.0)
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
        return covariates, self.label(noise_key, covariates)

    def label(self, key: PRNGKeyArray, covariates: Float[Array, "n d"]) -> Float[Array, " n"]:
        """signal * x_1 + noise_std * xi, of the type of the covariates."""
        dtype = covariates.dtype
        noise = jax.random.normal(key, covariates.shape[:1], dtype)
        return self.signal.astype(dtype) * covariates[:, 0] + self.noise_std.astype(dtype) * noise

    def residual(
        self, margin: Float[Array, "..."], label: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """The regression residual, label - margin."""
        return label - margin

    def loss(self, margin: Float[Array, "..."], label: Float[Array, "..."]) -> Float[Array, "..."]:
        """Half the squared residual."""
        return 0.5 * (label - margin) ** 2

    def influence(
        self,
        margin: Float[Array, "..."],
        label: Float[Array, "..."],
        norm: Float[Array, "..."],
        length: Scalar,
    ) -> Float[Array, "..."]:
        """|residual| |x|: the Hessian is the identity."""
        return jnp.abs(label - margin) * norm

    @property
    def resolution(self) -> Scalar:
        """noise_std / (signal + noise_std)."""
        return self.noise_std / (self.signal + self.noise_std)

    def excess_risk(self, weights: Float[Array, " d"]) -> Scalar:
        """|w - w0|^2, exact."""
        return jnp.sum(weights.at[0].add(-self.signal) ** 2)

    def diagnostics(self, weights: Float[Array, " d"]) -> Mapping[str, Scalar]:
        """None: a regression has no 0-1 error."""
        return {}
