"""Loss: the probe's training loss on a sample."""

from typing import ClassVar, final

from jaxtyping import Array, Float

from nfl_sim.scores._base import Feature, PointwiseScore, View
from nfl_sim.scores._probe import AbstractProbe


@final
class Loss(PointwiseScore):
    """The loss of the probe: log(1 + exp(-y w_p.x)), or (y - w_p.x)^2 / 2 in regression.

    It orders samples as EL2N does.

    Args:
        probe: the student that is asked.

    References: {eq}`eq-logistic-kept` in theory_notes/04_logistic.md.
    """

    sees: ClassVar[frozenset[Feature]] = frozenset({"loss"})
    nonnegative: ClassVar[bool] = True
    probe: AbstractProbe

    def __call__(self, view: View) -> Float[Array, "..."]:
        """The loss itself."""
        return view.loss
