"""The logistic teacher, with labels that may be flipped."""

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import sigmoid
from jax.scipy.special import erfc
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from nfl_sim.gaussian import (
    half_normal_edges,
    half_normal_rule,
    integrate_absolute,
    mean_sigmoid,
    panel_nodes,
    pdf,
    polish,
    softplus_curvature,
    softplus_divergence,
    softplus_slope,
    solve_increasing,
)
from nfl_sim.models._base import Model
from nfl_sim.validation import Scalar, scalar_field

_TOLERANCE = 1e-12
_NODES = 12


@final
class Logistic(Model):
    """Logistic teacher: P(y = 1 | x) = sigma(signal * x_1), y = +-1, then y flipped by a coin.

    The reported loss is log(1 + exp(-y w.x)) on the flipped labels. Its best linear logit is c e_1
    with c = ``best_norm``, which is the teacher if nothing is flipped.

    Args:
        signal: |w0| >= 0.
        flip_probability: probability eps in [0, 1/2] that the observed label is the wrong one.

    Raises:
        ValueError: a field is not a finite scalar in its range, or float64 is off.

    References: {eq}`eq-logistic-density`, {eq}`eq-logistic-risk` in theory_notes/04_logistic.md.
    """

    binary: ClassVar[bool] = True
    signal: Scalar = scalar_field("signal", low=0.0)
    flip_probability: Scalar = scalar_field("flip_probability", low=0.0, high=0.5, default=0.0)

    def sample(
        self,
        key: PRNGKeyArray,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float32,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Draw rows x ~ N(0, I_dim) and labels +-1, both of type ``dtype``."""
        covariate_key, label_key = jax.random.split(key)
        covariates = jax.random.normal(covariate_key, (num_samples, dim), dtype)
        return covariates, self.label(label_key, covariates)

    def label(self, key: PRNGKeyArray, covariates: Float[Array, "n d"]) -> Float[Array, " n"]:
        """+-1 by `link`, of the type of the covariates."""
        dtype = covariates.dtype
        chance = self.link(self.signal.astype(dtype) * covariates[:, 0])
        up = jax.random.uniform(key, covariates.shape[:1], dtype) < chance
        return jnp.where(up, 1.0, -1.0).astype(dtype)

    def link(self, logit: Float[Array, "..."]) -> Float[Array, "..."]:
        """sigma_eps(t) = eps + (1 - 2 eps) sigma(t), the probability of an observed label 1."""
        flip = self.flip_probability.astype(logit.dtype)
        return flip + (1.0 - 2.0 * flip) * sigmoid(logit)

    def residual(
        self, margin: Float[Array, "..."], label: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """(y + 1)/2 - sigma(margin) = y sigma(-y margin)."""
        return label * sigmoid(-label * margin)

    def loss(self, margin: Float[Array, "..."], label: Float[Array, "..."]) -> Float[Array, "..."]:
        """log(1 + exp(-y margin))."""
        return jnp.logaddexp(0.0, -label * margin)

    def influence(
        self,
        margin: Float[Array, "..."],
        label: Float[Array, "..."],
        norm: Float[Array, "..."],
        length: Scalar,
    ) -> Float[Array, "..."]:
        """|residual| in the metric of E[sigma'(w.x) x x'], which knows w and what is across it."""
        along = margin / _nonzero(length)
        across = jnp.maximum(norm**2 - along**2, 0.0)
        first, second = self.curvatures(length)
        square = along**2 / first + across / second
        safe = jnp.where(square > 0.0, square, 1.0)
        return jnp.abs(self.residual(margin, label)) * jnp.where(square > 0.0, jnp.sqrt(safe), 0.0)

    def curvatures(self, length: Scalar) -> tuple[Scalar, Scalar]:
        """Eigenvalues of E[sigma'(w.x) x x'] along a student w of this length, and across it."""
        across = jnp.where(length > 0.0, softplus_slope(length) / _nonzero(length), 0.25)
        return softplus_curvature(length), across

    @property
    def resolution(self) -> Scalar:
        """1: the labels are signs."""
        return jnp.ones(())

    @property
    def pull(self) -> Scalar:
        """kappa = (1 - 2 eps) E[a sigma(|w0| a)]: the risk of w is S(|w|) - kappa w_1."""
        return (1.0 - 2.0 * self.flip_probability) * softplus_slope(self.signal)

    @property
    def best_norm(self) -> Scalar:
        """Length c of the best linear logit, S'(c) = kappa."""
        return self._best_norm_at(jnp.ones(()))

    def excess_risk(self, weights: Float[Array, " d"]) -> Scalar:
        """E log-loss of ``weights`` minus that of the best linear logit, to 1e-12 absolute.

        References: {eq}`eq-logistic-excess` in theory_notes/04_logistic.md.
        """
        along, across, norm = _frame(weights)
        turned = jnp.where(along > 0.0, across**2 / _nonzero(norm + along), norm - along)
        return softplus_divergence(norm, self.best_norm) + self.pull * turned

    def diagnostics(self, weights: Float[Array, " d"]) -> Mapping[str, Scalar]:
        """Errors and calibration of ``weights``, exact up to 1e-9.

        ``error`` is on labels before flips, ``noisy_error`` after; ``calibration_slope`` is the
        best factor of the logits and ``calibration_error`` the expected |P(y=1|w.x) - sigma(w.x)|.

        References: {eq}`eq-logistic-error`, {eq}`eq-calibration-slope`,
        {eq}`eq-calibration-error` in theory_notes/04_logistic.md.
        """
        along, across, norm = _frame(weights)
        cosine = along / _nonzero(norm)
        excess, least = self._excess_error(along, across), self._least_error
        error, flip = least + excess, self.flip_probability
        return {
            "excess_error": excess,
            "error": error,
            "noisy_error": flip + (1.0 - 2.0 * flip) * error,
            "calibration_slope": jnp.sign(cosine) * self._best_norm_at(jnp.abs(cosine)) / norm,
            "calibration_error": self._calibration_error(cosine, across / _nonzero(norm), norm),
        }

    def _best_norm_at(self, cosine: Scalar) -> Scalar:
        """The best length on a ray at this angle >= 0 to the teacher."""
        target = self.pull * cosine
        still = jax.lax.stop_gradient(target)
        root = solve_increasing(
            lambda scale: softplus_slope(scale) - still,
            jnp.zeros_like(still),
            self.signal,
            tolerance=_TOLERANCE,
        )
        return polish(lambda scale: softplus_slope(scale) - target, root, root)

    @property
    def _least_error(self) -> Scalar:
        """The teacher's own error."""
        nodes, weights = half_normal_rule()
        return sigmoid(-self.signal * nodes) @ weights

    def _excess_error(self, along: Scalar, across: Scalar) -> Scalar:
        nodes, weights = half_normal_rule()
        aligned = across == 0.0
        slope = jnp.where(aligned, 0.0, along / jnp.where(aligned, 1.0, across))
        beyond = jnp.where(
            aligned & (along != 0.0),
            jnp.where(along < 0.0, 1.0, 0.0),
            0.5 * erfc(nodes * slope / np.sqrt(2.0)),
        )
        return (jnp.tanh(0.5 * self.signal * nodes) * beyond) @ weights

    def _calibration_error(self, cosine: Scalar, sine: Scalar, norm: Scalar) -> Scalar:
        """Twice the integral over u > 0 of phi(u) |P(y=1|w.x=|w|u) - sigma(|w|u)|."""
        edges = half_normal_edges()
        points = jnp.asarray(panel_nodes(edges, _NODES)[0])
        means, std, flip = self.signal * cosine * points, self.signal * sine, self.flip_probability
        clean = mean_sigmoid(means, std, at_most=self.signal)
        gap = flip + (1.0 - 2.0 * flip) * clean - sigmoid(norm * points)
        values = jnp.reshape(2.0 * pdf(points) * gap, (-1, _NODES))
        return integrate_absolute(values, jnp.asarray(np.diff(edges)))


def _frame(weights: Float[Array, " d"]) -> tuple[Scalar, Scalar, Scalar]:
    """Component along the teacher, length across it, and norm; differentiable also at 0."""
    along, square = weights[0], jnp.sum(weights[1:] ** 2)
    across = jnp.where(square > 0.0, jnp.sqrt(jnp.where(square > 0.0, square, 1.0)), 0.0)
    total = along**2 + square
    norm = jnp.where(total > 0.0, jnp.sqrt(jnp.where(total > 0.0, total, 1.0)), 0.0)
    return along, across, norm


def _nonzero(value: Scalar) -> Scalar:
    return jnp.where(value == 0.0, 1.0, value)
