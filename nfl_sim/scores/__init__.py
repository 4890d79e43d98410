"""Scores of a sample: larger = harder, always."""

from nfl_sim.scores._base import Feature, PointwiseScore, View
from nfl_sim.scores._el2n import EL2N
from nfl_sim.scores._fitted_probe import (
    CrossFitProbe,
    FittedProbe,
    FreshProbe,
    IteratedProbe,
    SameSampleProbe,
    SubsampleProbe,
)
from nfl_sim.scores._grand import GraNd
from nfl_sim.scores._influence import Influence
from nfl_sim.scores._leverage import Leverage
from nfl_sim.scores._loss import Loss
from nfl_sim.scores._margin import Margin
from nfl_sim.scores._probe import AbstractProbe, Probe
from nfl_sim.scores._row import RowScore
from nfl_sim.scores._uncertainty import Uncertainty
from nfl_sim.scores._uniform import Uniform

__all__ = [  # noqa: RUF022 - the order of `sorted`
    "AbstractProbe",
    "CrossFitProbe",
    "EL2N",
    "Feature",
    "FittedProbe",
    "FreshProbe",
    "GraNd",
    "Influence",
    "IteratedProbe",
    "Leverage",
    "Loss",
    "Margin",
    "PointwiseScore",
    "Probe",
    "RowScore",
    "SameSampleProbe",
    "SubsampleProbe",
    "Uncertainty",
    "Uniform",
    "View",
]
