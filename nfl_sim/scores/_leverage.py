"""Leverage: the length of the covariate."""

from typing import ClassVar, final

from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View


@final
class Leverage(PointwiseScore):
    """Leverage g = |x|; it asks no probe and sees no label.

    References: {eq}`eq-leverage-limit` in theory_notes/03_linear.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"norm"})
    nonnegative: ClassVar[bool] = True
    probe: ClassVar[None] = None

    def __call__(self, view: View) -> Float[Array, "..."]:
        """|x|."""
        return view.norm
