"""GraNd: the norm of the loss gradient at the probe."""

from typing import ClassVar, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View
from nfl_sim.scores._probe import AbstractProbe


@final
class GraNd(PointwiseScore):
    """GraNd score g = |residual of the probe| * |x| (Paul et al. 2021).

    Args:
        probe: the student at which the gradient is taken.

    References: {eq}`eq-grand-moments` in theory_notes/03_linear.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"residual", "norm"})
    nonnegative: ClassVar[bool] = True
    probe: AbstractProbe

    def __call__(self, view: View) -> Float[Array, "..."]:
        """|residual| * |x|."""
        return jnp.abs(view.residual) * view.norm
