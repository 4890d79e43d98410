"""The kept samples from the order statistics of their scores: no sample is drawn in vain."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.models import Linear, Model
from nfl_sim.problem import Problem
from nfl_sim.simulation.draws._across import across_given
from nfl_sim.simulation.draws._draw import Draw
from nfl_sim.simulation.draws._latent import axis_of, basis_from, magnitude, radius
from nfl_sim.simulation.draws._masses import kept_masses
from nfl_sim.simulation.draws._normals import normal_rows
from nfl_sim.simulation.draws._signed_margin import MarginLaw, Quantile, quantiles
from nfl_sim.simulation.replicate import Chosen, Counts
from nfl_sim.simulation.steps import score
from nfl_sim.validation import Scalar

Labelled = tuple[Float[Array, "m d"], Float[Array, " m"]]


def draw_kept(
    key: PRNGKeyArray,
    problem: Problem,
    num_samples: Scalar,
    counts: Counts,
    draw: Draw,
    law: MarginLaw | None,
    *,
    dim: int,
    size: int,
) -> Chosen:
    """The chosen rows, drawn by themselves: work and memory do not know n.

    The masses of the kept come from the top of n uniforms, and say what the score sees of each; all
    else about a sample is independent of its score, given that.

    Args:
        key: of the replicate.
        problem: its score must be of the ``family``.
        num_samples, counts: n, and how many of them are kept.
        draw: what the score sees, and which samples are preferred.
        law: of the signed margin, where that is what it sees.
        dim, size: of the rows to return.

    References: {eq}`eq-draw-kept` in theory_notes/12_fast_draws.md.
    """
    mass_key, row_key, score_key = jax.random.split(key, 3)
    masses = kept_masses(mass_key, num_samples, counts, size, stratified=draw.stratified)
    rows, targets = _given(row_key, problem.model, problem.score, masses, draw, law, dim)
    place = jnp.arange(size)
    weights = jnp.where(place < counts.top, 1.0, counts.rest_weight)
    weights = jnp.where(place < counts.top + counts.rest, weights, 0.0)
    last = jnp.maximum(counts.top - 1, 0)
    scores = score(score_key, problem, rows[last][None, :], targets[last][None])
    threshold = jnp.where(counts.top > 0, scores[0], jnp.nan)
    return Chosen(rows, targets, weights, threshold, jnp.asarray(True))


def _given(key, model, rating, masses, draw: Draw, law: MarginLaw | None, dim: int) -> Labelled:
    """Rows and labels of samples whose scores have these masses above them."""
    size, plane = len(masses), min(dim, 2)
    rest_key, plane_key, label_key = jax.random.split(key, 3)
    if draw.family == "radius":
        direction = jax.random.normal(rest_key, (size, dim), jnp.float64)
        lengths = radius(masses, dim, outward=draw.outward)
        rows = direction * (lengths / jnp.linalg.norm(direction, axis=1))[:, None]
        return rows, model.label(label_key, rows)
    rest = normal_rows(rest_key, size, dim - plane)
    axis = axis_of(draw.family, model, rating, dim)[0]
    if law is not None:
        found = quantiles(law, masses, outward=draw.outward)
        seen, labels = _agreeing(plane_key, label_key, model, law, found, axis)
        return jnp.concatenate([seen, rest], axis=1), labels
    latent = jax.random.normal(plane_key, (size, len(axis)), jnp.float64)
    if draw.family != "random":
        scored = jnp.sign(latent[:, 0]) * magnitude(masses, outward=draw.outward)
        latent = latent.at[:, 0].set(scored) @ basis_from(axis).T
    rows = jnp.concatenate([latent[:, :plane], rest], axis=1)
    return rows, _label(label_key, model, rows, latent)


def _agreeing(
    across_key, label_key, model: Model, law: MarginLaw, found: Quantile, axis
) -> Labelled:
    """What the plane holds of samples with these signed margins, and their labels."""
    basis, plane = basis_from(axis), found.value[:, None]
    if len(axis) > 1:
        across = across_given(
            across_key, model, law.tilts_at(found), found.value, basis[0, 0], basis[0, 1]
        )
        plane = jnp.stack([found.value, across], axis=1)
    labels = jax.random.rademacher(label_key, found.value.shape, jnp.float64)
    return labels[:, None] * (plane @ basis.T), labels


def _label(key, model: Model, rows, latent) -> Float[Array, " m"]:
    if isinstance(model, Linear):
        return model.signal * latent[:, 0] + model.noise_std * latent[:, -1]
    return model.label(key, rows)
