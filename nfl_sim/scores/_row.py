"""A score written as a plain function of one row."""

from collections.abc import Callable
from typing import Any, ClassVar, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View


@final
class RowScore(PointwiseScore):
    """Score g(x, y) by a plain function of one row and its label; larger = harder.

    The function is mapped over the rows, so that it cannot look at any other: the score is
    pointwise by construction. In the frame of `nfl_sim.Problem` the teacher lies along e_1: on
    ``Linear(1, sigma)``, ``abs(y - x[0])`` is EL2N of the perfect probe.

    Nothing is known of what it keeps. `nfl_sim.simulate` runs it on every model, and
    `nfl_sim.assess` tells by simulation whether it is consistent; `nfl_sim.predict` refuses it.

    Args:
        function: ``(x, y) -> score`` in `jax.numpy`, x of shape (d,), y and the score scalars.
        name: what it is called in messages and tables; by default the function's own name.
        batched: whether the function takes a sample, (n, d) and (n,) -> (n,), and not one row. It
            is shown one row at a time all the same.

    Raises:
        ValueError: the function cannot be called.

    References: D2 in theory_notes/01_pruning_as_conditioning.md; {eq}`eq-push-estimate` in
    theory_notes/11_your_own_score.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"covariates", "label"})
    probe: ClassVar[None] = None
    function: Callable[..., Any] = eqx.field(static=True)
    name: str = eqx.field(static=True)
    batched: bool = eqx.field(static=True)

    def __init__(
        self, function: Callable[..., Any], name: str | None = None, batched: bool = False
    ) -> None:
        if not callable(function):
            raise ValueError(f"function must be callable as function(x, y), got {function!r}")
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__) if name is None else name
        self.batched = batched

    def __call__(self, view: View) -> Float[Array, "..."]:
        """The function, row by row; whole numbers and truth values become floats."""
        return jnp.vectorize(self._one, signature="(d),()->()")(view.covariates, view.label)

    def _one(self, row: Float[Array, " d"], label: Float[Array, ""]) -> Float[Array, ""]:
        if self.batched:
            found = jnp.asarray(self.function(row[None], label[None]))[0]
        else:
            found = jnp.asarray(self.function(row, label))
        return found if jnp.issubdtype(found.dtype, jnp.floating) else found.astype(row.dtype)
