"""Closed forms: selection by the length of the covariate."""

from typing import final

import jax.numpy as jnp

from nfl_sim.gaussian import RadialMoments, radial_beyond, radial_moments
from nfl_sim.theory.linear.gaussian_nodes import elliptic_nodes
from nfl_sim.theory.linear.law import (
    Expansion,
    Fluctuation,
    KeptNodes,
    LinearLaw,
    Nested,
    Plane,
    jet,
)
from nfl_sim.theory.second_order import Cut
from nfl_sim.validation import Scalar


@final
class RadialLaw(LinearLaw):
    """Keep the longest, or the shortest, covariates: A = m I and no bias without penalty.

    Args:
        teacher, noise_std, penalty, dim: of the problem.
        outside: keep the longest (True) or the shortest (False).

    References: {eq}`eq-leverage-limit` in theory_notes/03_linear.md.
    """

    teacher: Plane
    noise_std: Scalar
    penalty: Scalar
    dim: int
    outside: bool

    def moments(self, fraction: Scalar) -> RadialMoments:
        """Of x under the kept law."""
        return radial_moments(fraction, self.dim, self.outside)

    def expand(self, fraction: Scalar) -> Expansion:
        """In closed form; the error is that of rounding."""
        deviation = jet(self.deviation, fraction)
        return Expansion(
            threshold=self.moments(fraction).threshold,
            cut=Cut.of_top(fraction),
            deviation=deviation,
            fluctuation=self.fluctuation(fraction).times(1.0 / fraction),
            numerical_error=1e-12 * jnp.sum(deviation.value**2),
            converged=jnp.asarray(True),
        )

    def nested(self) -> Nested:
        """At a fraction as the level, with nodes that have the moments of the shell."""

        def nodes(second: Scalar, fourth: Scalar) -> KeptNodes:
            return elliptic_nodes(second, fourth, jnp.zeros(2), self.noise_std, self.dim)

        def top(fraction: Scalar) -> KeptNodes:
            moments = self.moments(fraction)
            return nodes(moments.second, moments.fourth).times(fraction)

        def beyond(threshold: Scalar) -> KeptNodes:
            mass, moments = radial_beyond(threshold, self.dim)
            return nodes(moments.second, moments.fourth).times(mass)

        return Nested(
            top=top,
            coarse=top,
            level=lambda fraction: fraction,
            threshold=lambda fraction: self.moments(fraction).threshold,
            whole=nodes(jnp.ones(()), jnp.ones(())),
            axes=jnp.eye(2),
            reference=self.teacher,
            teacher=self.teacher,
            noise_std=self.noise_std,
            beyond=beyond,
            coarse_beyond=beyond,
        )

    def deviation(self, fraction: Scalar) -> Plane:
        """-penalty w0 / (m + penalty)."""
        return -self.penalty / (self.moments(fraction).second + self.penalty) * self.teacher

    def small_fraction_deviation(self) -> Plane:
        """m tends to infinity (longest) or to 0 (shortest)."""
        if self.outside:
            return jnp.zeros(2)
        return jnp.where(self.penalty > 0.0, -self.teacher, 0.0)

    def fluctuation(self, fraction: Scalar) -> Fluctuation:
        """With D the deviation: E[x x' e^2] = m sigma^2 I + m_2 (|D|^2 I + 2 D D')."""
        moments = self.moments(fraction)
        shrink = 1.0 / (moments.second + self.penalty)
        gap = self.deviation(fraction)
        student = self.teacher + gap
        size = jnp.sum(gap**2)
        perpendicular = moments.second * self.noise_std**2 + moments.fourth * size
        covariance = (
            perpendicular * jnp.eye(2)
            + 2.0 * moments.fourth * jnp.outer(gap, gap)
            - self.penalty**2 * jnp.outer(student, student)
        )
        cubic = -shrink * (self.dim + 2) * moments.fourth * gap
        bias = -shrink * (cubic - self.penalty * moments.second * shrink * student)
        return Fluctuation(
            covariance=shrink**2 * covariance,
            perpendicular=shrink**2 * perpendicular,
            bias=bias,
            residual=self.noise_std**2 + moments.second * size,
        )
