"""State evolution: the student of any convex loss on a kept law, in high dimension."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.theory.proportional.law import SignedLaw, Student
from nfl_sim.theory.proportional.newton import (
    Root,
    Unknowns,
    newton,
    refine,
)
from nfl_sim.theory.proportional.panels import COARSE, FINE
from nfl_sim.theory.proportional.ridge import solve_ridge
from nfl_sim.validation import Scalar

_TOLERANCE, _ACCURATE, _ROUGH = 1e-9, 1e-8, 1e-8
_STEPS = 40
_ATTEMPTS, _DAMPED_STEPS = 3, 100
_SOFTEST = 1e-3


class Moments(NamedTuple):
    """What a loss makes of a kept law: averages of u = prox(w.z; omega V) - w.z.

    Args:
        along, across: E[u z] and E[u v].
        square: E[u^2].
        response: E[1 - prox'].
        loss: E[omega l(prox)] / E[omega], the training loss of a sample.
        support: share of samples with u != 0.
    """

    along: Scalar
    across: Scalar
    square: Scalar
    response: Scalar
    loss: Scalar
    support: Scalar


@runtime_checkable
class Channel(Protocol):
    """The moments of one loss on a kept law."""

    @property
    def target(self) -> float:
        """The margin at which a parabola that resembles the loss is least."""
        ...

    @property
    def curvature(self) -> float:
        """Of that parabola."""
        ...

    def moments(self, law: SignedLaw, student: Student, step: Scalar, order: int) -> Moments:
        """At a student and a susceptibility V = ``step``."""
        ...


class Evolution(NamedTuple):
    """The one solution of the state evolution.

    Args:
        student: its order parameters.
        susceptibility: V.
        moments: of the loss there.
        moved: the student that coarser nodes give.
        converged: whether the last step to it was below 1e-8.
    """

    student: Student
    susceptibility: Scalar
    moments: Moments
    moved: Student
    converged: Bool[Array, ""]


def solve_evolution(
    fine: SignedLaw, coarse: SignedLaw, channel: Channel, ratio: Scalar, ridge: Scalar
) -> Evolution:
    """Solve {eq}`eq-se-direction`, {eq}`eq-se-norm` and {eq}`eq-se-susceptibility`.

    Args:
        fine, coarse: the same law on more and on fewer nodes.
        channel: of the loss.
        ratio: kept samples a dimension.
        ridge: penalty times ratio times E[omega]. The problem must have a finite solution.
    """
    rough = _search(*jax.lax.stop_gradient((coarse, channel, ratio, ridge))).unknowns
    root = refine(
        lambda x: _equations(fine, channel, ratio, ridge, x, FINE),
        rough,
        _units,
        tolerance=_TOLERANCE,
    )
    point = root.unknowns
    student, step = _unpack(point)
    return Evolution(
        student=student,
        susceptibility=step,
        moments=channel.moments(fine, student, step, FINE),
        moved=_unpack(jax.lax.stop_gradient(rough))[0],
        converged=root.is_within(_ACCURATE),
    )


def _equations(
    law: SignedLaw, channel: Channel, ratio: Scalar, ridge: Scalar, x: Unknowns, order: int
) -> Unknowns:
    """In units that do not depend on the size of the student."""
    student, step = _unpack(x)
    found = channel.moments(law, student, step, order)
    return jnp.stack(
        [
            (ratio * found.along - ridge * step * student.along) / student.norm,
            (ratio * found.across - ridge * step * student.across) / student.norm,
            2.0 * x[2] - jnp.log(ratio * found.square),
            1.0 - ridge * step - ratio * found.response,
        ]
    )


def _search(law: SignedLaw, channel: Channel, ratio: Scalar, ridge: Scalar) -> Root:
    """Newton from the student of a parabola, and if that fails from a damped iteration."""

    def equations(x: Unknowns) -> Unknowns:
        return _equations(law, channel, ratio, ridge, x, COARSE)

    start = _parabola(law, channel, ratio, ridge)

    def iterate(_, x: Unknowns) -> Unknowns:
        student, step = _unpack(x)
        found = channel.moments(law, student, step, COARSE)
        response = ratio * found.response
        along = ratio * found.along + response * student.along
        across = ratio * found.across + response * student.across
        rest = 0.5 * jnp.log(ratio * found.square)
        inverse = ridge + response / step
        new = jnp.stack([along, across, rest, -jnp.log(inverse)])
        return 0.5 * (x + new)

    def again(state):
        count, root = state
        return (count < _ATTEMPTS) & ~root.is_within(_ROUGH)

    def attempt(state):
        count, _ = state
        calm = jax.lax.fori_loop(0, _DAMPED_STEPS * count, iterate, start)
        return count + 1, newton(equations, calm, _units, tolerance=_ROUGH, steps=_STEPS)

    first = (jnp.asarray(0), Root(start, jnp.asarray(jnp.inf)))
    return jax.lax.while_loop(again, attempt, first)[1]


def _parabola(law: SignedLaw, channel: Channel, ratio: Scalar, ridge: Scalar) -> Unknowns:
    """The student of the loss curvature (target - h)^2 / 2."""
    curvature = channel.curvature
    found = solve_ridge(law, ratio, ridge / curvature)
    along, across, rest = (channel.target * part for part in found.student)
    step = 1.0 / (curvature * jnp.maximum(found.stiffness, _SOFTEST))
    return jnp.stack([along, across, jnp.log(rest), jnp.log(step)])


def _units(x: Unknowns) -> Unknowns:
    norm = _unpack(x)[0].norm
    return jnp.stack([norm, norm, jnp.ones(()), jnp.ones(())])


def _unpack(x: Unknowns) -> tuple[Student, Scalar]:
    return Student(x[0], x[1], jnp.exp(x[2])), jnp.exp(x[3])
