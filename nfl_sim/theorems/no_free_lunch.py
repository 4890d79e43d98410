"""T4 and T5 as theorems: no learner survives on both processes, random pruning does."""

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray

from nfl_sim.models import Linear, Logistic
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import EL2N
from nfl_sim.theorems._base import RESOLUTION, Assumption, Theorem
from nfl_sim.theorems.adversary import adversary, hidden_magnitude, same_kept_law
from nfl_sim.theorems.pair import Adversary
from nfl_sim.theorems.students import SIGNED_STUDENTS, STUDENTS, Student
from nfl_sim.theorems.verdict import FALSE_ALARM, Verdict, at_least, equal, undecided, worst
from nfl_sim.validation import Scalar

_FRESH = 4096
_REPLICATES = 64
_MOST_TRAINED = 128


class Risks(NamedTuple):
    """Excess risks of one learner on the processes +1 and -1.

    Args:
        values: means over replicates, shape (2,).
        sems: standard errors, shape (2,).
        average, sem: of their average, which bounds the worse of the two from below.
        freedom: degrees of freedom of the standard errors.
    """

    values: Float[np.ndarray, " 2"]
    sems: Float[np.ndarray, " 2"]
    average: float
    sem: float
    freedom: float

    @property
    def worst(self) -> float:
        """The larger of the two."""
        return float(np.max(self.values))


def midpoint(found: Adversary) -> Student:
    """The learner that ignores the data and answers the teacher, best for the average risk."""
    teacher = found.model.signal

    def fit(key: PRNGKeyArray, covariates: Any, labels: Any) -> Any:
        return lambda fresh: teacher * fresh[:, 0]

    return fit


def risks(
    found: Adversary,
    student: Student,
    key: PRNGKeyArray,
    *,
    dim: int,
    num_kept: int,
    replicates: int = _REPLICATES,
    random: bool = False,
) -> Risks:
    """Excess risks of a learner on kept samples of the two processes, measured on fresh inputs.

    The excess is over the best linear student, so that a learner that is not linear may fall
    below 0; the bound holds for it all the same. The labels of the fresh inputs are averaged out.

    Args:
        found: the adversary.
        student: key, covariates and labels of the kept samples -> predictor.
        key: of all draws; both processes share theirs.
        dim: of the covariates, >= 2.
        num_kept: how many samples the student sees.
        replicates: independent repetitions, >= 2.
        random: prune at random instead.
    """
    share = 1.0 if random else float(found.fraction)
    # So many that fewer than num_kept are kept once in 1e9 replicates.
    size = math.ceil((num_kept + 6.0 * math.sqrt(num_kept) + 20.0) / share)
    keys = jax.random.split(key, replicates)
    values = np.array(
        [
            np.asarray(
                _measure(
                    found,
                    student,
                    keys,
                    jnp.asarray(float(sign)),
                    jnp.asarray(found.best(sign, dim)),
                    num_kept,
                    size,
                    random,
                )
            )
            for sign in (1, -1)
        ]
    )
    means, spread = np.mean(values, axis=1), np.std(values, axis=1, ddof=1)
    average = np.mean(values, axis=0)
    root = math.sqrt(replicates)
    sem = float(np.std(average, ddof=1) / root)
    return Risks(means, spread / root, float(np.mean(average)), sem, replicates - 1.0)


