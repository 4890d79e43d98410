"""T4 and T5: two processes that a rule cannot tell apart, and what every learner pays for it."""

import math
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray
from scipy import stats

from nfl_sim.models import Linear
from nfl_sim.pruning import KeepEasiest, KeepHardest, PointwiseRule
from nfl_sim.scores import EL2N, PointwiseScore, Probe, Uncertainty
from nfl_sim.validation import Scalar, to_scalar

_HALF_NORMAL_MEAN = math.sqrt(2.0 / math.pi)


@final
class Adversary(eqx.Module):
    """Two linear-regression processes of which a rule keeps the same (T5).

    With s = +1 or -1 and the unit vector u, where a sample is discarded its label becomes

    * Uncertainty (a): Y + s B sgn(u.X), with u along the probe;
    * EL2N of the teacher (a'): w0.X + s B sgn(u.X), with u along the teacher, which leaves the
      sample discarded.

    The kept laws are one, and the best students are w0 + s B h with h = |h| u.

    Args:
        model: the process without the shift.
        score: Uncertainty, or EL2N of the teacher.
        hardest: whether the rule keeps the highest scores.
        fraction: of the rule, r in (0, 1).
        cut: where the rule cuts the size of a standard normal, |w_p.X| / |w_p| or |residual| /
            sigma; the hardest of EL2N and the easiest of Uncertainty are the larger sizes.
        magnitude: B > 0.

    References: {eq}`eq-adversary`, {eq}`eq-adversary-residual` in
    theory_notes/07_no_free_lunch.md.
    """

    model: Linear
    score: PointwiseScore
    hardest: bool = eqx.field(static=True)
    fraction: Scalar
    cut: Scalar
    magnitude: Scalar

    @classmethod
    def of(
        cls,
        model: Linear,
        score: PointwiseScore,
        rule: KeepHardest | KeepEasiest,
        magnitude: Scalar,
    ) -> "Adversary":
        """With the cut of the rule's fraction; what is given is not checked."""
        hardest, r = isinstance(rule, KeepHardest), float(rule.fraction)
        large = hardest == isinstance(score, EL2N)
        cut = stats.norm.isf(0.5 * r if large else 0.5 * (1.0 - r))
        return cls(model, score, hardest, rule.fraction, jnp.asarray(cut), magnitude)

    @property
    def probe(self) -> Probe:
        """Of the score."""
        probe = self.score.probe
        if not isinstance(probe, Probe):
            raise ValueError(f"the score {type(self.score).__name__} has no fixed probe")
        return probe

    @property
    def direction(self) -> Float[Array, " 2"]:
        """u, in the plane of teacher and probe."""
        return self.probe.plane / self.probe.norm

    @property
    def _keeps_large(self) -> bool:
        return self.hardest == isinstance(self.score, EL2N)

    def kept(
        self, covariates: Float[Array, "n d"], labels: Float[Array, " n"]
    ) -> Bool[Array, " n"]:
        """Which samples the rule keeps."""
        if isinstance(self.score, EL2N):
            size = jnp.abs(labels - covariates[:, :2] @ self.probe.plane) / self.model.noise_std
        else:
            size = jnp.abs(covariates[:, :2] @ self.direction)
        return size > self.cut if self._keeps_large else size <= self.cut

    def sample(
        self, key: PRNGKeyArray, sign: int, num_samples: int, dim: int
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Rows of the process ``sign`` in float64; one key gives both the same kept rows.

        Args:
            key: of the draw.
            sign: 1 or -1.
            num_samples: before pruning.
            dim: of the covariates, >= 2.

        Raises:
            ValueError: ``sign`` is neither.
        """
        if sign not in (1, -1):
            raise ValueError(f"sign must be 1 or -1, got {sign!r}")
        return self.rows(key, jnp.asarray(float(sign)), num_samples, dim)

    def rows(
        self, key: PRNGKeyArray, sign: Scalar, num_samples: int, dim: int
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """`sample`, for a sign that may be traced and is not checked."""
        covariates, labels = self.model.sample(key, num_samples, dim, jnp.float64)
        start = labels
        if isinstance(self.score, EL2N):
            start = covariates[:, 0] * self.model.signal
        side = jnp.sign(covariates[:, :2] @ self.direction)
        other = start + sign * self.magnitude * side
        return covariates, jnp.where(self.kept(covariates, labels), labels, other)

    @property
    def pull(self) -> float:
        """|h| = E[|u.X|; discarded]."""
        if isinstance(self.score, EL2N):
            return _HALF_NORMAL_MEAN * (1.0 - float(self.fraction))
        above = _HALF_NORMAL_MEAN * math.exp(-0.5 * float(self.cut) ** 2)
        return _HALF_NORMAL_MEAN - above if self._keeps_large else above

    @property
    def bound(self) -> float:
        """Delta = B^2 |h|^2: no learner has a smaller worst-case excess risk."""
        return (float(self.magnitude) * self.pull) ** 2

    def best(self, sign: int, dim: int) -> Float[np.ndarray, " d"]:
        """w*_s = w0 + s B h."""
        found = np.zeros(dim)
        found[0] = float(self.model.signal)
        found[:2] += sign * float(self.magnitude) * self.pull * np.asarray(self.direction)
        return found


def adversary(
    score: PointwiseScore,
    rule: PointwiseRule,
    magnitude: float,
    *,
    model: Linear | None = None,
) -> Adversary:
    """The two processes that make a rule fail by as much as one likes.

    Args:
        score: Uncertainty, or EL2N whose probe is the teacher of ``model``.
        rule: KeepHardest or KeepEasiest, of fraction < 1.
        magnitude: B > 0; for EL2N below the threshold of the residual where the hardest are kept,
            above it where the easiest are, so that a changed sample stays discarded.
        model: the process without the shift; by default a teacher and a noise of length 1.

    Returns:
        The adversary, whose `Adversary.bound` no learner beats.

    Raises:
        ValueError: another score or rule, or a number outside its range.
    """
    process = Linear(jnp.asarray(1.0), jnp.asarray(1.0)) if model is None else model
    if not isinstance(rule, KeepHardest | KeepEasiest):
        raise ValueError(f"T4 needs a rule that never keeps some samples, got {rule}")
    if float(rule.fraction) >= 1.0:
        raise ValueError("fraction must be < 1, or nothing is discarded; got 1")
    if not isinstance(score, Uncertainty | EL2N):
        raise ValueError(f"an adversary is known for Uncertainty and EL2N, got {score}")
    if not isinstance(score.probe, Probe):
        raise ValueError(f"an adversary is known for a fixed Probe, got {score.probe}")
    size = to_scalar("magnitude", magnitude, low=0.0, open_low=True)
    found = Adversary.of(process, score, rule, size)
    if isinstance(score, EL2N):
        teacher = np.array([float(process.signal), 0.0])
        if np.max(np.abs(np.asarray(found.probe.plane) - teacher)) > 1e-12:
            raise ValueError(f"T5 (a') needs EL2N of the teacher {teacher}, got {found.probe}")
        edge, hard = float(found.cut * process.noise_std), found.hardest
        if (float(size) >= edge) == hard:
            side = "below" if hard else "above"
            raise ValueError(f"magnitude must lie {side} the threshold {edge:.6g}, got {magnitude}")
    elif float(found.probe.norm) == 0.0:
        raise ValueError("Uncertainty of a null probe ties all samples")
    return found


def same_kept_law(found: Adversary, key: PRNGKeyArray, num_samples: int) -> float:
    """p-value of "the kept laws are one", from independent draws of the two processes.

    The larger of two Kolmogorov-Smirnov statistics, of the labels kept and of their covariate
    along u, at Bonferroni's p-value. With m kept samples each a shift of a distribution function
    by 3.1 sqrt(2/m) is found with probability 0.9 at a false alarm of 1e-6.
    """
    along = []
    for index, sign in enumerate((1, -1)):
        covariates, labels = found.sample(jax.random.fold_in(key, index), sign, num_samples, 2)
        kept = np.asarray(found.kept(covariates, labels))
        along.append((np.asarray(covariates @ found.direction)[kept], np.asarray(labels)[kept]))
    values = [
        float(np.asarray(stats.ks_2samp(first, second))[1])
        for first, second in zip(*along, strict=True)
    ]
    return min(1.0, 2.0 * min(values))
