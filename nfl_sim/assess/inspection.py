"""A first look at a score: is it a function of one row, and does it tell rows apart?"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from nfl_sim.assess.refusals import require_indices, require_two_arguments, shape_on
from nfl_sim.learners import Ridge
from nfl_sim.models import Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepHardest
from nfl_sim.scores import PointwiseScore, RowScore
from nfl_sim.simulation import score
from nfl_sim.validation import require_x64, to_count

_LOOKS = 4096  # rows of a first look
_FEW = 64  # rows on which the dependence on other rows is tested
_CLOSE = 1e-6
_HEAVY = 1e-3  # the least mass of an atom that is told


class Atom(NamedTuple):
    """A value that a score takes again and again.

    Args:
        value: of the score.
        mass: the share of the samples that have it.
    """

    value: float
    mass: float


class Inspection(NamedTuple):
    """A score that can be run, and what was seen of it.

    Args:
        score: pointwise.
        name: what it is called.
        atoms: its values of more than a thousandth of the mass, heaviest first, five at most.
        distinct: how many different values were seen on ``rows`` rows, in float32.
        rows: how many rows were looked at.
    """

    score: PointwiseScore
    name: str
    atoms: tuple[Atom, ...]
    distinct: int
    rows: int


def inspect_score(
    key: PRNGKeyArray, model: Model, subject: Callable[..., Any] | PointwiseScore, dim: int
) -> Inspection:
    """Look at a score on rows of the model, before anything is built on it.

    Args:
        key: of the rows.
        model: whose rows they are.
        subject: a plain function of (x, y), or a `PointwiseScore`.
        dim: of the covariates.

    Raises:
        ValueError: the function raises, cannot be traced, returns something else than one real
            number a row, depends on other rows, is nan or infinite somewhere, or is constant.
    """
    require_x64()
    dim = to_count("dim", dim, at_least=1)
    ready = _pointwise(key, model, subject, dim)
    name = getattr(ready, "name", type(ready).__name__)
    # In both precisions: simulations of rows are float32, criteria float64.
    values = [_values(key, model, ready, dim, dtype) for dtype in (jnp.float64, jnp.float32)]
    for found in values:
        _require_finite(found, ready, name, key, model, dim)
        _require_varying(found, ready, name, key, model, dim)
    return Inspection(ready, name, atoms(values[1]), len(np.unique(values[1])), _LOOKS)


def atoms(values: Float[np.ndarray, " n"]) -> tuple[Atom, ...]:
    """The values of more than a thousandth of the mass, heaviest first, five at most."""
    found, counts = np.unique(values, return_counts=True)
    heavy = [i for i in np.argsort(-counts) if counts[i] > max(_HEAVY * len(values), 2)]
    return tuple(Atom(float(found[i]), float(counts[i] / len(values))) for i in heavy[:5])


def _pointwise(key: PRNGKeyArray, model: Model, subject: Any, dim: int) -> PointwiseScore:
    """A score of single rows; functions of a sample are tested for looking at other rows."""
    if isinstance(subject, PointwiseScore) and not isinstance(subject, RowScore):
        return subject
    ready = subject if isinstance(subject, RowScore) else RowScore(subject)
    require_two_arguments(ready.function, ready.name)
    require_indices(ready.function, ready.name, dim)
    x, y = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((dim,), ()))
    try:
        found = shape_on(ready.function, ready.name, x, y)
    except ValueError:
        if not _takes_a_sample(ready, dim):
            raise
        found = None
    if found is not None and found.shape == () and not ready.batched:
        return ready
    if not _takes_a_sample(ready, dim):
        shape = None if found is None else found.shape
        raise ValueError(
            f"the score {ready.name!r} must return one number a row, for a row of shape ({dim},) "
            f"it returns an array of shape {shape}"
        )
    if _looks_at_others(key, model, ready, dim):
        raise ValueError(_joint(ready.name))
    return RowScore(ready.function, ready.name, batched=True)


def _takes_a_sample(ready: RowScore, dim: int) -> bool:
    """Whether the function maps (n, d) and (n,) to (n,)."""
    count = _FEW + (dim == _FEW)
    x, y = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((count, dim), (count,)))
    try:
        return shape_on(ready.function, ready.name, x, y).shape == (count,)
    except ValueError:
        return False


def _looks_at_others(key: PRNGKeyArray, model: Model, ready: RowScore, dim: int) -> bool:
    """Whether scores change when rows are shuffled, or when half of them are left out."""
    count = _FEW + (dim == _FEW)
    x, y = model.sample(key, count, dim, jnp.float64)
    order = np.random.default_rng(0).permutation(count)
    together = np.asarray(ready.function(x, y), np.float64)
    scale = _CLOSE * float(np.max(np.abs(together), initial=0.0))
    for some in (order, order[: count // 2], order[:1]):
        apart = np.asarray(ready.function(x[some], y[some]), np.float64)
        if apart.shape != some.shape or not np.allclose(
            apart, together[some], rtol=_CLOSE, atol=scale, equal_nan=True
        ):
            return True
    return False


def _values(
    key: PRNGKeyArray, model: Model, ready: PointwiseScore, dim: int, dtype: Any
) -> Float[np.ndarray, " n"]:
    x, y = model.sample(key, _LOOKS, dim, dtype)
    return np.asarray(scores_of(key, bare_problem(model, ready), x, y), np.float64)


def bare_problem(model: Model, ready: PointwiseScore) -> Problem:
    """A problem around a score; its rule and learner do not matter."""
    return Problem(model, ready, KeepHardest(jnp.asarray(0.5)), Ridge(jnp.zeros(())))


@eqx.filter_jit
def scores_of(
    key: PRNGKeyArray, problem: Problem, x: Float[Array, "n d"], y: Float[Array, " n"]
) -> Float[Array, " n"]:
    """The scores of rows."""
    return score(key, problem, x, y)


def _require_finite(
    values: np.ndarray, ready: PointwiseScore, name: str, key: PRNGKeyArray, model: Model, dim: int
) -> None:
    bad = ~np.isfinite(values)
    if not np.any(bad):
        return
    _require_alone(ready, key, model, dim)
    worst = float(values[bad][0])
    row = int(np.argmax(bad))
    x, y = model.sample(key, _LOOKS, dim, jnp.float64)
    where = np.array2string(np.asarray(x[row]), precision=3, threshold=6)
    raise ValueError(
        f"the score {name!r} is {worst} on {np.sum(bad)} of {len(values)} rows, for one on "
        f"x = {where}, y = {float(y[row]):.3g}; a score must be a finite number everywhere"
    )


def _require_varying(
    values: np.ndarray, ready: PointwiseScore, name: str, key: PRNGKeyArray, model: Model, dim: int
) -> None:
    if np.ptp(values) > 0.0:
        return
    _require_alone(ready, key, model, dim)
    raise ValueError(
        f"the score {name!r} is constant, {values[0]:.6g} on all of {len(values)} rows: all "
        "samples tie, and ties are broken by lot, so that pruning by it is random pruning"
    )


def _require_alone(ready: PointwiseScore, key: PRNGKeyArray, model: Model, dim: int) -> None:
    """A score that fails on single rows may have been meant for a sample."""
    if not isinstance(ready, RowScore) or ready.batched or not _takes_a_sample(ready, dim):
        return
    if _looks_at_others(key, model, ready, dim):
        raise ValueError(_joint(ready.name))


def _joint(name: str) -> str:
    return (
        f"the score {name!r} depends on other rows: leaving half of a sample out, or shuffling it, "
        "changes the scores of the rest. Rules that choose samples jointly are outside these "
        "theorems (D2); write it as a function of one row x of shape (d,) and its label y"
    )
