"""A score as a function of z = y x along the probe, for each label."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.problem import Problem, probe_of
from nfl_sim.scores import View
from nfl_sim.theory.crossings import Profile, graded_grid
from nfl_sim.validation import Scalar

LABELS = np.array([1.0, -1.0])
_REGULAR = 4001
_MARGIN = 1e-9

Values = Float[Array, "..."]


def label_profile(problem: Problem, reach: float) -> Profile:
    """The priority against the place z on [-reach, reach], one row a label.

    Crossings of a level are bracketed on a grid that is dense about 0; finer structure elsewhere
    is missed.
    """
    grid = graded_grid(reach, jnp.zeros(1), regular=_REGULAR)
    grid = jnp.broadcast_to(grid, (2, len(grid)))
    return Profile.of(lambda place: label_priority(problem, place, jnp.abs(place)), grid)


def label_priority(problem: Problem, place: Values, norm: Values) -> Values:
    """Priority of samples with z at ``place`` along the probe; the first axis is the label."""
    probe = probe_of(problem)
    label = jnp.asarray(LABELS).reshape(2, *(1,) * (place.ndim - 1))
    margin = label * place * (0.0 if probe is None else probe.norm)
    return problem.rule.priority(_score(problem, margin, label, norm))


def level_range(profile: Profile) -> tuple[Scalar, Scalar]:
    """The levels between which everything is kept; a level is minus a priority."""
    return -jnp.max(profile.values) - _MARGIN, -jnp.min(profile.values) + _MARGIN


def score_at(problem: Problem, place: Scalar) -> Scalar:
    """The score of a sample with label 1 whose x lies at ``place`` along the probe."""
    probe = probe_of(problem)
    margin = place * (0.0 if probe is None else probe.norm)
    return _score(problem, margin, jnp.ones(()), jnp.abs(place))


def _score(problem: Problem, margin: Values, label: Values, norm: Values) -> Values:
    """The score of samples with these features, in the shape that they broadcast to."""
    features = {
        "residual": problem.model.residual(margin, label),
        "loss": problem.model.loss(margin, label),
        "probe_margin": margin,
        "label": label,
        "norm": norm,
    }
    if "influence" in problem.score.sees:
        probe = probe_of(problem)
        length = jnp.zeros(()) if probe is None else probe.norm
        features["influence"] = problem.model.influence(margin, label, norm, length)
    shape = jnp.broadcast_shapes(margin.shape, norm.shape)
    seen = {name: jnp.broadcast_to(features[name], shape) for name in problem.score.sees}
    return jnp.broadcast_to(problem.score(View(seen)), shape)
