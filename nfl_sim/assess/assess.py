"""`assess`: verdicts on a score by simulation."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
from jaxtyping import Array, PRNGKeyArray

from nfl_sim.assess.assessment import Assessment
from nfl_sim.assess.criterion import measure
from nfl_sim.assess.curves import Simulate, trace
from nfl_sim.assess.inspection import Inspection, inspect_score
from nfl_sim.assess.plan import Setup
from nfl_sim.learners import Learner
from nfl_sim.models import Model
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepRandom
from nfl_sim.scores import PointwiseScore
from nfl_sim.simulation import Simulation, simulate
from nfl_sim.simulation.engine import require_typed_key
from nfl_sim.validation import to_count, to_scalar

RESOLUTION = 0.02
FALSE_ALARM = 1e-3
START, BUDGET = 2**17, 2**21
FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)


def assess(
    key: PRNGKeyArray,
    model: Model,
    score: Callable[[Array, Array], Any] | PointwiseScore,
    *,
    dim: int = 5,
    rule: Literal["hardest", "easiest"] = "hardest",
    fractions: Sequence[float] = FRACTIONS,
    sizes: Sequence[int] | None = None,
    replicates: int = 256,
    learner: Learner | None = None,
    resolution: float = RESOLUTION,
    false_alarm: float = FALSE_ALARM,
    budget: int = BUDGET,
) -> Assessment:
    """Judge a score by simulation alone, where no closed form need be known.

    At each fraction: whether E_nu grad l(w*, Z) = 0 (T2), the excess risk against that of random
    pruning at the same fraction, the plateau it tends to, the n from which random pruning wins
    (T8), and what is kept. "cannot be decided" is an answer everywhere.

    Args:
        key: of all draws.
        model: of the data; the teacher lies along e_1.
        score: a plain function (x, y) -> number of one row, x of shape (d,), in `jax.numpy`; or a
            `PointwiseScore`. Larger = harder.
        dim: of the covariates, >= 1.
        rule: which are kept.
        fractions: kept, each in (0, 1).
        sizes: numbers of samples before pruning, three at least; by default four powers of two.
        replicates: simulated at each size, >= 16.
        learner: by default unpenalised training in the model's loss; MaxMargin for a perceptron.
        resolution: push that still counts as none, in units of the root mean square of the
            gradient under the kept law.
        false_alarm: probability of any wrong "invalid" (half of it), winner or plateau (a quarter
            each).
        budget: the most samples on which the criterion is measured.

    Returns:
        An `Assessment`.

    Raises:
        ValueError: the function cannot be used (it raises, cannot be traced, depends on other
            rows, is constant, or not a finite number everywhere), or an argument is out of range.

    References: T2, T8; {eq}`eq-push-estimate`, {eq}`eq-crossover-estimate` in
    theory_notes/11_your_own_score.md.
    """
    look_key, push_key, run_key = jax.random.split(require_typed_key(key), 3)
    inspection = inspect_score(look_key, model, score, dim)
    setup = Setup.of(
        model,
        inspection.score,
        rule=rule,
        dim=dim,
        fractions=fractions,
        sizes=sizes,
        replicates=replicates,
        learner=learner,
    )

    def run(problem: Problem, num_samples: int) -> Simulation:
        return simulate(
            _cell_key(run_key, setup, problem, num_samples),
            problem,
            dim=setup.dim,
            num_samples=num_samples,
            num_replicates=setup.replicates,
        )

    wanted = Precision.of(resolution, false_alarm, budget)
    return judge(push_key, setup, inspection, run, wanted)


class Precision(NamedTuple):
    """How sure the verdicts are; see `assess`."""

    resolution: float
    false_alarm: float
    budget: int

    @classmethod
    def of(cls, resolution: float, false_alarm: float, budget: int) -> "Precision":
        """Numbers that are in their ranges; ``ValueError`` names one that is not."""
        to_scalar("resolution", resolution, low=0.0, open_low=True)
        if not 0.0 < false_alarm < 1.0:
            raise ValueError(f"false_alarm must lie in (0, 1), got {false_alarm!r}")
        return cls(float(resolution), float(false_alarm), to_count("budget", budget, at_least=1000))


def judge(
    key: PRNGKeyArray, setup: Setup, inspection: Inspection, run: Simulate, wanted: Precision
) -> Assessment:
    """`assess` with simulations from elsewhere, such as a store.

    Args:
        key: of the samples on which the criterion is measured.
        setup: what is assessed.
        inspection: of its score.
        run: (problem, number of samples) -> simulation.
        wanted: see `assess`.
    """
    criterion = measure(
        key,
        setup.problem(setup.fractions[0]),
        setup.dim,
        setup.fractions,
        resolution=wanted.resolution,
        false_alarm=wanted.false_alarm / 2.0,
        start=min(START, wanted.budget),
        budget=wanted.budget,
    )
    curves = trace(setup, run, false_alarm=wanted.false_alarm / 2.0)
    return Assessment(setup, inspection, criterion, curves, wanted.resolution, wanted.false_alarm)


def _cell_key(key: PRNGKeyArray, setup: Setup, problem: Problem, num_samples: int) -> PRNGKeyArray:
    """Of its own for every rule, fraction and size: the two rules share no samples."""
    place = setup.fractions.index(float(problem.rule.fraction))
    numbers = (int(isinstance(problem.rule, KeepRandom)), place, num_samples)
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key
