"""The linear support vector machine of soft margin."""

from collections.abc import Mapping
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from nfl_sim.learners._base import Fit, Learner
from nfl_sim.learners._interior_point import Point, Program, corrected, solve
from nfl_sim.learners._signed import Signed
from nfl_sim.validation import Scalar, scalar_field

_AIM = 1e-12  # of the duality gap relative to the objective
_TIGHT = 1e-8
_ROUNDING = 2.0**-51  # of a margin of 1
_AT_THE_MARGIN = 1e-6


@final
class Hinge(Learner):
    """Minimise sum(omega max(0, 1 - y w.x)) / sum(omega) + (penalty / 2) |w|^2, y = +-1.

    The penalty must be positive: without it separable data have many minimisers, and a student
    would be whichever the method met first. As it falls to 0 the direction tends to that of
    `MaxMargin` where the data are separable.

    A student is returned if the dual objective comes within 1e-8 of the primal (relative), so that
    |w - minimiser|^2 <= 2e-8 objective / penalty at the worst; it mostly comes within 1e-12. Where
    the rows are separable and the penalty is below some 1e-7 of their mean square length, rounding
    may keep them further apart: then the learner is undecided.

    Args:
        penalty: lambda > 0.

    Raises:
        ValueError: the penalty is not a finite scalar > 0, or float64 is off.

    References: {eq}`eq-se-program` in theory_notes/05_proportional_limit.md.
    """

    binary: ClassVar[bool] = True
    penalty: Scalar = scalar_field("penalty", low=0.0, open_low=True)

    def fit(
        self,
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
        *,
        underdetermined: bool | None = None,
    ) -> Fit:
        """The minimiser, mostly to 1e-10.

        Differentiable in the penalty and the data, wherever no row enters or leaves the margin.
        """
        sample = Signed.of(covariates, labels, weights)
        program = _program(sample, weights.astype(jnp.float64), self.penalty)
        still = jax.lax.stop_gradient(program)
        point = solve(still, 0.5 * still.caps, lambda point: _is_finished(still, point))
        student = corrected(program, point)
        value, gap = _gap(still, student, point.dual)
        solved = (gap <= _TIGHT * value) & (self.penalty > 0.0) & jnp.any(sample.counts)
        student = jnp.where(solved, student / sample.size, jnp.nan)
        return Fit(student, exists=jnp.asarray(True), converged=solved)

    def training_loss(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Float[Array, ""]:
        """Weighted mean of max(0, 1 - y w.x) over the training rows, in float64."""
        sample = Signed.of(covariates, labels, weights)
        losses = jnp.maximum(0.0, 1.0 - sample.size * (sample.rows @ student))
        weights = weights.astype(jnp.float64)
        return weights @ losses / jnp.sum(weights)

    def diagnostics(
        self,
        student: Float[Array, " d"],
        covariates: Float[Array, "m d"],
        labels: Float[Array, " m"],
        weights: Float[Array, " m"],
    ) -> Mapping[str, Scalar]:
        """``support_fraction``: the share of the rows with y w.x <= 1."""
        sample = Signed.of(covariates, labels, weights)
        margins = sample.size * (sample.rows @ student)
        return {"support_fraction": sample.share_within(margins, jnp.asarray(1.0 + _AT_THE_MARGIN))}


def _program(sample: Signed, weights: Float[Array, " m"], penalty: Scalar) -> Program:
    """In size * w, the student on the scale of the rows."""
    num_rows, dim = sample.rows.shape
    return Program(
        quadratic=jnp.full(dim, penalty / sample.size**2),
        linear=jnp.zeros(dim),
        rows=sample.rows,
        offsets=jnp.ones(num_rows),
        caps=jnp.where(sample.counts, weights / jnp.sum(weights), 1.0),
        counts=sample.counts,
    )


def _gap(
    program: Program, primal: Float[Array, " d"], dual: Float[Array, " m"]
) -> tuple[Scalar, Scalar]:
    """The objective at ``primal``, and its height above the bound at ``dual``, put in the box.

    Of terms >= 0 alone, and so to rounding relative to itself.
    """
    dual = jnp.where(program.counts, jnp.clip(dual, 0.0, program.caps), 0.0)
    shares = jnp.where(program.counts, program.caps, 0.0)
    excess = program.rows @ primal - program.offsets
    below, above = jnp.maximum(0.0, -excess), jnp.maximum(0.0, excess)
    curvature = program.quadratic[0]
    slope = curvature * primal - dual @ program.rows
    gap = (shares - dual) @ below + dual @ above + 0.5 * jnp.sum(slope**2) / curvature
    return shares @ below + 0.5 * curvature * jnp.sum(primal**2), gap


def _is_finished(program: Program, point: Point) -> Bool[Array, ""]:
    """Whether the gap is closed as far as rounding lets it, or is not a number."""
    value, gap = _gap(program, point.primal, point.dual)
    return ~(gap > _AIM * value + _ROUNDING)
