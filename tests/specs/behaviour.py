"""What a spec does, as one function of it: to hold transformed specs against plain ones."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from nfl_sim import Probe, Problem
from nfl_sim.learners import Learner, Ridge
from nfl_sim.models import Linear, Model
from nfl_sim.pruning import JointRule, KeepHardest, PointwiseRule
from nfl_sim.scores import EL2N, FittedProbe, PointwiseScore, View
from nfl_sim.simulation import score
from nfl_sim.simulation.steps import consulted

rng = np.random.default_rng(0)
ROWS = jnp.asarray(rng.normal(size=(7, 3)))
LABELS = jnp.asarray(rng.normal(size=7))
POINTS = jnp.linspace(-2.0, 2.0, 7)
FEATURES = {
    "residual": POINTS,
    "loss": jnp.exp(POINTS),
    "probe_margin": jnp.flip(POINTS) + 0.25,
    "label": POINTS**2 - 1.0,
    "norm": jnp.abs(POINTS) + 0.5,
    "influence": jnp.abs(POINTS - 0.3),
}


def view(sees: frozenset[Any]) -> View:
    """A view of just these features."""
    return View({name: FEATURES[name] for name in sees})


def behaviour(spec: Any) -> Array:
    """A vector that depends on all that the spec is for."""
    match spec:
        case Model():
            risks = [
                v for row in ROWS for v in (spec.excess_risk(row), *spec.diagnostics(row).values())
            ]
            samples = spec.residual(POINTS, LABELS), spec.loss(POINTS, LABELS)
            return jnp.concatenate([jnp.stack(risks), *samples])
        case PointwiseScore():
            return jnp.broadcast_to(spec(view(spec.sees)), POINTS.shape)
        case PointwiseRule():
            level = jnp.asarray(0.1)
            inclusion = spec.inclusion(POINTS, level)
            return jnp.concatenate([spec.priority(POINTS), inclusion, spec.weight(POINTS, level)])
        case JointRule():  # what it chooses is decided outside of jit
            return spec.fraction[None]
        case Learner():
            weights = jnp.ones(7).at[-1].set(0.0)
            labels = jnp.sign(LABELS) if spec.binary else LABELS
            student, exists, converged = spec.fit(ROWS, labels, weights)
            loss = spec.training_loss(student, ROWS, labels, weights)
            flags = jnp.stack([exists, converged]).astype(jnp.float64)
            return jnp.concatenate([student, loss[None], flags])
        case Probe():
            return jnp.concatenate([spec.plane, spec.direction])
        case FittedProbe():
            key, ridge = jax.random.key(0), Ridge(0.1)
            problem = Problem(Linear(1.0, 1.0), EL2N(spec), KeepHardest(0.5), ridge)
            weights = spec.fit(key, ROWS, LABELS, ridge).weights
            scored = consulted(key, problem, ROWS, LABELS, further=4)[0]
            return jnp.concatenate([weights, scored])
        case Problem():
            parts = [spec.model, spec.rule, spec.learner]
            scored = score(jax.random.key(0), spec, ROWS, LABELS)
            return jnp.concatenate([scored, *map(behaviour, parts)])
        case _:
            return jnp.asarray([float(n) for n in vars(spec).values()])
