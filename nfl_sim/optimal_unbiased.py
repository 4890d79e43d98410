"""The best unbiased rule that looks at one sample at a time (T11): a score and a rule."""

from typing import NamedTuple

import jax.numpy as jnp

from nfl_sim.pruning import ImportanceSampling
from nfl_sim.scores import Influence, Probe
from nfl_sim.validation import Scalar


class OptimalUnbiased(NamedTuple):
    """Keep a sample with probability min(1, c s), s = `scores.Influence`, and reweight.

    Optimal for a perfect probe. With another one the variance may be infinite, unless the
    probability has a floor.

    Args:
        score: s.
        rule: the coins.

    References: T11; {eq}`eq-ceiling-rule` in theory_notes/08_calibration.md.
    """

    score: Influence
    rule: ImportanceSampling

    @classmethod
    def at(
        cls, probe: Probe, fraction: Scalar | float, floor: Scalar | float = 0.0
    ) -> "OptimalUnbiased":
        """For a probe and an expected kept fraction; ``floor`` in units of the fraction."""
        fraction, floor = jnp.asarray(fraction), jnp.asarray(floor)
        rule = ImportanceSampling(fraction, jnp.ones(()), reweight=True, floor=floor)
        return cls(Influence(probe), rule)
