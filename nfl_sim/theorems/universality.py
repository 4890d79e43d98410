"""T12: what it costs a pointwise rule to be right everywhere, and the free lunch of a joint one."""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.pruning import BalancedVertex, JointRule, num_kept
from nfl_sim.simulation import score
from nfl_sim.theorems._base import Assumption, Theorem, plain_training
from nfl_sim.theorems.validity import limit_of
from nfl_sim.theorems.verdict import Verdict, at_least, equal

_SAME = 1e-9  # of the largest density: what still counts as constant
_EXACT = 1e-6


class Circuits(NamedTuple):
    """Processes of d + 1 points of equal mass each.

    Args:
        covariates, labels: of the points, shapes (k, d + 1, d) and (k, d + 1).
        density: pi omega at the points, shape (k, d + 1), > 0.
    """

    covariates: Float[np.ndarray, "k p d"]
    labels: Float[np.ndarray, "k p"]
    density: Float[np.ndarray, "k p"]

    @property
    def uneven(self) -> "Circuits":
        """Those processes at whose points pi omega is not one number."""
        other = np.ptp(self.density, axis=1) > _SAME * np.max(self.density, axis=1)
        return Circuits(*(column[other] for column in self))

    def solved(self) -> Float[np.ndarray, "k p"]:
        """x_i.(w_inf - w*) from the normal equations."""
        even, weighted = (self._student(h) for h in (np.ones_like(self.density), self.density))
        return np.einsum("kpd,kd->kp", self.covariates, weighted - even)

    def stated(self) -> Float[np.ndarray, "k p"]:
        """x_i.(w_inf - w*) from the linear relation of the points ({eq}`eq-circuit-gap`)."""
        relation = np.linalg.svd(np.swapaxes(self.covariates, 1, 2))[2][:, -1]
        push = np.sum(relation * self.labels, axis=1, keepdims=True)
        even = relation / np.sum(relation**2, axis=1, keepdims=True)
        uneven = relation / self.density
        uneven /= np.sum(relation * uneven, axis=1, keepdims=True)
        return push * (even - uneven)

    def _student(self, density: Float[np.ndarray, "k p"]) -> Float[np.ndarray, "k d"]:
        weighted = density[:, :, None] * self.covariates
        second = np.einsum("kpd,kpe->kde", weighted, self.covariates)
        first = np.einsum("kpd,kp->kd", weighted, self.labels)
        return np.linalg.solve(second, first[:, :, None])[:, :, 0]


def circuits(problem: Problem, dim: int, key: PRNGKeyArray, count: int) -> Circuits:
    """Processes whose d + 1 points are drawn from the problem, under its rule at its own level."""
    sample_key, score_key = jax.random.split(key)
    size = count * (dim + 1)
    covariates, labels = problem.model.sample(sample_key, size, dim, jnp.float64)
    scores = score(score_key, problem, covariates, labels)
    level = jnp.nan_to_num(limit_of(problem, dim).threshold)
    density = problem.rule.inclusion(scores, level) * problem.rule.weight(scores, level)
    shape = (count, dim + 1)
    rows = np.reshape(np.asarray(covariates), (*shape, dim))
    return Circuits(rows, *(np.reshape(np.asarray(column), shape) for column in (labels, density)))


