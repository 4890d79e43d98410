"""The losses of the learners, as channels of the state evolution."""

from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp

from nfl_sim.gaussian import ConvexLoss, LogisticLoss
from nfl_sim.theory.proportional.law import SignedLaw, Student
from nfl_sim.theory.proportional.panels import Bend
from nfl_sim.theory.proportional.state_evolution import Moments
from nfl_sim.validation import Scalar

_TOUCHED = 1e-12


@final
class ProximalChannel(eqx.Module):
    """Any smooth convex loss, by quadrature of its proximal map.

    Of a loss with kinks the moments are right too, but Newton's method, which differentiates under
    the integral, does not see the kinks move and reports that it has not converged.

    Args:
        loss: the loss.
        target, curvature: of a parabola that resembles it; where the search starts.
    """

    loss: ConvexLoss
    target: float = 1.0
    curvature: float = 1.0

    def moments(self, law: SignedLaw, student: Student, step: Scalar, order: int) -> Moments:
        """On nodes whose panels end where the proximal map bends."""
        bends = [Bend(p, w) for p, w in self.loss.features(step * law.weights)]
        nodes = law.nodes(student, bends, order)
        steps = step * nodes.weight

        def move(point):
            return self.loss.proximal(point, steps) - point

        u, slope = jax.jvp(move, (nodes.margin,), (jnp.ones_like(nodes.margin),))
        loss = self.loss.value(nodes.margin + u)
        return Moments(
            along=jnp.sum(nodes.mass * nodes.along * u),
            across=jnp.sum(nodes.across * u),
            square=jnp.sum(nodes.mass * u**2),
            response=-jnp.sum(nodes.mass * slope),
            loss=jnp.sum(nodes.mass * nodes.weight * loss) / law.mean_weight,
            support=jnp.sum(jnp.where(u > _TOUCHED * steps, nodes.mass, 0.0)),
        )


@final
class HingeChannel(eqx.Module):
    """The hinge in closed form: its u is a difference of two ramps, from 1 and from 1 - omega V."""

    target: float = 1.0
    curvature: float = 1.0

    def moments(self, law: SignedLaw, student: Student, step: Scalar, order: int) -> Moments:
        """By the ramps of the law."""
        weights, steps = law.weights, step * law.weights
        near = law.ramps(student, jnp.ones_like(law.places), order)
        far = law.ramps(student, 1.0 - steps, order)
        u = near.first - far.first
        return Moments(
            along=jnp.sum(law.places * u),
            across=jnp.sum(near.across - far.across),
            square=jnp.sum(near.second - far.second - 2.0 * steps * far.first),
            response=jnp.sum(near.mass - far.mass),
            loss=jnp.sum(weights * far.first) / law.mean_weight,
            support=jnp.sum(near.mass),
        )


LOGISTIC = ProximalChannel(LogisticLoss(), target=2.0, curvature=0.25)
HINGE = HingeChannel()
