"""When a run has seen enough: at the first look at which a standard error is small enough."""

import math
from collections.abc import Iterator
from typing import final

import equinox as eqx

from nfl_sim.simulation.result import QUANTITIES, Moments
from nfl_sim.validation import to_scalar

_FIRST_LOOK = 128
_GROWTH = 1.25


@final
class Target(eqx.Module):
    """A standard error to be reached.

    The looks are at fixed numbers of replicates, 128 and then a quarter more each time, whatever
    the blocks, devices or earlier runs: the same call stops at the same replicate everywhere.

    Stopping favours a standard error that happens to be small. At 128 replicates its own relative
    error is 6 %, and it falls as the replicates grow, so that this is of little weight.

    Args:
        quantity: one of `QUANTITIES`.
        sem: > 0.

    Raises:
        ValueError: the quantity is unknown, or ``sem`` is not a finite number > 0.
    """

    quantity: str
    sem: float = eqx.field(
        converter=lambda value: float(to_scalar("target_sem", value, low=0.0, open_low=True))
    )

    def __check_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise ValueError(f"quantity must be one of {QUANTITIES}, got {self.quantity!r}")

    def is_reached(self, moments: Moments) -> bool:
        """Whether the standard error is small enough; it is not where there is none."""
        return moments.estimate(self.quantity).sem <= self.sem

    def looks(self, start: int, stop: int) -> Iterator[int]:
        """The numbers of replicates in (start, stop] at which to look; ``stop`` is the last."""
        look = _FIRST_LOOK
        while look < stop:
            if look > start:
                yield look
            look = math.ceil(_GROWTH * look)
        yield stop
