"""Closed forms: selection by the size of one Gaussian direction of (x, noise)."""

from typing import Literal, final

import jax.numpy as jnp

from nfl_sim.gaussian import SlabMoments, slab_beyond, slab_moments
from nfl_sim.models import Linear
from nfl_sim.scores import Probe
from nfl_sim.theory.linear.frame import teacher_plane
from nfl_sim.theory.linear.gaussian_nodes import elliptic_nodes, slab_nodes
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

Kept = Literal["outside", "inside", "all"]


@final
class SlabLaw(LinearLaw):
    """Keep z = (x_1, x_2, noise/noise_std) by |a.z| for a unit vector a = (axis, axis_noise).

    EL2N, |w_p.x| and random pruning are the slabs of the residual, the margin and nothing. The
    residual of the student w is alpha T + p.z, with T = a.z, alpha = a.h and p = h - alpha a for
    the vector h = (w0 - w, noise_std). Both are computed from a reference student whose own
    (alpha, p) is exact, so nothing cancels where kappa is tiny.

    Args:
        axis, axis_noise: the two parts of a.
        unit: score units of one standard deviation of T.
        reference: the student whose residual has alpha = slope, p = (0, 0, noise).
        slope, noise: see ``reference``.
        teacher, penalty, dim: of the problem.
        kept: which side of the slab is kept.
    """

    axis: Plane
    axis_noise: Scalar
    unit: Scalar
    reference: Plane
    slope: Scalar
    noise: Scalar
    teacher: Plane
    penalty: Scalar
    dim: int
    kept: Kept

    @classmethod
    def of_residual(
        cls, model: Linear, probe: Probe, penalty: Scalar, dim: int, *, hardest: bool
    ) -> "SlabLaw":
        """EL2N: the residual of the probe, y - w_p.x = sqrt(v) T."""
        teacher = teacher_plane(model)
        offset = teacher - probe.plane
        std = jnp.sqrt(jnp.sum(offset**2) + model.noise_std**2)
        return cls(
            axis=offset / std,
            axis_noise=model.noise_std / std,
            unit=std,
            reference=probe.plane,
            slope=std,
            noise=jnp.zeros(()),
            teacher=teacher,
            penalty=penalty,
            dim=dim,
            kept="outside" if hardest else "inside",
        )

    @classmethod
    def of_margin(
        cls, model: Linear, probe: Probe, penalty: Scalar, dim: int, *, hardest: bool
    ) -> "SlabLaw":
        """Uncertainty: the margin of the probe, w_p.x; the hardest lie inside."""
        return cls(
            axis=probe.direction,
            axis_noise=jnp.zeros(()),
            unit=-probe.norm,
            reference=teacher_plane(model),
            slope=jnp.zeros(()),
            noise=model.noise_std,
            teacher=teacher_plane(model),
            penalty=penalty,
            dim=dim,
            kept="inside" if hardest else "outside",
        )

    @classmethod
    def of_nothing(cls, model: Linear, penalty: Scalar, dim: int) -> "SlabLaw":
        """Random pruning: any direction serves, here that of the noise."""
        return cls(
            axis=jnp.zeros(2),
            axis_noise=jnp.ones(()),
            unit=jnp.asarray(jnp.nan),
            reference=teacher_plane(model),
            slope=model.noise_std,
            noise=jnp.zeros(()),
            teacher=teacher_plane(model),
            penalty=penalty,
            dim=dim,
            kept="all",
        )

    def moments(self, fraction: Scalar) -> SlabMoments:
        """Of T under the kept law; a probe of norm 0 ties everything, so it keeps at random."""
        everything = SlabMoments(jnp.zeros(()), jnp.ones(()), jnp.zeros(()), 3.0 * jnp.ones(()))
        if self.kept == "all":
            return everything
        chosen = slab_moments(fraction, self.kept == "outside")
        return SlabMoments(
            *(jnp.where(self.unit == 0.0, e, c) for e, c in zip(everything, chosen, strict=True))
        )

    def expand(self, fraction: Scalar) -> Expansion:
        """In closed form; the error is that of rounding."""
        deviation = jet(self.deviation, fraction)
        return Expansion(
            threshold=self.unit * self.moments(fraction).threshold,
            cut=Cut.of_top(fraction),
            deviation=deviation,
            fluctuation=self.fluctuation(fraction).times(1.0 / fraction),
            numerical_error=1e-13 * jnp.sum(deviation.value**2),
            converged=jnp.asarray(True),
        )

    def nested(self) -> Nested:
        """At a fraction as the level, with nodes that have the moments of the slab."""
        axis = jnp.append(self.axis, self.axis_noise)

        def top(fraction: Scalar) -> KeptNodes:
            moments = self.moments(fraction)
            return slab_nodes(moments, axis, self.slope, self.noise, self.dim).times(fraction)

        def beyond(threshold: Scalar) -> KeptNodes:
            mass, moments = slab_beyond(threshold / self.unit)
            return slab_nodes(moments, axis, self.slope, self.noise, self.dim).times(mass)

        noise_std = self.slope * self.axis_noise + self.noise
        offset, one = self.teacher - self.reference, jnp.ones(())
        return Nested(
            top=top,
            coarse=top,
            level=lambda fraction: fraction,
            threshold=lambda fraction: self.unit * self.moments(fraction).threshold,
            whole=elliptic_nodes(one, one, offset, noise_std, self.dim),
            axes=jnp.eye(2),
            reference=self.reference,
            teacher=self.teacher,
            noise_std=noise_std,
            beyond=None if self.kept == "all" else beyond,
            coarse_beyond=None if self.kept == "all" else beyond,
        )

    def deviation(self, fraction: Scalar) -> Plane:
        """g = (kappa - 1) axis_noise noise_std axis is an eigenvector of A."""
        moments = self.moments(fraction)
        noise_std = self.slope * self.axis_noise + self.noise
        pull = moments.excess * self.axis_noise * noise_std * self._along(moments) * self.axis
        return pull - self.penalty * self._shrink(moments, self.teacher)

    def small_fraction_deviation(self) -> Plane:
        """The limit of `deviation` as the fraction tends to 0, where kappa is 0 or infinite."""
        if self.kept == "all":
            return self.deviation(jnp.ones(()))
        length = jnp.sum(self.axis**2)
        safe = jnp.where(length > 0.0, length, 1.0)
        if self.kept == "outside":
            ratio = jnp.where(length > 0.0, 1.0 / safe, 0.0)
        else:
            bottom = self.axis_noise**2 + self.penalty
            ratio = jnp.where(bottom > 0.0, -1.0 / jnp.where(bottom > 0.0, bottom, 1.0), 0.0)
        noise_std = self.slope * self.axis_noise + self.noise
        projected = self.axis * jnp.sum(self.axis * self.teacher)
        shrunk = (self.teacher - ratio * projected) / (1.0 + self.penalty)
        limit = ratio * self.axis_noise * noise_std * self.axis - self.penalty * shrunk
        return jnp.where(self.unit == 0.0, self.deviation(jnp.ones(())), limit)

    def fluctuation(self, fraction: Scalar) -> Fluctuation:
        """The Wick formulas {eq}`eq-slab-wick` and {eq}`eq-slab-cubic` at h."""
        moments = self.moments(fraction)
        _, kappa, excess, fourth = moments
        a, along, across = self.axis, self._along(moments), 1.0 / (1.0 + self.penalty)
        alpha, p, p_noise = self._residual(moments)
        shrunk_p = self._shrink(moments, p)
        size = jnp.sum(p**2) + p_noise**2
        residual = alpha**2 * kappa + size
        # L P L, with P = 1 - a a' and the two eigenvalues of L kept apart.
        spread = across**2 * jnp.eye(2) - jnp.outer(a, a) * (along * across) ** 2 * (
            (kappa + self.penalty) ** 2 - (excess * self.axis_noise) ** 2
        )
        covariance = (
            along**2 * jnp.outer(a, a) * (alpha**2 * fourth + kappa * size)
            + spread * residual
            + 2.0 * jnp.outer(shrunk_p, shrunk_p)
            + 2.0 * alpha * kappa * along * (jnp.outer(a, shrunk_p) + jnp.outer(shrunk_p, a))
        )
        # The stationary E[psi] = 0 removes what the penalty adds to E[x e].
        length = jnp.sum(a**2)
        trace = along * self.axis_noise**2 + across
        overlap = along * jnp.sum(a * p)
        cubic = (
            a * (alpha * fourth * along * length + 2.0 * kappa * overlap + alpha * kappa * trace)
            + kappa * along * length * p
            + 2.0 * alpha * kappa * along * self.axis_noise**2 * a
            + trace * p
            + 2.0 * (shrunk_p - a * jnp.sum(a * shrunk_p))
        )
        student = self.teacher + self.deviation(fraction)
        image = student + excess * a * jnp.sum(a * student)
        pulled = (self.dim - 2) * across * self.penalty * student
        bias = -self._shrink(moments, cubic + pulled - self.penalty * self._shrink(moments, image))
        covariance = covariance - self.penalty**2 * jnp.outer(
            self._shrink(moments, student), self._shrink(moments, student)
        )
        return Fluctuation(covariance, across**2 * residual, bias, residual)

    def _along(self, moments: SlabMoments) -> Scalar:
        """The eigenvalue of L = (A + penalty)^-1 along the axis."""
        length = jnp.sum(self.axis**2)
        return 1.0 / (self.axis_noise**2 + moments.second * length + self.penalty)

    def _shrink(self, moments: SlabMoments, vector: Plane) -> Plane:
        """L v: along the axis by `_along`, across it by 1 / (1 + penalty)."""
        projected = self.axis * jnp.sum(self.axis * vector)
        return (vector - moments.excess * self._along(moments) * projected) / (1.0 + self.penalty)

    def _residual(self, moments: SlabMoments) -> tuple[Scalar, Plane, Scalar]:
        """(alpha, p) of the residual of w_inf; p is split into its plane and its noise part."""
        pull = moments.second * self.slope * self._along(moments)
        shrunk = self.penalty * self._shrink(moments, self.reference)
        overlap = jnp.sum(self.axis * shrunk)
        alpha = self.slope - pull * jnp.sum(self.axis**2) + overlap
        p = shrunk - self.axis * overlap - self.axis_noise**2 * pull * self.axis
        along = pull * jnp.sum(self.axis**2) - overlap
        return alpha, p, self.noise + self.axis_noise * along
