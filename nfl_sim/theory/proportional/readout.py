"""From the order parameters of a student to what is predicted about it."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.problem import Problem, probe_of
from nfl_sim.theory.proportional.law import Student
from nfl_sim.validation import Scalar

Fields = dict[str, Scalar]


class Frame(NamedTuple):
    """The plane of a `Student` in the teacher's frame.

    Args:
        cosine, sine: of the signed angle from the teacher to the first axis.
    """

    cosine: Scalar
    sine: Scalar

    @classmethod
    def of(cls, problem: Problem, *, along_probe: bool) -> "Frame":
        """The probe's own; without a use for the probe, one whose second axis is the teacher."""
        probe = probe_of(problem)
        if probe is None or not along_probe:
            return cls(jnp.zeros(()), jnp.ones(()))
        return cls(*probe.direction)

    def plane(self, student: Student) -> Float[Array, " 2"]:
        """The components along the teacher e_1 and along e_2."""
        across = jnp.where(self.sine < 0.0, -student.across, student.across)
        parallel = student.along * self.cosine + across * self.sine
        return jnp.stack([parallel, student.along * self.sine - across * self.cosine])


def describe(problem: Problem, plane: Float[Array, " 2"], rest: Scalar) -> Fields:
    """The fields of a `Prediction` that follow from the student itself.

    Args:
        problem: whose model measures it.
        plane: its components along e_1 and e_2.
        rest: length of everything else.
    """
    weights = jnp.stack([plane[0], jnp.hypot(plane[1], rest)])
    probe = probe_of(problem)
    overlap = jnp.asarray(jnp.nan) if probe is None else jnp.sum(plane * probe.direction)
    return {
        "excess_risk": problem.model.excess_risk(weights),
        **problem.model.diagnostics(weights),
        "parallel": plane[0],
        "orthogonal": plane[1],
        "norm": jnp.sqrt(jnp.sum(weights**2)),
        "probe_overlap": overlap,
    }
