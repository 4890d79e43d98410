"""The ceiling on what unbiased pointwise pruning can gain."""

from nfl_sim.theory.ceiling.ceiling import UnbiasedCeiling, unbiased_ceiling

__all__ = ["UnbiasedCeiling", "unbiased_ceiling"]
