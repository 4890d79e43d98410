"""Ridge regression, ordinary and minimum-norm least squares included."""

from typing import final

import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Float

from nfl_sim.learners._base import Fit, Learner
from nfl_sim.validation import Scalar, scalar_field


@final
class Ridge(Learner):
    """Minimise sum(omega (y - w.x)^2 / 2) / sum(omega) + (penalty / 2) |w|^2.

    At penalty 0 it is ordinary least squares, and with fewer rows than dimensions the fit of
    minimum norm.

    Args:
        penalty: lambda >= 0.

    Raises:
        ValueError: the penalty is not a finite scalar >= 0, or float64 is off.

    References: {eq}`eq-minimiser` in theory_notes/03_linear.md.
    """

    penalty: Scalar = scalar_field("penalty", low=0.0)

    def fit(
        self,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
        *,
        underdetermined: bool | None = None,
    ) -> Fit:
        """The minimiser, computed in float64.

        Rows at least as many as dimensions go through the normal equations, whose relative error
        is about 1e-16 times the squared condition number of the rows; fewer through the singular
        value decomposition.
        """
        num_rows, dim = covariates.shape
        if underdetermined is None:
            underdetermined = num_rows < dim
        root = jnp.sqrt(weights.astype(jnp.float64) / jnp.sum(weights, dtype=jnp.float64))
        rows = root[:, None] * covariates.astype(jnp.float64)
        targets = root * labels.astype(jnp.float64)
        if not underdetermined:
            gram = rows.T @ rows + self.penalty * jnp.eye(dim)
            return Fit.of(jsl.cho_solve(jsl.cho_factor(gram, lower=True), rows.T @ targets))
        rows = jnp.concatenate([rows, jnp.sqrt(self.penalty) * jnp.eye(dim)])
        targets = jnp.concatenate([targets, jnp.zeros(dim)])
        return Fit.of(jnp.linalg.lstsq(rows, targets)[0])

    def training_loss(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Float[Array, ""]:
        """Weighted mean of (y - w.x)^2 / 2 over the training rows, in float64."""
        residual = labels.astype(jnp.float64) - covariates.astype(jnp.float64) @ student
        weights = weights.astype(jnp.float64)
        return jnp.sum(weights * residual**2) / (2.0 * jnp.sum(weights))
