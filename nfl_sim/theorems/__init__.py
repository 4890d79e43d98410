"""The theorems as objects: assumptions that are checked, bounds that are evaluated, verdicts."""

from nfl_sim.theorems._base import Assumption, Theorem
from nfl_sim.theorems.adversary import adversary, same_kept_law
from nfl_sim.theorems.distance import Distance, Sides
from nfl_sim.theorems.finite_sample import Insurance, TopM, Undetectability
from nfl_sim.theorems.information import BayesBound, BayesRisk, Information, bayes_risk
from nfl_sim.theorems.limits import HighCompression, NoNewExponent
from nfl_sim.theorems.misspecified import Cubic
from nfl_sim.theorems.no_free_lunch import Adversaries, NoFreeLunch, Risks, midpoint, risks
from nfl_sim.theorems.pair import Adversary, Process
from nfl_sim.theorems.programme import ProportionalProgramme
from nfl_sim.theorems.rates import LimitOfTraining, SecondOrder
from nfl_sim.theorems.same_sample import SameSample
from nfl_sim.theorems.unbiased import Calibration, Ceiling
from nfl_sim.theorems.universality import FreeLunch, Universality
from nfl_sim.theorems.validity import PushCurve, Validity, push_curve
from nfl_sim.theorems.verdict import Verdict, at_least, equal, holm, undecided, until_decided, worst

__all__ = [
    "Adversaries",
    "Adversary",
    "Assumption",
    "BayesBound",
    "BayesRisk",
    "Calibration",
    "Ceiling",
    "Cubic",
    "Distance",
    "FreeLunch",
    "HighCompression",
    "Information",
    "Insurance",
    "LimitOfTraining",
    "NoFreeLunch",
    "NoNewExponent",
    "Process",
    "ProportionalProgramme",
    "PushCurve",
    "Risks",
    "SameSample",
    "SecondOrder",
    "Sides",
    "Theorem",
    "TopM",
    "Undetectability",
    "Universality",
    "Validity",
    "Verdict",
    "adversary",
    "at_least",
    "bayes_risk",
    "catalogue",
    "equal",
    "holm",
    "midpoint",
    "push_curve",
    "risks",
    "same_kept_law",
    "undecided",
    "until_decided",
    "worst",
]


def catalogue() -> tuple[Theorem, ...]:
    """Every theorem, in the order of its number; the check of T10, a programme, decides nothing."""
    return (
        LimitOfTraining(),
        Validity(),
        Distance(),
        NoFreeLunch(),
        Adversaries(),
        HighCompression(),
        SecondOrder(),
        NoNewExponent(),
        Calibration(),
        ProportionalProgramme(),
        Ceiling(),
        Universality(),
        FreeLunch(),
        TopM(),
        Insurance(),
        Undetectability(),
        BayesBound(),
        Information(),
        SameSample(),
    )