@final
class Universality(Theorem):
    """T12: a pointwise rule is right on every process iff pi omega is constant.

    `check` makes processes of d + 1 points each and solves least squares on them, with and without
    pi omega: the students are equal if it is constant, and apart by what the linear relation of
    the points says if it is not.
    """

    name: ClassVar[str] = "T12"
    title: ClassVar[str] = "a pointwise rule is right on every process iff pi omega is constant"
    statement: ClassVar[str] = (
        "Square loss and a fixed rule with pi omega > 0: w_inf = w* on every process iff pi omega "
        "is constant on {x != 0}; on d + 1 points with sum c_i x_i = 0 the two differ unless "
        "pi omega is equal at all of them."
    )
    reference: ClassVar[str] = "eq-universal, eq-circuit-gap in theory_notes/09"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem, dim)
        linear = isinstance(problem.model, Linear)
        yield Assumption("square loss", linear, f"the model {type(problem.model).__name__}")
        least = float(np.min(circuits(problem, dim, jax.random.key(0), 1000).density))
        yield Assumption(
            "a density that is never 0", least > 0.0, f"{least:.3g} is the least; T4 is the case 0"
        )

    def bound(self, problem: Problem, dim: int) -> float:
        """The median of |x.(w_inf - w*)| over those of 1000 processes where it is not 0."""
        found = circuits(problem, dim, jax.random.key(0), 1000).uneven
        return self.scale * _median(found.stated())

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        found = circuits(problem, dim, key, max(100, draws // (100 * (dim + 1))))
        if not len((other := found.uneven).labels):
            claim = "pi omega is constant, and w_inf = w* on all processes of d + 1 points"
            apart = _median(found.solved())
            return equal(self.name, claim, apart, 0.0, resolution=_EXACT * _median(found.labels))
        stated = self.scale * _median(other.stated())
        claim = f"pi omega is not constant, and w_inf is off by {stated:.4g} on d + 1 points"
        gap = _median(other.solved()) - stated
        return equal(self.name, claim, gap, 0.0, resolution=_EXACT * stated)


@final
@dataclasses.dataclass(frozen=True)
class FreeLunch(Theorem):
    """T12, the other side: a joint rule keeps rn rows whose least squares is that of all.

    `check` draws samples, lets the rule choose, and holds the distance of the two students against
    the bound, which is computed from the whole sample.

    Args:
        num_samples: of each sample.
    """

    num_samples: int = 6400
    name: ClassVar[str] = "T12 joint"
    title: ClassVar[str] = "least squares on a balanced vertex is least squares on all, to O(1/rn)"
    statement: ClassVar[str] = (
        "A vertex of {t in [0,1]^n : sum t_i phi_i = r sum phi_i}, phi = (1, xy, xx') in p "
        "dimensions, rounded, keeps rn rows with |w_S - w| <= p max|x e| / (2 r lambda_min(X'X) - "
        "p max|x|^2), w and e being least squares on all rows and its residuals."
    )
    reference: ClassVar[str] = "eq-balance-polytope, eq-free-lunch in theory_notes/09"
    speaks_of: ClassVar[tuple[type, ...]] = (JointRule,)

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        yield from plain_training(problem, dim)
        linear = isinstance(problem.model, Linear)
        yield Assumption("square loss", linear, f"the model {type(problem.model).__name__}")
        balanced = isinstance(problem.rule, BalancedVertex) or None
        yield Assumption("a balanced vertex", balanced, f"the rule {type(problem.rule).__name__}")
        kept, sums = num_kept(float(problem.rule.fraction), self.num_samples), _sums(dim)
        yield Assumption("more rows than sums", kept >= sums, f"{kept} rows, {sums} sums")
        finite = np.isfinite(self.bound(problem, dim))
        yield Assumption("a sample so large that there is a bound", bool(finite), f"{kept} rows")

    def bound(self, problem: Problem, dim: int) -> float:
        """Of |w_S - w|, on the sample of the key 0; inf where the sample is too small for one."""
        return self._bound(problem, *self._sample(problem, dim, jax.random.key(0)))

    def _sample(
        self, problem: Problem, dim: int, key: PRNGKeyArray
    ) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, " n"]]:
        covariates, labels = problem.model.sample(key, self.num_samples, dim, jnp.float64)
        return np.asarray(covariates), np.asarray(labels)

    def _bound(
        self,
        problem: Problem,
        covariates: Float[np.ndarray, "n d"],
        labels: Float[np.ndarray, " n"],
    ) -> float:
        sums, lengths = _sums(covariates.shape[1]), np.linalg.norm(covariates, axis=1)
        residuals = labels - covariates @ least_squares(covariates, labels)
        share = num_kept(float(problem.rule.fraction), len(labels)) / len(labels)
        stiffness = 2.0 * share * np.linalg.eigvalsh(covariates.T @ covariates)[0]
        stiffness -= sums * np.max(lengths) ** 2
        largest = sums * float(np.max(lengths * np.abs(residuals)))
        return self.scale * largest / float(stiffness) if stiffness > 0.0 else float("inf")

    def distance(self, problem: Problem, dim: int, key: PRNGKeyArray) -> tuple[float, float]:
        """|w_S - w| on a sample, and its bound."""
        sample_key, rule_key = jax.random.split(key)
        covariates, labels = self._sample(problem, dim, sample_key)
        kept = problem.rule.select(rule_key, covariates, labels, np.zeros_like(labels))
        gap = least_squares(covariates[kept], labels[kept]) - least_squares(covariates, labels)
        return float(np.linalg.norm(gap)), self._bound(problem, covariates, labels)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        keys = jax.random.split(key, max(2, draws // (10 * self.num_samples)))
        found = [self.distance(problem, dim, one) for one in keys]
        gap, least = max(found, key=lambda pair: pair[0] / pair[1])
        claim = f"least squares on what is kept is {gap:.3g} from that on all, at most {least:.3g}"
        return at_least(self.name, claim, least - gap, 0.0)


def least_squares(
    covariates: Float[np.ndarray, "m d"], labels: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " d"]:
    """The student of least squares."""
    return np.linalg.lstsq(covariates, labels, rcond=None)[0]


def _median(values: Float[np.ndarray, "k p"]) -> float:
    return float(np.median(np.abs(values))) if len(values) else 0.0


def _sums(dim: int) -> int:
    """p = 1 + d + d(d+1)/2."""
    return 1 + dim + dim * (dim + 1) // 2
