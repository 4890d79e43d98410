"""Calibration: the top of a nested family of kept sets, and a random choice from the rest."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp

from nfl_sim.pruning import Calibration
from nfl_sim.theory.linear.law import (
    Expansion,
    Fluctuation,
    Jet,
    KeptNodes,
    LinearLaw,
    Nested,
    Plane,
    jet_in_mass,
    numbers_agree,
)
from nfl_sim.theory.linear.node_moments import NodeMoments
from nfl_sim.theory.second_order import Cut
from nfl_sim.theory.strata import Strata
from nfl_sim.validation import Scalar


@final
class CalibratedLaw(LinearLaw):
    """The weighted law of a calibrated rule, and its sampling in strata of fixed sizes.

    Args:
        rule: its fraction is that of `expand`.
        nested: the kept sets of the rule's top.
        penalty, dim: of the problem.

    References: {eq}`eq-stratified-covariance`, {eq}`eq-stratified-finite-size` in
    theory_notes/08_calibration.md.
    """

    rule: Calibration
    family: Nested
    penalty: Scalar
    dim: int

    def nested(self) -> Nested:
        """That of the rule's top."""
        return self.family

    def expand(self, fraction: Scalar) -> Expansion:
        """By quadrature over the nodes of the family, which are exact for the closed forms."""
        family = self.family
        strata = Strata.of(eqx.tree_at(lambda r: r.fraction, self.rule, fraction))
        level = family.level(strata.cut)
        deviation, moving = jet_in_mass(lambda at: self._deviation(strata, family.top(at)), level)
        coarse, coarse_mass = self._deviation(strata, family.coarse(level))
        drift = (coarse_mass - strata.cut) * deviation.slope
        excess = jnp.sum(deviation.value**2)
        rounding = 1e-13 * jnp.sum(family.teacher**2)
        error = jnp.abs(excess - jnp.sum((coarse - drift) ** 2)) + rounding
        nodes = family.top(level)
        scale = jnp.sum(family.teacher**2) + family.noise_std**2
        fluctuation = self._fluctuation(strata, nodes, level, deviation.value)
        return Expansion(
            threshold=jnp.where(strata.present > 0.0, family.threshold(level), jnp.nan),
            cut=Cut.of_top(strata.top),
            deviation=Jet(*(vector @ family.axes for vector in deviation)),
            fluctuation=fluctuation.in_frame(family.axes),
            numerical_error=error,
            converged=numbers_agree(nodes, strata.cut, excess, error, scale) & moving,
        )

    def _parts(self, strata: Strata, top: KeptNodes) -> tuple[tuple[KeptNodes, ...], Scalar]:
        """The weighted law, with the counts of the strata fixed, and the mass of the top."""
        mass = jnp.sum(top.mass)
        surplus, rest = strata.shares(mass)
        return (top.times(surplus), self.family.whole.times(rest)), mass

    def _deviation(self, strata: Strata, top: KeptNodes) -> tuple[Plane, Scalar]:
        """w_inf - w0 along the axes, and the mass of the top."""
        family = self.family
        parts, mass = self._parts(strata, top)
        moments = NodeMoments(parts, strata.total, self.dim)
        teacher = family.axes @ family.teacher
        return moments.solve(lambda n: family.noise_std * n.noise, teacher, self.penalty), mass

    def _fluctuation(
        self, strata: Strata, top: KeptNodes, level: Scalar, deviation: Plane
    ) -> Fluctuation:
        """n times covariance and bias, the threshold apart: it moves with the jet."""
        family = self.family
        gap = deviation + family.axes @ (family.teacher - family.reference)
        parts, _ = self._parts(strata, top)
        matrix, off_plane = NodeMoments(parts, strata.total, self.dim).second()
        shrink = jnp.linalg.inv(matrix + self.penalty * jnp.eye(2)) / strata.total
        across = 1.0 / (off_plane + self.penalty) / strata.total
        chosen, others = in_strata(family, strata, top, strata.cut, self.dim)
        first, second = (m.fluctuation(gap, shrink, across) for m in (chosen, others))
        sampling = first.times(strata.top).plus(second.times(strata.weight**2 * strata.rest))
        residual = strata.top * first.residual + strata.weight * strata.rest * second.residual
        shift = self._edge(level, gap) - others.pull(gap)
        shift = strata.present * strata.weight * strata.inclusion * (shrink @ shift)
        return sampling._replace(
            bias=sampling.bias + shift,
            residual=residual / strata.total,
        )

    def _edge(self, level: Scalar, gap: Plane) -> Plane:
        """E[x e | score at the threshold]: the threshold's own sample belongs to the rest."""

        def sums(level):
            top = self.family.top(level)
            return NodeMoments((top,), jnp.ones(()), self.dim).pull(gap), jnp.sum(top.mass)

        pull, mass = jax.jvp(sums, (level,), (jnp.ones_like(level),))[1]
        return pull / mass


def in_strata(
    family: Nested, strata: Strata, top: KeptNodes, mass: Scalar, dim: int
) -> tuple[NodeMoments, NodeMoments]:
    """Expectations over the samples of the top, of this mass, and over those of the rest."""
    outside = (family.whole, top.times(-strata.present))
    return (
        NodeMoments((top,), mass, dim),
        NodeMoments(outside, 1.0 - strata.present * mass, dim),
    )