@final
@dataclasses.dataclass(frozen=True)
class NoFreeLunch(Theorem):
    """T4, T5: on one of two processes with the same kept law, every learner fails.

    `check` trains learners on what the rule keeps of the adversary's two processes: least squares,
    ridge regression, random features, a small network, a constant and the midpoint, which attains
    the bound. The average of the two excess risks must not be below Delta for any of them.

    Args:
        students: names of the learners to try, of STUDENTS or, on Logistic, SIGNED_STUDENTS of
            `nfl_sim.theorems.students`; all by default, and the midpoint always.
    """

    students: tuple[str, ...] | None = None
    name: ClassVar[str] = "T4"
    title: ClassVar[str] = "what is never kept can hide any error: the worst case is at least Delta"
    statement: ClassVar[str] = (
        "If two processes agree on what a rule keeps, then any learner that sees the kept samples "
        "only has max_i E[E_i] >= Delta = inf (E_0 + E_1) / 2; for square loss with a common "
        "covariance Delta = |w*_0 - w*_1|^2 / 4."
    )
    reference: ClassVar[str] = "eq-no-free-lunch, eq-adversary in theory_notes/07"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        rule, score = problem.rule, problem.score
        sharp = isinstance(rule, KeepHardest | KeepEasiest) and float(rule.fraction) < 1.0
        name = "an inclusion probability of 0 somewhere"
        yield Assumption(name, sharp, f"the rule {type(rule).__name__}")
        known = isinstance(problem.model, Linear | Logistic)
        yield Assumption("a convex loss", known, f"the model {type(problem.model).__name__}")
        try:
            self.adversary(problem)
        except ValueError as error:
            yield Assumption("an adversary", None, str(error))
        else:
            yield Assumption("an adversary", True, f"that of {type(score).__name__}")

    def adversary(self, problem: Problem) -> Adversary:
        """Of the problem's score and rule, of size 1 or what stays discarded."""
        rule, model = problem.rule, problem.model
        if not isinstance(rule, KeepHardest | KeepEasiest) or not isinstance(
            model, Linear | Logistic
        ):
            raise ValueError(f"T5 needs a convex loss and KeepHardest or KeepEasiest, got {rule}")
        size = 1.0
        if isinstance(problem.score, EL2N) and isinstance(model, Linear):
            size = hidden_magnitude(model, problem.score, rule)
        return adversary(problem.score, rule, size, model=model)

    def bound(self, problem: Problem, dim: int) -> float:
        """Delta."""
        return self.scale * self.adversary(problem).bound

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        found, least = self.adversary(problem), self.bound(problem, dim)
        trained = min(_MOST_TRAINED, max(32, draws // (40 * 20 * dim)))
        verdicts = []
        for name, student in self._learners(found).items():
            # The midpoint, which lies on the bound, needs more and costs nothing to train.
            replicates = max(8 * trained, draws // _FRESH) if name == "midpoint" else trained
            measured = risks(found, student, key, dim=dim, num_kept=20 * dim, replicates=replicates)
            if not math.isfinite(measured.average):
                return undecided(self.name, self.title, f"the learner {name!r} returned nan")
            verdicts.append(
                at_least(
                    self.name,
                    f"the learner {name!r} has on average {measured.average:.4g}, not below "
                    f"Delta = {least:.4g}",
                    measured.average - least,
                    math.hypot(measured.sem, found.numerical_error),
                    resolution=RESOLUTION * least,
                    freedom=measured.freedom,
                )
            )
        return worst(verdicts)

    def _learners(self, found: Adversary) -> dict[str, Student]:
        known = STUDENTS if isinstance(found.model, Linear) else SIGNED_STUDENTS
        names = tuple(known) if self.students is None else self.students
        return {name: known[name] for name in names} | {"midpoint": midpoint(found)}


@final
class Adversaries(Theorem):
    """T5: the two processes keep the same, and what they discard pulls them apart by 2 B |h|.

    `check` holds the kept laws of independent draws against each other, and measures the pull.
    """

    name: ClassVar[str] = "T5"
    title: ClassVar[str] = "two processes with one kept law, which what is discarded pulls apart"
    statement: ClassVar[str] = (
        "For Uncertainty Y_s = w0.X + s B sgn(u.X) 1{discarded} + sigma xi, and for EL2N of the "
        "teacher the discarded labels replaced by w0.X + s B sgn(u.X), have one kept law and "
        "w*_s = w0 + s B h, h = E[X sgn(u.X) 1{discarded}]: Delta = B^2 |h|^2 is unbounded in B. "
        "For logistic labels P(Y = 1 | X) may move on the inputs discarded whatever their label."
    )
    reference: ClassVar[str] = (
        "eq-adversary, eq-adversary-residual, eq-adversary-logistic in theory_notes/07"
    )

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from NoFreeLunch().assumptions(problem, dim)

    def bound(self, problem: Problem, dim: int) -> float:
        """B |h|."""
        found = NoFreeLunch().adversary(problem)
        return self.scale * float(found.magnitude) * found.pull

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        found, expected = NoFreeLunch().adversary(problem), self.bound(problem, dim)
        law_key, pull_key = jax.random.split(key)
        if same_kept_law(found, law_key, draws) < FALSE_ALARM:
            return Verdict(self.name, "one kept law", "violated", -1.0, 0.0, 0.0, "they differ")
        covariates, plus = found.sample(pull_key, 1, draws, dim)
        _, minus = found.sample(pull_key, -1, draws, dim)
        half = np.asarray(0.5 * (plus - minus))
        if found.model.binary:
            half = 0.5 * half  # a sign has the mean 2 P - 1, and h is in P
        pulls = half * np.asarray(covariates[:, :2] @ found.pulled)
        return equal(
            self.name,
            f"one kept law, and a pull of {expected:.4g} apart from the teacher",
            float(np.mean(pulls)) - expected,
            float(np.std(pulls) / math.sqrt(draws)),
            resolution=RESOLUTION * expected,
        )


@functools.partial(jax.jit, static_argnames=("student", "num_kept", "size", "random"))
def _measure(
    found: Adversary,
    student: Student,
    keys: Key[Array, " replicates"],
    sign: Scalar,
    best: Float[Array, " d"],
    num_kept: int,
    size: int,
    random: bool,
) -> Float[Array, " replicates"]:
    def one(key: PRNGKeyArray) -> Float[Array, ""]:
        sample_key, fit_key, fresh_key = jax.random.split(key, 3)
        covariates, labels = found.rows(sample_key, sign, size, len(best))
        kept = jnp.ones(size, bool) if random else found.kept(covariates, labels)
        chosen = jnp.argsort(~kept, stable=True)[:num_kept]
        predictor = student(fit_key, covariates[chosen], labels[chosen])
        fresh = jax.random.normal(fresh_key, (_FRESH, len(best)), jnp.float64)
        excess = found.gap(predictor(fresh), fresh @ best, found.mean(fresh, sign))
        return jnp.where(jnp.sum(kept) >= num_kept, jnp.mean(excess), jnp.nan)

    return jax.lax.map(one, keys)
