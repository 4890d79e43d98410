"""Margin: how far on the wrong side of the probe's decision boundary a sample lies."""

from typing import ClassVar, final

from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View
from nfl_sim.scores._probe import AbstractProbe


@final
class Margin(PointwiseScore):
    """Label-dependent margin score g = -y w_p.x: the hardest sample is the most misclassified.

    Args:
        probe: the student that is asked; with norm 0 all samples tie.

    References: {eq}`eq-logistic-kept` in theory_notes/04_logistic.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"probe_margin", "label"})
    probe: AbstractProbe

    def __call__(self, view: View) -> Float[Array, "..."]:
        """-y w_p.x."""
        return -view.label * view.probe_margin
