"""Moments of a sensitivity capped at a threshold, on panels that end at every kink."""

import math
from typing import NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import xlog1py
from jaxtyping import Array, Bool, Float

from nfl_sim.gaussian import Rule, clustered_rule, on_intervals
from nfl_sim.theory.ceiling.sensitivity import Sensitivity, Values
from nfl_sim.theory.crossings import Profile
from nfl_sim.validation import Scalar

_REACH = 9.0
_CUTS = np.array([1.0, 3.5, _REACH])
_FINE_CUTS = np.array([1e-3, 0.03, 0.5, 1.5, 4.0, 12.0])  # in units of the law
_ROOT_CUTS = np.array([-_REACH, -3.0, 0.0, 3.0, _REACH])  # about the mode of the root of rho
_GRID = _REACH * np.geomspace(1e-6, 1.0, 200)
_MOST = 4  # turning points, and crossings of a level, of s as a function of z
_FAR = 1e100
_GAP = 1e-9


class CappedMoments(NamedTuple):
    """E min(s, t), E s max(s, t), E s and E s^2 of a sensitivity s and a threshold t.

    ``resolved`` says whether every crossing of s = t was seen.
    """

    least: Scalar
    most: Scalar
    first: Scalar
    second: Scalar
    resolved: Bool[Array, ""]


@final
class CappedLaw(eqx.Module):
    """A law of s, and where panels in z end besides at s = t: fixed cuts, and where s turns.

    A random rho is held at its least and at its typical value, one row each: about the crossings
    of s = t there, the mean over rho bends.

    Args:
        law: of s.
        profile: s as a function of z, one row for each value of rho.
        cuts: shape (k,).
    """

    law: Sensitivity
    profile: Profile
    cuts: Float[Array, " k"]

    @classmethod
    def of(cls, law: Sensitivity) -> "CappedLaw":
        """Sample s as a function of z and find where it turns."""
        typical = float(law.degrees)
        held = np.array([0.0, max(typical - 1.0, 0.5)] if law.random else [typical])[:, None]

        def curve(z: Values) -> Values:
            return law.at(z, jnp.broadcast_to(held, z.shape))

        def slope(z: Values) -> Values:
            return jax.jvp(curve, (z,), (jnp.ones_like(z),))[1]

        grid = np.concatenate([np.zeros(1) if law.even else -_GRID[::-1], _GRID])
        grid = jnp.broadcast_to(jnp.asarray(grid), (len(held), len(grid)))
        turning = Profile.of(slope, grid).pieces(jnp.zeros(()), _MOST)[0].high[:, :-1]
        profile = Profile.of(curve, jnp.sort(jnp.concatenate([grid, turning], axis=-1), axis=-1))
        fine = jnp.minimum(law.unit * _FINE_CUTS, _REACH)
        half = jnp.concatenate([jnp.asarray(_CUTS), fine])
        other = jnp.zeros(1) if law.even else jnp.append(-half, 0.0)
        return cls(law, profile, jnp.concatenate([other, half, turning.ravel()]))

    @property
    def largest(self) -> Scalar:
        """A bound on s within the reach of the panels."""
        points = self.profile.grid[0]
        furthest = (math.sqrt(self.law.degrees) + _REACH) ** 2
        return jnp.max(self.law.at(points, jnp.full_like(points, furthest)))

    def moments(self, threshold: Scalar, count: int) -> CappedMoments:
        """By ``count`` nodes a panel, in z and, if random, in the root of rho.

        A kink may move to first order without moving the mean of a continuous function, so no
        derivative flows through the panels.
        """
        law, rule = self.law, clustered_rule(count)
        pieces = self.profile.pieces(jax.lax.stop_gradient(threshold), _MOST)[0]
        edges = jnp.concatenate([self.cuts, pieces.high[:, :-1].ravel()])
        z, weights = _on_panels(edges, rule)
        weights, z = _normalised(weights * law.density(z))[:, None], z[:, None]
        rho = jnp.full_like(z, float(law.degrees))
        if law.random:
            root, inner = self._roots(z[:, 0], threshold, rule)
            rho, weights = root**2, weights * inner
        s = law.at(jnp.broadcast_to(z, rho.shape), rho)
        return CappedMoments(
            least=jnp.sum(weights * jnp.minimum(s, threshold)),
            most=jnp.sum(weights * s * jnp.maximum(s, threshold)),
            first=jnp.sum(weights * s),
            second=jnp.sum(weights * s**2),
            resolved=pieces.resolved,
        )

    def _roots(
        self, z: Float[Array, " n"], threshold: Scalar, rule: Rule
    ) -> tuple[Float[Array, "n k"], Float[Array, "n k"]]:
        """Nodes of a chi law for each z, on panels that end where s crosses the threshold."""
        law, mode = self.law, math.sqrt(self.law.degrees - 1)
        cuts = np.maximum(mode + _ROOT_CUTS, 0.0)
        ratio = jnp.minimum(threshold / law.amplitude(z), _FAR)
        square = jnp.maximum((ratio**2 - law.along * z**2) / law.across, 0.0)
        kink = jnp.clip(jnp.sqrt(square), cuts[0] + _GAP, cuts[-1] - _GAP)
        cuts = jnp.broadcast_to(jnp.asarray(cuts), (len(z), len(cuts)))
        root, weights = _on_panels(jnp.concatenate([cuts, kink[:, None]], axis=-1), rule)
        return root, _normalised(weights * _chi_density(root, law.degrees))


def _on_panels(edges: Values, rule: Rule) -> tuple[Values, Values]:
    """Nodes and weights of a rule on every panel between edges, in any order, of the last axis."""
    edges = jax.lax.stop_gradient(jnp.sort(edges, axis=-1))
    nodes, weights = on_intervals(edges[..., :-1], edges[..., 1:], rule)
    flat = (*edges.shape[:-1], -1)
    return jnp.reshape(nodes, flat), jnp.reshape(weights, flat)


def _chi_density(root: Values, degrees: int) -> Values:
    """Up to a factor; the logarithm is taken about the mode, where it has no cancellation."""
    centre = math.sqrt(max(degrees - 1, 1))
    gap = root - centre
    power = xlog1py(float(degrees - 1), gap / centre)
    return jnp.exp(power - 0.5 * gap * (root + centre))


def _normalised(weights: Values) -> Values:
    return weights / jnp.sum(weights, axis=-1, keepdims=True)
