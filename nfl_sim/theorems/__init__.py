"""The theorems as objects: assumptions that are checked, bounds that are evaluated, verdicts."""

from nfl_sim.theorems._base import Assumption, Theorem
from nfl_sim.theorems.adversary import Adversary, adversary, same_kept_law
from nfl_sim.theorems.limits import HighCompression, NoNewExponent, SecondOrder
from nfl_sim.theorems.no_free_lunch import NoFreeLunch, Risks, midpoint, risks
from nfl_sim.theorems.unbiased import Calibration, Ceiling
from nfl_sim.theorems.validity import Distance, Validity
from nfl_sim.theorems.verdict import Verdict, at_least, equal, holm, undecided, until_decided

__all__ = [
    "Adversary",
    "Assumption",
    "Calibration",
    "Ceiling",
    "Distance",
    "HighCompression",
    "NoFreeLunch",
    "NoNewExponent",
    "Risks",
    "SecondOrder",
    "Theorem",
    "Validity",
    "Verdict",
    "adversary",
    "at_least",
    "catalogue",
    "equal",
    "holm",
    "midpoint",
    "risks",
    "same_kept_law",
    "undecided",
    "until_decided",
]


def catalogue() -> tuple[Theorem, ...]:
    """Every theorem that can be checked, in the order of its number.

    T1 and T10 are checked by `nfl_sim.compare`, at fixed dimension and in `Proportional`; T5 gives
    T4 its processes.
    """
    return (
        Validity(),
        Distance(),
        NoFreeLunch(),
        HighCompression(),
        SecondOrder(),
        NoNewExponent(),
        Calibration(),
        Ceiling(),
    )
