"""T14: what no rule and no learner can do, and what a kept sample knows."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.pruning import JointRule, KeepEasiest, KeepHardest, PointwiseRule, num_kept
from nfl_sim.scores import EL2N, Probe
from nfl_sim.simulation import simulate
from nfl_sim.theorems._base import RESOLUTION, Assumption, Theorem
from nfl_sim.theorems.detective import mean_and_sem
from nfl_sim.theorems.truncated import draw_kept, kept_information
from nfl_sim.theorems.verdict import Verdict, at_least, equal

_PAIR = 2  # replicates a teacher
_REPLICATES = 500  # of a batch


class BayesRisk(NamedTuple):
    """E tr(X'X/sigma^2 + I/tau^2)^-1, measured, and what is below it in closed form.

    Args:
        mean, sem: of the trace.
        least: 1/(n/(sigma^2 d) + 1/Q).
    """

    mean: float
    sem: float
    least: float


def bayes_risk(
    dim: int, num_samples: int, *, noise_std: float, error: float, draws: int = 4000
) -> BayesRisk:
    """The least average excess risk of any rule and any learner (T14).

    Args:
        dim, num_samples: of the full data.
        noise_std: sigma.
        error: Q = E|w0 - w_p|^2 > 0, of a teacher that is normal about the probe.
        draws: of the covariates, from a fixed seed.

    References: {eq}`eq-bayes` in theory_notes/09_beyond_pointwise.md.
    """
    rng, known = np.random.default_rng(0), np.eye(dim) * dim / error
    traces = []
    for _ in range(draws):
        rows = rng.normal(size=(num_samples, dim)) / noise_std
        traces.append(np.sum(1.0 / np.linalg.eigvalsh(rows.T @ rows + known)))
    mean, sem = mean_and_sem(np.array(traces))
    return BayesRisk(mean, sem, 1.0 / (num_samples / (noise_std**2 * dim) + 1.0 / error))


@final
@dataclasses.dataclass(frozen=True)
class BayesBound(Theorem):
    """T14 (a): averaged over teachers about the probe no rule and no learner beats the full data.

    `check` draws teachers, simulates the problem with each, and holds the average excess risk
    against that of ridge regression to the probe on all samples, which attains the bound.

    Args:
        num_samples: n.
        error: Q, the mean of |w0 - w_p|^2 over the teachers.
    """

    num_samples: int = 100
    error: float = 0.5
    name: ClassVar[str] = "T14a"
    title: ClassVar[str] = "no rule and no learner beats the full data on average"
    statement: ClassVar[str] = (
        "Linear regression, x ~ N(0, I), w0 ~ N(w_p, tau^2 I), Q = d tau^2: whatever is trained on "
        "whatever is kept of n samples, E|w - w0|^2 >= E tr(X'X/sigma^2 + I/tau^2)^-1 >= "
        "1/(n/(sigma^2 d) + 1/Q), X being all n rows."
    )
    reference: ClassVar[str] = "eq-bayes in theory_notes/09"
    speaks_of: ClassVar[tuple[type, ...]] = (PointwiseRule, JointRule)

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        linear = isinstance(problem.model, Linear)
        yield Assumption("linear regression", linear, f"the model {type(problem.model).__name__}")
        yield Assumption("more than one dimension", dim >= 2, f"dim={dim}")
        inside = self.error > 0.0
        yield Assumption("a probe that may be wrong", inside, f"error={self.error:g}")

    def bound(self, problem: Problem, dim: int) -> float:
        """E tr(X'X/sigma^2 + I/tau^2)^-1."""
        return self.scale * self._risk(problem, dim).mean

    def teachers(
        self, problem: Problem, dim: int, key: PRNGKeyArray, count: int
    ) -> Iterator[Problem]:
        """The problem with teachers drawn about its probe, each in its own frame."""
        probe = problem.score.probe
        fixed = probe if isinstance(probe, Probe) else None
        length = 0.0 if fixed is None else float(fixed.norm)
        spread = math.sqrt(self.error / dim)
        teachers = spread * np.asarray(jax.random.normal(key, (count, dim), jnp.float64))
        teachers[:, 0] += length
        for teacher in teachers:
            signal = float(np.linalg.norm(teacher))
            drawn = eqx.tree_at(lambda p: p.model.signal, problem, jnp.asarray(signal))
            if fixed is not None:
                angle = jnp.asarray(math.acos(float(teacher[0]) / signal))
                drawn = eqx.tree_at(lambda p: p.score.probe.angle, drawn, angle)
            yield drawn

    def risks(
        self, problem: Problem, dim: int, key: PRNGKeyArray, count: int
    ) -> Float[np.ndarray, " count"]:
        """Excess risks of the problem, one a teacher."""
        draw_key, run_key = jax.random.split(key)
        return np.array(
            [
                simulate(
                    jax.random.fold_in(run_key, index),
                    drawn,
                    dim=dim,
                    num_samples=self.num_samples,
                    num_replicates=_PAIR,
                ).excess_risk.mean
                for index, drawn in enumerate(self.teachers(problem, dim, draw_key, count))
            ]
        )

    def _risk(self, problem: Problem, dim: int) -> BayesRisk:
        noise = math.sqrt(_variance(problem))
        return bayes_risk(dim, self.num_samples, noise_std=noise, error=self.error)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        count = max(16, draws // (20 * self.num_samples))
        risk, sem = mean_and_sem(self.risks(problem, dim, key, count))
        least = self._risk(problem, dim)
        claim = f"on average over teachers {risk:.4g}, not below {self.scale * least.mean:.4g}"
        return at_least(
            self.name,
            claim,
            risk - self.scale * least.mean,
            math.hypot(sem, self.scale * least.sem),
            resolution=RESOLUTION * least.mean,
        )


@final
@dataclasses.dataclass(frozen=True)
class Information(Theorem):
    """T14 (b): samples kept for their residual carry r kappa I, and truncated likelihood has it.

    `check` fits by truncated maximum likelihood at n and 4n and extrapolates n |w - w0|^2, which
    must tend to sigma^2 d / (r kappa); least squares has sigma^2 d kappa / r.

    Args:
        num_kept: at the smaller of the two sizes, in units of 1/kappa if that is more: so much
            information there is.
    """

    num_kept: int = 100
    name: ClassVar[str] = "T14b"
    title: ClassVar[str] = "a sample kept for its residual carries kappa times the information"
    statement: ClassVar[str] = (
        "Linear regression kept by |residual| of the teacher carries J = r kappa I, kappa being "
        "the mean square of the kept noise over sigma^2: truncated maximum likelihood has "
        "n E[E] -> sigma^2 d / (r kappa), least squares sigma^2 d kappa / r."
    )
    reference: ClassVar[str] = "eq-kept-information, eq-information-ratio in theory_notes/09"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        linear = isinstance(problem.model, Linear)
        yield Assumption("linear regression", linear, f"the model {type(problem.model).__name__}")
        rule, probe = problem.rule, problem.score.probe
        sharp = isinstance(rule, KeepHardest | KeepEasiest)
        yield Assumption("pruning by score", sharp, f"the rule {type(rule).__name__}")
        seen = isinstance(problem.score, EL2N)
        yield Assumption("the residual", seen, f"the score {type(problem.score).__name__}")
        model: Any = problem.model
        teacher = np.array([float(model.signal), 0.0])
        right = isinstance(probe, Probe) and bool(
            np.max(np.abs(np.asarray(probe.plane) - teacher)) <= 1e-12
        )
        yield Assumption("the teacher as the probe", right, f"{probe}")

    def bound(self, problem: Problem, dim: int) -> float:
        """sigma^2 d / (r kappa)."""
        fraction, hardest = _sharp(problem)
        kappa = kept_information(fraction, hardest=hardest)
        return self.scale * _variance(problem) * dim / (fraction * kappa)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        limit, (fraction, hardest) = self.bound(problem, dim), _sharp(problem)
        least = self.num_kept / min(1.0, kept_information(fraction, hardest=hardest))
        means, sems = [], []
        for index, factor in enumerate((1, 4)):
            size = round(factor * least / fraction)
            count = max(50, round(draws / (factor * least)))
            seed = jax.random.fold_in(key, index)
            found = offsets(seed, dim, size, fraction, count, hardest=hardest)
            mean, sem = mean_and_sem(size * _variance(problem) * found["controlled"])
            means.append(mean)
            sems.append(sem)
        gap = (4.0 * means[1] - means[0]) / 3.0 - limit
        sem = math.hypot(4.0 * sems[1], sems[0]) / 3.0
        claim = f"n |w - w0|^2 of truncated maximum likelihood tends to {limit:.4g}"
        return equal(self.name, claim, gap, sem, resolution=2.5 * RESOLUTION * limit)


def offsets(
    key: PRNGKeyArray, dim: int, num_samples: int, fraction: float, count: int, *, hardest: bool
) -> dict[str, Float[np.ndarray, " count"]]:
    """|w - w0|^2 / sigma^2 of two learners on samples kept by the residual of the teacher.

    Args:
        key: of the draws.
        dim, num_samples, fraction: of the samples, and how many of them are kept.
        count: replicates.
        hardest: whether the largest residuals are kept.

    Returns:
        One a replicate, of "least squares", of "truncated" maximum likelihood, and "controlled":
        the latter less the square of its first order sum x xi / (m kappa), whose mean given xi is
        known and put back.

    Raises:
        ValueError: Newton's method did not end on a replicate.
    """
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    kept, kappa = num_kept(fraction, num_samples), kept_information(fraction, hardest=hardest)
    parts: dict[str, list[np.ndarray]] = {
        "least squares": [],
        "truncated": [],
        "controlled": [],
    }
    for start in range(0, count, _REPLICATES):
        batch = min(_REPLICATES, count - start)
        sample = draw_kept(rng, batch, num_samples, kept, dim, hardest=hardest)
        likely, ended = sample.fit()
        if not np.all(ended):
            raise ValueError(f"truncated likelihood found no maximum on {np.sum(~ended)} samples")
        first = np.einsum("rmd,rm->rd", sample.covariates, sample.residuals) / (kept * kappa)
        known = dim * np.sum(sample.residuals**2, axis=1) / (kept * kappa) ** 2
        squares = np.sum(likely**2, axis=1)
        parts["least squares"].append(np.sum(sample.least_squares() ** 2, axis=1))
        parts["truncated"].append(squares)
        parts["controlled"].append(squares - np.sum(first**2, axis=1) + known)
    return {name: np.concatenate(found) for name, found in parts.items()}


def _variance(problem: Problem) -> float:
    model: Any = problem.model
    return float(model.noise_std) ** 2


def _sharp(problem: Problem) -> tuple[float, bool]:
    """The fraction of a sharp rule, and whether it keeps the hardest."""
    return float(problem.rule.fraction), isinstance(problem.rule, KeepHardest)
