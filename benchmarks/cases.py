"""What `python -m benchmarks` times: a problem, its size, and the peers that do the same work."""

from collections.abc import Callable
from dataclasses import dataclass

import nfl_sim as nfl


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Args:
        name: of the case.
        problem: made once float64 is on.
        dim, num_samples: its size.
        replicates: of nfl_sim in one round.
        peers: how many replicates each peer does in one round; what it takes is per replicate.
        goal: times faster than each peer that nfl_sim means to be.
        method: of `nfl_sim.simulate`.
        accelerator: whether it needs one.
    """

    name: str
    problem: Callable[[], nfl.Problem]
    dim: int
    num_samples: int
    replicates: int
    peers: dict[str, int]
    goal: dict[str, float]
    method: str = "auto"
    accelerator: bool = False


def logistic(probe: Callable[[], object]) -> Callable[[], nfl.Problem]:
    return lambda: nfl.Problem(
        nfl.models.Logistic(signal=2.0),
        nfl.scores.EL2N(probe()),
        nfl.pruning.KeepHardest(0.1),
        nfl.learners.LogisticRegression(penalty=0.1),
    )


def linear(fraction: float) -> Callable[[], nfl.Problem]:
    return lambda: nfl.Problem(
        nfl.models.Linear(signal=1.0, noise_std=1.0),
        nfl.scores.EL2N(nfl.Probe(angle=0.6, norm=1.0)),
        nfl.pruning.KeepHardest(fraction),
        nfl.learners.Ridge(penalty=0.0),
    )


def oracle() -> object:
    return nfl.Probe(angle=0.6, norm=2.0)


BOTH = {"numpy": 30, "scikit-learn": 30}
CASES = [
    Case("logistic", logistic(oracle), 50, 2000, 1000, BOTH, {"scikit-learn": 20.0}),
    Case(
        "logistic same sample",
        logistic(nfl.SameSampleProbe),
        50,
        2000,
        300,
        BOTH,
        {"scikit-learn": 3.0},
        "rows",
    ),
    Case("logistic rows", logistic(oracle), 50, 2000, 500, BOTH, {}, method="rows"),
    Case("linear", linear(0.05), 100, 10_000, 2000, BOTH, {"scikit-learn": 50.0}),
    Case("linear 1e6", linear(0.01), 100, 10**6, 500, {"numpy": 1}, {"numpy": 1000.0}),
    Case("linear 1e9", linear(1e-5), 100, 10**9, 500, {}, {}),
    Case("rows 1e6 x 1000", linear(0.01), 1000, 10**6, 8, {}, {}, "rows", accelerator=True),
]
BY_NAME = {case.name: case for case in CASES}
