"""The student of maximum margin, with a proof of what it says."""

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.learners._base import Fit, Learner
from nfl_sim.learners._hull import hull_bound, hull_holds_zero, relative_gap
from nfl_sim.learners._interior_point import Point, Program, corrected, solve
from nfl_sim.learners._signed import Signed, separates
from nfl_sim.validation import Scalar

_AIM = 1e-12  # of the relative gap between the margin and its bound
_TIGHT = 1e-8
_NO_MARGIN = 1e-10  # in units of the length of a row
_AT_THE_MARGIN = 1e-6


@final
class MaxMargin(Learner):
    """Unit vector of the largest margin, argmax over |w| = 1 of min_i y_i w.x_i, y = +-1.

    It separates the classes and stays clear of every row; the limit of `Hinge` and of
    `LogisticRegression` as the penalty falls to 0. It solves

        min |w|^2 / 2 - t  subject to  y_i w.x_i >= t,   dual  min |sum_i z_i y_i x_i|^2 / 2

    over the simplex z >= 0, sum(z) = 1, which has a solution for all data, t = 0 if they are not
    separable. Three outcomes, each proven: a student, whose margin is within 1e-8 (relative) of the
    dual bound |sum_i z_i y_i x_i|; no student, as a convex combination of the y_i x_i vanishes; or
    undecided, as where rows touch the boundary or those that do not separate fail to span R^d.

    References: {eq}`eq-margin-program` in theory_notes/06_perceptron.md.
    """

    binary: ClassVar[bool] = True
    without_student: ClassVar[str] = "inseparable"

    def fit(
        self,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
        *,
        underdetermined: bool | None = None,
    ) -> Fit:
        """The student, mostly to 1e-12; weights only say which rows count.

        Differentiable in the covariates, wherever no row enters or leaves the margin.
        """
        sample = Signed.of(covariates, labels, weights)
        program, still = _program(sample), jax.lax.stop_gradient(sample)
        dual = jnp.where(sample.counts, 1.0 / jnp.maximum(sample.number, 1.0), 1.0)
        point = solve(
            jax.lax.stop_gradient(program), dual, lambda point: _is_finished(still, point)
        )
        student = corrected(program, point)[:-1]
        separable = separates(student, still.rows, still.counts)
        tight = relative_gap(still, student, point.dual) <= _TIGHT
        inseparable = ~separable & hull_holds_zero(still, point.dual)
        found = separable & tight
        unit = jnp.where(found, student / jnp.linalg.norm(student), jnp.nan)
        return Fit(unit, exists=~inseparable, converged=found | inseparable)

    def training_loss(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Float[Array, ""]:
        """0: no row is on the wrong side of a hard margin."""
        return jnp.zeros(())

    def diagnostics(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Mapping[str, Scalar]:
        """``margin``, and the share of the rows that lie at it, ``support_fraction``."""
        sample = Signed.of(covariates, labels, weights)
        margins = sample.size * (sample.rows @ student)
        margin = sample.least(margins)
        support = sample.share_within(margins, margin + _AT_THE_MARGIN * jnp.abs(margin))
        return {"margin": margin, "support_fraction": support}


def _program(sample: Signed) -> Program:
    """In (w, t); caps of 2 never bind, as the dual variables sum to 1."""
    num_rows, dim = sample.rows.shape
    level = jnp.where(sample.counts, -1.0, 0.0)
    return Program(
        quadratic=jnp.ones(dim + 1).at[-1].set(0.0),
        linear=jnp.zeros(dim + 1).at[-1].set(-1.0),
        rows=jnp.concatenate([sample.rows, level[:, None]], axis=1),
        offsets=jnp.zeros(num_rows),
        caps=jnp.full(num_rows, 2.0),
        counts=sample.counts,
    )


def _is_finished(sample: Signed, point: Point) -> Bool[Array, ""]:
    """Whether all is said, or the point is not a number."""
    gap = relative_gap(sample, point.primal[:-1], point.dual)
    return ~((gap > _AIM) & (hull_bound(sample, point.dual) > _NO_MARGIN))
