"""Least squares without rows: the student in the plane, and its length across it."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.models import Linear, Model
from nfl_sim.problem import Problem
from nfl_sim.simulation.draws._chi_square import chi_squares
from nfl_sim.simulation.draws._draw import Draw
from nfl_sim.simulation.draws._energy import energy_of
from nfl_sim.simulation.draws._latent import axis_of, basis_from
from nfl_sim.simulation.replicate import Chosen, Counts
from nfl_sim.validation import Scalar

PLANE = 3  # latent coordinates of the plane of teacher, probe and noise
LEAST_DIM = PLANE + 2  # so that at least as many are across the plane


def least_squares(
    key: PRNGKeyArray,
    problem: Problem,
    num_samples: Scalar,
    counts: Counts,
    draw: Draw,
    *,
    dim: int,
    chunk: int,
) -> Chosen:
    """Four rows in R^3 whose least squares are (w_1, w_2, |across|) of the student, in law.

    Their mean loss is that of the kept samples. By rotation about the plane all that is measured
    depends on the student through these. For least squares on k > dim samples of weight 1.

    Args:
        key: of the replicate.
        problem: `Linear`, with a score of the ``family``, a rule whose weights are 1, and ``Ridge``
            of penalty 0.
        num_samples, counts: n, and how many of them are kept.
        draw: what the score sees, and which samples are preferred.
        dim: of the covariates, at least 5.
        chunk: scores drawn at once.

    References: {eq}`eq-draw-scalars` in theory_notes/12_fast_draws.md.
    """
    energy_key, normal_key, chi_key = jax.random.split(key, 3)
    energy = energy_of(energy_key, problem, num_samples, counts, draw, dim=dim, chunk=chunk)
    kept, across = (counts.top + counts.rest).astype(jnp.float64), float(dim - 2)
    squares = _squares(chi_key, kept, across)
    seen, shadow, inverse = _factors(normal_key, squares.at[0, 0].set(energy.top + energy.rest))
    axis = axis_of(draw.family, problem.model, problem.score, dim)[0]
    found = _solve(problem.model, seen.T @ basis_from(axis).T, shadow, inverse)
    ratio = squares[3, 0] / squares[3, 1] if across > PLANE else jnp.zeros(())
    length = jnp.linalg.norm(found.pull) * jnp.sqrt(1.0 + ratio)
    targets = jnp.stack([*found.student, length, jnp.sqrt(4.0 * found.loss / kept)])
    return Chosen(jnp.eye(4, 3), targets, jnp.ones(4), energy.threshold, jnp.asarray(True))


class _Solved(NamedTuple):
    """The student in the plane, the residual sum of squares, and h of the note."""

    student: Float[Array, " 2"]
    loss: Scalar
    pull: Float[Array, " 3"]


def _solve(
    model: Model,
    seen: Float[Array, "3 3"],
    shadow: Float[Array, "3 3"],
    inverse: Float[Array, "3 3"],
) -> _Solved:
    """Least squares on three rows in the metric that the covariates across the plane leave.

    Args:
        model: `Linear`.
        seen: rows (x_1, x_2, xi).
        shadow, inverse: lower triangular factors L of Wishart matrices LL', of what is across the
            plane in these rows, and of the others less what it explains there.
    """
    assert isinstance(model, Linear)
    labels = model.signal * seen[:, 0] + model.noise_std * seen[:, 2]
    spread = jsl.solve_triangular(inverse, shadow.T, lower=True)
    metric = jnp.linalg.cholesky(jnp.eye(PLANE) + spread.T @ spread)
    whitened = jsl.solve_triangular(metric, jnp.column_stack([seen[:, :2], labels]), lower=True)
    rows, targets = whitened[:, :2], whitened[:, 2]
    student = jnp.linalg.solve(rows.T @ rows, rows.T @ targets)
    residual = targets - rows @ student
    back = spread @ jsl.solve_triangular(metric, residual, lower=True, trans=1)
    pull = jsl.solve_triangular(inverse, back, lower=True, trans=1)
    return _Solved(student, jnp.sum(residual**2), pull)


def _squares(key: PRNGKeyArray, kept: Scalar, across: float) -> Float[Array, "4 3"]:
    """All chi squares: three diagonals of Bartlett, and those of the length across the plane."""
    one = jnp.ones(())
    steps = jnp.arange(PLANE).astype(jnp.float64)
    last = jnp.stack([max(across - PLANE, 1.0) * one, kept - across + 1.0, one])
    return chi_squares(key, jnp.stack([kept - steps, across - steps, kept - across - steps, last]))


def _factors(key: PRNGKeyArray, squares: Float[Array, "4 3"]) -> Float[Array, "3 3 3"]:
    """Lower triangular L with these squared diagonals, each LL' a Wishart matrix."""
    normals = jnp.tril(jax.random.normal(key, (PLANE, PLANE, PLANE), jnp.float64), -1)
    return normals + jax.vmap(jnp.diag)(jnp.sqrt(squares[:3]))
