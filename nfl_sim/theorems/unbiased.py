"""T9 and T11: what calibration gains, and the ceiling on every unbiased rule."""

from collections.abc import Iterator
from typing import Any, ClassVar, final

import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.pruning import ExactCalibration
from nfl_sim.theorems._base import (
    RESOLUTION,
    Assumption,
    Theorem,
    plain_training,
    unbiased,
)
from nfl_sim.theorems.limits import at_random
from nfl_sim.theorems.rows import Rows, draw
from nfl_sim.theorems.validity import limit_of
from nfl_sim.theorems.verdict import Verdict, at_least, equal
from nfl_sim.theory import unbiased_ceiling


@final
class Calibration(Theorem):
    """T9: the top of the budget must carry more than its share of the gradient energy.

    `check` measures the criterion E[s^2; top] + (1 - p) |mean of the rest|^2 - a E[s^2], s^2 being
    the squared gradient in the metric of H^-1, on samples; it is (1 - a) r / (1 - r) times what
    the predicted coefficient saves of random pruning's. The mean of the rest lies in the plane of
    teacher and probe.
    """

    name: ClassVar[str] = "T9"
    title: ClassVar[str] = "calibration gains iff the top carries more than its share of energy"
    statement: ClassVar[str] = (
        "Exact calibration has w_inf = w* for every mixing a < 1, and beats random pruning iff "
        "E[s^2 1_top] + (1 - p) |m|^2 > a E[s^2], s = |grad l(w*)| and m its mean over the rest, "
        "both in the metric of H^-1."
    )
    reference: ClassVar[str] = "eq-exact-covariance, eq-optimal-mixing in theory_notes/08"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem, dim)
        rule = problem.rule
        exact = isinstance(rule, ExactCalibration)
        yield Assumption("exact calibration", exact, f"the rule {type(rule).__name__}")
        some = isinstance(rule, ExactCalibration) and (
            float(rule.top_fraction) > 0.0 and float(rule.fraction) < 1.0
        )
        yield Assumption("0 < mixing, fraction < 1", some, "as given")

    def bound(self, problem: Problem, dim: int) -> float:
        """What theory says the criterion is."""
        rule: Any = problem.rule
        mixing, fraction = float(rule.mixing), float(rule.fraction)
        saved = limit_of(at_random(problem), dim).finite_size - limit_of(problem, dim).finite_size
        units = 1.0 if isinstance(problem.model, Linear) else 2.0
        return self.scale * units * float(saved) * (1.0 - mixing) * fraction / (1.0 - fraction)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        expected = self.bound(problem, dim)
        prediction = limit_of(problem, dim)
        rule: Any = problem.rule
        rows = draw(key, problem, dim, prediction, draws)
        metric = np.ones(2)
        if not isinstance(problem.model, Linear):
            metric = 1.0 / np.array([float(c) for c in self._curvatures(problem)])
        mixing, mass = float(rule.mixing), float(rule.top_fraction)
        level = float(rule.priority(prediction.threshold))

        def criterion(some: Rows) -> float:
            top = np.asarray(rule.priority(jnp.asarray(some.scores))) > level
            factor = 2.0 if isinstance(problem.model, Linear) else 1.0
            mean = np.mean(some.gradients[~top], axis=0) / factor
            rest = (1.0 - mass) * float(mean**2 @ metric)
            return float(np.mean(some.energy * top)) + rest - mixing * float(np.mean(some.energy))

        parts = [criterion(batch) for batch in rows.batches()]
        sem = float(np.std(parts, ddof=1) / np.sqrt(len(parts)))
        scale = float(np.mean(rows.energy))
        claim = f"the criterion is {expected:.4g}: {'a gain' if expected > 0 else 'a loss'}"
        gap = criterion(rows) - expected
        return equal(
            self.name,
            claim,
            gap,
            sem,
            resolution=2.5 * RESOLUTION * scale,
            freedom=len(parts) - 1.0,
        )

    def _curvatures(self, problem: Problem) -> tuple[Any, Any]:
        model: Any = problem.model
        return model.curvatures(model.best_norm)


@final
class Ceiling(Theorem):
    """T11: no unbiased rule of independent coins has less variance than min(1, c s).

    `check` holds the predicted 1/n coefficient of the rule against the least that any such rule
    has at this fraction.
    """

    name: ClassVar[str] = "T11"
    title: ClassVar[str] = "no unbiased pointwise rule goes below the ceiling"
    statement: ClassVar[str] = (
        "Among rules with pi omega = 1 and independent coins, tr(H^-1 V) = E[s^2 / pi] is least "
        "for pi = min(1, c s), and the gain over random pruning is at most E[s^2] / (E s)^2."
    )
    reference: ClassVar[str] = "eq-ceiling-rule, eq-ceiling-small-r in theory_notes/08"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem, dim)
        yield unbiased(problem)

    def bound(self, problem: Problem, dim: int) -> float:
        """The least variance over that of random pruning."""
        ceiling = unbiased_ceiling(problem.model, dim, problem.rule.fraction)
        return self.scale * float(ceiling.variance_ratio)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        least = self.bound(problem, dim)
        found = limit_of(problem, dim).finite_size
        ratio = float(found / limit_of(at_random(problem), dim).finite_size)
        claim = f"variance {ratio:.4g} of random pruning's, at least {least:.4g}"
        if np.isinf(ratio):
            return Verdict(self.name, claim, "holds", ratio, 0.0, 0.0, "an infinite variance")
        return at_least(self.name, claim, ratio - least, 1e-5 * ratio, resolution=1e-3)
