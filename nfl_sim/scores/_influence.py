"""Influence: the loss gradient at the probe, in the metric of the Hessian there."""

from typing import ClassVar, final

from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View
from nfl_sim.scores._probe import AbstractProbe


@final
class Influence(PointwiseScore):
    """Score s = |H^(-1/2) grad loss|, with H the Hessian of the probe's own model (T11).

    For a perfect probe, keeping a sample with probability min(1, c s) is the best unbiased rule
    that looks at one sample at a time. On Linear it is `GraNd`.

    Args:
        probe: the student at which gradient and Hessian are taken.

    References: T11; {eq}`eq-ceiling-rule` in theory_notes/08_calibration.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"influence"})
    nonnegative: ClassVar[bool] = True
    probe: AbstractProbe

    def __call__(self, view: View) -> Float[Array, "..."]:
        """What the model says it is."""
        return view.influence
