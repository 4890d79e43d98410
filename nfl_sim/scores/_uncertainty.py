"""Uncertainty: how close a sample lies to the probe's decision boundary."""

from typing import ClassVar, final

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View
from nfl_sim.scores._probe import AbstractProbe


@final
class Uncertainty(PointwiseScore):
    """Label-free uncertainty g = -|w_p.x|: the hardest sample has the smallest margin.

    Args:
        probe: the student that is asked; with norm 0 all samples tie.

    References: {eq}`eq-uncertainty-limit` in theory_notes/03_linear.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"probe_margin"})
    probe: AbstractProbe

    def __call__(self, view: View) -> Float[Array, "..."]:
        """-|w_p.x|."""
        return -jnp.abs(view.probe_margin)
