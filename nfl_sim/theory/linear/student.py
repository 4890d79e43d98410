"""The linear student of a problem, described in the teacher's frame."""

import jax.numpy as jnp

from nfl_sim.learners import Ridge
from nfl_sim.models import Linear
from nfl_sim.problem import Problem, probe_of
from nfl_sim.scores import Probe
from nfl_sim.theory.linear.law import Plane
from nfl_sim.validation import NoTheoryError, Scalar


def ridge_penalty(problem: Problem) -> Scalar:
    """The penalty of the problem's learner; ``NoTheoryError`` unless it is Ridge."""
    if not isinstance(problem.learner, Ridge):
        raise NoTheoryError(
            f"no theory for the learner {type(problem.learner).__name__} on Linear; "
            "there is for Ridge"
        )
    return problem.learner.penalty


def linear_model(problem: Problem) -> Linear:
    """The problem's model, which the dispatch has found to be Linear."""
    assert isinstance(problem.model, Linear)
    return problem.model


def fixed_probe(problem: Problem) -> Probe:
    """The probe of a score that has one."""
    probe = probe_of(problem)
    assert probe is not None
    return probe


def student(problem: Problem, gap: Plane) -> dict[str, Scalar]:
    """The fields of a `Prediction` that describe w = w0 + gap."""
    weights = gap.at[0].add(linear_model(problem).signal)
    probe = probe_of(problem)
    return {
        "excess_risk": jnp.sum(gap**2),
        "parallel": weights[0],
        "orthogonal": weights[1],
        "norm": jnp.hypot(weights[0], weights[1]),
        "probe_overlap": jnp.asarray(jnp.nan)
        if probe is None
        else jnp.sum(weights * probe.direction),
    }
