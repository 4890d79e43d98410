"""EL2N: the norm of the probe's error."""

from typing import ClassVar, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View
from nfl_sim.scores._probe import AbstractProbe


@final
class EL2N(PointwiseScore):
    """EL2N score g = |y - prediction of the probe| (Paul et al. 2021).

    Args:
        probe: the student that is asked.

    References: {eq}`eq-el2n-limit` in theory_notes/03_linear.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"residual"})
    nonnegative: ClassVar[bool] = True
    probe: AbstractProbe

    def __call__(self, view: View) -> Float[Array, "..."]:
        """|residual|."""
        return jnp.abs(view.residual)
