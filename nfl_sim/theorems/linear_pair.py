"""T5 (a) and (a'): two regressions of which a rule keeps the same."""

import math
from typing import final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, DTypeLike, Float, PRNGKeyArray
from scipy import stats

from nfl_sim.models import Linear
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import EL2N, PointwiseScore
from nfl_sim.theorems.pair import Adversary
from nfl_sim.validation import Scalar

_HALF_NORMAL_MEAN = math.sqrt(2.0 / math.pi)


@final
class LinearAdversary(Adversary):
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
    ) -> "LinearAdversary":
        """With the cut of the rule's fraction; what is given is not checked."""
        hardest, r = isinstance(rule, KeepHardest), float(rule.fraction)
        large = hardest == isinstance(score, EL2N)
        cut = stats.norm.isf(0.5 * r if large else 0.5 * (1.0 - r))
        return cls(model, score, hardest, rule.fraction, jnp.asarray(cut), magnitude)

    @property
    def direction(self) -> Float[Array, " 2"]:
        """u: the direction of the probe."""
        return self.probe.plane / self.probe.norm

    @property
    def _keeps_large(self) -> bool:
        return self.hardest == isinstance(self.score, EL2N)

    def kept(
        self, covariates: Float[Array, "n d"], labels: Float[Array, " n"]
    ) -> Bool[Array, " n"]:
        """Which samples the rule keeps."""
        if isinstance(self.score, EL2N):
            size = jnp.abs(labels - covariates[:, :2] @ self.probe.plane.astype(labels.dtype))
            size = size / self.model.noise_std.astype(labels.dtype)
        else:
            size = jnp.abs(self._along(covariates))
        return size > self.cut if self._keeps_large else size <= self.cut

    def rows(
        self,
        key: PRNGKeyArray,
        sign: Scalar,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float64,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Rows of the process ``sign``."""
        covariates, labels = self.model.sample(key, num_samples, dim, dtype)
        start = labels
        if isinstance(self.score, EL2N):
            start = covariates[:, 0] * self.model.signal.astype(dtype)
        shift = (sign * self.magnitude).astype(dtype) * jnp.sign(self._along(covariates))
        return covariates, jnp.where(self.kept(covariates, labels), labels, start + shift)

    def mean(self, covariates: Float[Array, "n d"], sign: Scalar) -> Float[Array, " n"]:
        """w0.x + s B sgn(u.x), times 1{discarded} or the share 1 - r that is discarded."""
        along = self._along(covariates)
        lost = 1.0 - self.fraction
        if not isinstance(self.score, EL2N):
            large = jnp.abs(along) > self.cut
            lost = jnp.where(large != self._keeps_large, 1.0, 0.0)
        return self.model.signal * covariates[:, 0] + sign * self.magnitude * lost * jnp.sign(along)

    def gap(
        self, predicted: Float[Array, " n"], other: Float[Array, " n"], mean: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        """(f - m)^2 - (g - m)^2."""
        return (predicted - other) * (predicted + other - 2.0 * mean)

    @property
    def pull(self) -> float:
        """|h| = E[|u.X|; discarded]."""
        return float(self._pull)

    @property
    def _pull(self) -> Scalar:
        if isinstance(self.score, EL2N):
            return _HALF_NORMAL_MEAN * (1.0 - self.fraction)
        above = _HALF_NORMAL_MEAN * jnp.exp(-0.5 * self.cut**2)
        return _HALF_NORMAL_MEAN - above if self._keeps_large else above

    @property
    def pulled(self) -> Float[Array, " 2"]:
        """u."""
        return self.direction

    @property
    def bound(self) -> float:
        """Delta = B^2 |h|^2."""
        return (float(self.magnitude) * self.pull) ** 2

    @property
    def numerical_error(self) -> float:
        """0: a closed form."""
        return 0.0

    def best(self, sign: int, dim: int) -> Float[np.ndarray, " d"]:
        """w*_s = w0 + s B h."""
        found = np.zeros(dim)
        found[:2] = np.asarray(self._best(sign))
        return found

    def excess_risk(self, weights: Float[Array, " d"], sign: int) -> Scalar:
        """|w - w*_s|^2."""
        return jnp.sum(weights.at[:2].add(-self._best(sign).astype(weights.dtype)) ** 2)

    def _best(self, sign: int) -> Float[Array, " 2"]:
        teacher = jnp.stack([self.model.signal, jnp.zeros(())])
        return teacher + sign * self.magnitude * self._pull * self.direction

    def _along(self, covariates: Float[Array, "n d"]) -> Float[Array, " n"]:
        return covariates[:, :2] @ self.direction.astype(covariates.dtype)
