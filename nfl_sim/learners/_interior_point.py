"""A primal-dual interior-point method for the quadratic programs of margins.

Minimise over v

    sum_k quadratic_k v_k^2 / 2 + linear.v + sum_i caps_i max(0, offsets_i - rows_i.v).

Max margin and hinge are of this kind. The dual variables lie in the box 0 <= z <= caps, so that
their start is strictly feasible for any data, and a step costs one factorisation of k columns.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array, Bool, Float, Int

from nfl_sim.validation import Scalar

_MOST_STEPS = 60
_TO_THE_WALL = 0.995
_SOFTEST = 1e-10  # stiffness times curvature: less, and rounding swamps the curvature


class Program(NamedTuple):
    """The data of the program; rows that do not ``count`` are 0 and ignored."""

    quadratic: Float[Array, " k"]
    linear: Float[Array, " k"]
    rows: Float[Array, "m k"]
    offsets: Float[Array, " m"]
    caps: Float[Array, " m"]
    counts: Bool[Array, " m"]


class Point(NamedTuple):
    """Primal v, dual z, the slack above and the violation below an offset, and room = caps - z.

    At the solution slack z = 0 and violation room = 0.
    """

    primal: Float[Array, " k"]
    dual: Float[Array, " m"]
    room: Float[Array, " m"]
    slack: Float[Array, " m"]
    violation: Float[Array, " m"]


class _System(NamedTuple):
    """Newton's equations at a point, the rows eliminated."""

    diagonal: Float[Array, " m"]
    factor: Float[Array, "k k"]


def solve(
    program: Program,
    dual: Float[Array, " m"],
    finished: Callable[[Point], Bool[Array, ""]],
) -> Point:
    """Mehrotra's predictor-corrector from these dual variables, until ``finished``."""

    def unfinished(state: tuple[Point, Int[Array, ""]]) -> Bool[Array, ""]:
        point, steps = state
        return ~finished(point) & (steps < _MOST_STEPS)

    def advance(state: tuple[Point, Int[Array, ""]]) -> tuple[Point, Int[Array, ""]]:
        point, steps = state
        return _advance(program, point), steps + 1

    return jax.lax.while_loop(unfinished, advance, (_start(program, dual), jnp.asarray(0)))[0]


def corrected(program: Program, point: Point) -> Float[Array, " k"]:
    """The primal variables after one Newton step on the program's optimality conditions.

    Differentiable in the program, as its solution is.
    """
    still = jax.lax.stop_gradient(point)
    system = _factorise(jax.lax.stop_gradient(program), still)
    move = _newton(program, still, system, -still.slack * still.dual, -still.violation * still.room)
    return still.primal + move.primal


def _start(program: Program, dual: Float[Array, " m"]) -> Point:
    """Primal variables that meet the optimality conditions, and central slacks."""
    curved = program.quadratic > 0.0
    primal = (dual @ program.rows - program.linear) / jnp.where(curved, program.quadratic, 1.0)
    primal = jnp.where(curved, primal, 0.0)
    room, excess = program.caps - dual, program.rows @ primal - program.offsets
    size = jnp.max(jnp.where(program.counts, jnp.abs(excess), 0.0))
    size = jnp.where(size > 0.0, size, 1.0)
    violation = jnp.maximum(-excess, 0.0) + 0.5 * size * dual / program.caps
    slack = violation + excess
    return Point(primal, dual, room, slack, violation)


def _advance(program: Program, point: Point) -> Point:
    system, counts = _factorise(program, point), program.counts
    upper, lower = point.slack * point.dual, point.violation * point.room
    guess = _newton(program, point, system, -upper, -lower)
    moved = _along(point, guess, _length(point, guess, counts))
    centre = _gap(point, counts) / (2.0 * jnp.sum(counts).astype(jnp.float64))
    target = centre * (_gap(moved, counts) / _gap(point, counts)) ** 3
    step = _newton(
        program,
        point,
        system,
        target - upper - guess.slack * guess.dual,
        target - lower - guess.violation * guess.room,
    )
    return _along(point, step, _TO_THE_WALL * _length(point, step, counts))


def _factorise(program: Program, point: Point) -> _System:
    """Stiffness has a floor, which damps the duals' steps and leaves the solution as it is."""
    stiffness = point.slack / point.dual + point.violation / point.room
    stiffness = jnp.maximum(stiffness, _SOFTEST / jnp.max(program.quadratic))
    diagonal = jnp.where(program.counts, 1.0 / stiffness, 0.0)
    normal = (program.rows * diagonal[:, None]).T @ program.rows + jnp.diag(program.quadratic)
    return _System(diagonal, jnp.linalg.cholesky(normal))


def _newton(
    program: Program,
    point: Point,
    system: _System,
    upper: Float[Array, " m"],
    lower: Float[Array, " m"],
) -> Point:
    """The step that changes slack * dual by ``upper``, violation * room by ``lower``."""
    primal, dual, room, slack, violation = point
    box = program.caps - dual - room
    lower = lower - violation * box
    short = program.offsets - program.rows @ primal - violation + slack
    short = short - lower / room + upper / dual
    pull = system.diagonal * short
    slope = program.quadratic * primal + program.linear - dual @ program.rows
    move = jsl.cho_solve((system.factor, True), pull @ program.rows - slope)
    dual_move = pull - system.diagonal * (program.rows @ move)
    return Point(
        move,
        dual_move,
        box - dual_move,
        (upper - slack * dual_move) / dual,
        (lower + violation * dual_move) / room,
    )


def _length(point: Point, step: Point, counts: Bool[Array, " m"]) -> Scalar:
    """The part, at most 1, of a step that keeps every inequality."""
    sides = zip(point[1:], step[1:], strict=True)
    walls = [jnp.where(counts & (move < 0.0), -at / move, jnp.inf) for at, move in sides]
    return jnp.minimum(1.0, jnp.min(jnp.stack(walls)))


def _along(point: Point, step: Point, length: Scalar) -> Point:
    return jax.tree.map(lambda at, move: at + length * move, point, step)


def _gap(point: Point, counts: Bool[Array, " m"]) -> Scalar:
    products = point.slack * point.dual + point.violation * point.room
    return jnp.sum(jnp.where(counts, products, 0.0))
