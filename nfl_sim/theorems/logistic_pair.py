"""T5 (b): two logistic processes of which a rule keeps the same."""

import math
from typing import final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import sigmoid, softplus
from jaxtyping import Array, Bool, DTypeLike, Float, PRNGKeyArray
from scipy import optimize, stats
from scipy.special import expit

from nfl_sim.gaussian import panel_nodes, softplus_divergence, softplus_slope
from nfl_sim.models import Logistic
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import EL2N, PointwiseScore, Probe
from nfl_sim.theorems.pair import Adversary
from nfl_sim.validation import Scalar

_REACH, _NODES = 9.0, 96


@final
class LogisticAdversary(Adversary):
    """Two logistic processes of which a rule keeps the same (T5 (b)).

    On the inputs D that are discarded whatever their label, P_s(Y = 1 | X) = sigma(w0.X)
    + s B min(sigma, 1 - sigma)(w0.X) sgn(u.X); elsewhere it is the teacher's. With p the probe
    along X, D is where p lies within c of 0 for EL2N and for the easiest of Uncertainty, and
    beyond c for the hardest of it; u is at a right angle to the probe.

    Args:
        model: the process without the shift, unflipped.
        score: EL2N or Uncertainty.
        hardest: whether the rule keeps the highest scores.
        fraction: of the rule, r in (0, 1).
        cut: c.
        magnitude: B in (0, 1].
        shift: B h, in the plane of teacher and probe.
        lengths: of the best students, s = +1 and -1.
        shift_error: relative.

    References: {eq}`eq-adversary-logistic`, {eq}`eq-adversary-logistic-bound` in
    theory_notes/07_no_free_lunch.md.
    """

    model: Logistic
    score: PointwiseScore
    hardest: bool = eqx.field(static=True)
    fraction: Scalar
    cut: Scalar
    magnitude: Scalar
    shift: Float[Array, " 2"]
    lengths: Float[Array, " 2"]
    shift_error: Scalar

    @classmethod
    def of(
        cls,
        model: Logistic,
        score: PointwiseScore,
        rule: KeepHardest | KeepEasiest,
        magnitude: Scalar,
    ) -> "LogisticAdversary":
        """With the cut of the rule's fraction.

        Raises:
            ValueError: for EL2N, so much is kept that no input is discarded whatever its label.
        """
        hardest, r = isinstance(rule, KeepHardest), float(rule.fraction)
        cut = float(stats.norm.isf(0.5 * (1.0 - r if hardest else r)))
        if isinstance(score, EL2N):
            # z = y p: the hardest are z <= -c, the easiest z >= c.
            edge = margin_mass(model, score, 0.0)
            least = edge if hardest else 1.0 - edge
            if r >= least:
                raise ValueError(
                    "T5 (b) needs inputs that are discarded whatever their label: fraction must "
                    f"be < {least:.6g}, got {r:g}"
                )
            side = -1.0 if hardest else 1.0
            kept = r if hardest else 1.0 - r
            root = optimize.brentq(
                lambda c: margin_mass(model, score, side * c) - kept, 0.0, _REACH, xtol=1e-13
            )
            cut = float(np.asarray(root))
        loses_large = hardest and not isinstance(score, EL2N)
        unit, error = _unit_pull(model, score, cut, inside=not loses_large)
        shift = float(magnitude) * unit
        sizes = [np.linalg.norm([float(model.pull) + s * shift[0], shift[1]]) for s in (1, -1)]
        lengths = jnp.asarray([_best_norm(float(size)) for size in sizes])
        return cls(
            model,
            score,
            hardest,
            rule.fraction,
            jnp.asarray(cut),
            magnitude,
            jnp.asarray(shift),
            lengths,
            jnp.asarray(error),
        )

    @property
    def direction(self) -> Float[Array, " 2"]:
        """u: at a right angle to the probe."""
        along = self.probe.direction
        return jnp.stack([-along[1], along[0]])

    def kept(
        self, covariates: Float[Array, "n d"], labels: Float[Array, " n"]
    ) -> Bool[Array, " n"]:
        """Which samples the rule keeps."""
        place = self._place(covariates)
        if not isinstance(self.score, EL2N):
            return (jnp.abs(place) <= self.cut) == self.hardest
        agreement = labels * place
        return agreement <= -self.cut if self.hardest else agreement >= self.cut

    def lost(self, covariates: Float[Array, "n d"]) -> Bool[Array, " n"]:
        """D: which inputs are discarded whatever their label."""
        inside = jnp.abs(self._place(covariates)) < self.cut
        loses_large = self.hardest and not isinstance(self.score, EL2N)
        return ~inside if loses_large else inside

    def rows(
        self,
        key: PRNGKeyArray,
        sign: Scalar,
        num_samples: int,
        dim: int,
        dtype: DTypeLike = jnp.float64,
    ) -> tuple[Float[Array, "n d"], Float[Array, " n"]]:
        """Rows of the process ``sign``: one uniform a sample decides its label in both."""
        covariate_key, label_key = jax.random.split(key)
        covariates = jax.random.normal(covariate_key, (num_samples, dim), dtype)
        chance = 0.5 * (1.0 + self.mean(covariates, sign))
        up = jax.random.uniform(label_key, (num_samples,), dtype) < chance
        return covariates, jnp.where(up, 1.0, -1.0).astype(dtype)

    def mean(self, covariates: Float[Array, "n d"], sign: Scalar) -> Float[Array, " n"]:
        """2 P_s(Y = 1 | x) - 1."""
        logit = self.model.signal.astype(covariates.dtype) * covariates[:, 0]
        side = jnp.sign(covariates[:, :2] @ self.direction.astype(covariates.dtype))
        shift = sign * self.magnitude.astype(covariates.dtype) * sigmoid(-jnp.abs(logit)) * side
        return jnp.tanh(0.5 * logit) + 2.0 * jnp.where(self.lost(covariates), shift, 0.0)

    def gap(
        self, predicted: Float[Array, " n"], other: Float[Array, " n"], mean: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        """Of the log-loss of the logits: softplus(f) - softplus(g) - P(Y = 1) (f - g)."""
        return softplus(predicted) - softplus(other) - 0.5 * (1.0 + mean) * (predicted - other)

    @property
    def pull(self) -> float:
        """|h|, h = E[X min(sigma, 1 - sigma) sgn(u.X); D]."""
        return float(jnp.linalg.norm(self.shift) / self.magnitude)

    @property
    def pulled(self) -> Float[Array, " 2"]:
        """h / |h|."""
        return self.shift / jnp.linalg.norm(self.shift)

    @property
    def bound(self) -> float:
        """Delta: the mean over s of E_s(w0), w0 being the best of all predictors on average."""
        teacher = jnp.stack([self.model.signal, jnp.zeros(())])
        return 0.5 * sum(float(self.excess_risk(teacher, sign)) for sign in (1, -1))

    @property
    def numerical_error(self) -> float:
        """Of the bound, which is quadratic in the shift at most; and the rounding of the roots."""
        return 2.0 * float(self.shift_error) * self.bound + 1e-12

    def best(self, sign: int, dim: int) -> Float[np.ndarray, " d"]:
        """w*_s, along E_s[X P(Y = 1 | X)]."""
        found = np.zeros(dim)
        pull = np.asarray(self._attraction(sign))
        found[:2] = float(self._length(sign)) * pull / np.linalg.norm(pull)
        return found

    def excess_risk(self, weights: Float[Array, " d"], sign: int) -> Scalar:
        """S(|w|) - S(c) - S'(c) (|w| - c) + |k| |w| - k.w, with S'(c) = |k|."""
        pull, norm = self._attraction(sign), jnp.sqrt(jnp.sum(weights**2))
        size, length = jnp.linalg.norm(pull), self._length(sign)
        turned = size.astype(norm.dtype) * norm - pull.astype(norm.dtype) @ weights[:2]
        return softplus_divergence(norm, length.astype(norm.dtype)) + turned

    def _attraction(self, sign: int) -> Float[Array, " 2"]:
        """k = E_s[X P(Y = 1 | X)]: the risk of w is S(|w|) - k.w."""
        return jnp.stack([self.model.pull, jnp.zeros(())]) + sign * self.shift

    def _length(self, sign: int) -> Scalar:
        return self.lengths[0 if sign == 1 else 1]

    def _place(self, covariates: Float[Array, "n d"]) -> Float[Array, " n"]:
        """Along the probe, in standard units."""
        return covariates[:, :2] @ self.probe.direction.astype(covariates.dtype)


def margin_mass(model: Logistic, score: PointwiseScore, place: float) -> float:
    """P(Y p <= place), p being the probe along X: the error of the probe at 0, to 1e-12.

    References: {eq}`eq-adversary-logistic` in theory_notes/07_no_free_lunch.md.
    """
    probe = score.probe
    angle = float(probe.angle) if isinstance(probe, Probe) else 0.0
    across = np.linspace(-_REACH, _REACH, 721)  # trapezoids, exact for an analytic integrand
    edges = np.unique(np.clip(np.linspace(-_REACH, _REACH, 37), -_REACH, place))
    if len(edges) < 2:
        return 0.0
    nodes, weights = panel_nodes(edges, 12)
    logit = float(model.signal) * (np.cos(angle) * nodes[:, None] + np.sin(angle) * across)
    chance = expit(logit) @ (stats.norm.pdf(across) * (across[1] - across[0]))
    return float(2.0 * np.sum(weights * stats.norm.pdf(nodes) * chance))


def _unit_pull(
    model: Logistic, score: PointwiseScore, cut: float, *, inside: bool
) -> tuple[Float[np.ndarray, " 2"], float]:
    """h at magnitude 1 in the plane of teacher and probe, and its relative error."""
    probe = score.probe
    angle = float(probe.angle) if isinstance(probe, Probe) else 0.0
    rough, fine = (
        _integral(float(model.signal), angle, cut, inside, count) for count in (_NODES, 2 * _NODES)
    )
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ fine, float(np.linalg.norm(fine - rough) / np.linalg.norm(fine))


def _integral(
    signal: float, angle: float, cut: float, inside: bool, count: int
) -> Float[np.ndarray, " 2"]:
    """h along the probe and across it, by Gauss rules that end at the cut and at the kink."""
    cosine, sine = math.cos(angle), math.sin(angle)
    slabs = ((-cut, cut),) if inside else ((-_REACH, -cut), (cut, _REACH))
    across, weights = panel_nodes(np.linspace(0.0, _REACH, 7), count)
    weights = weights * stats.norm.pdf(across)
    reference, lengths = np.polynomial.legendre.leggauss(count)
    found = np.zeros(2)
    for low, high in slabs:
        # The logit changes its sign where cos p = sin q.
        kink = np.clip(across * sine / cosine if cosine else across * np.inf, low, high)
        for start, stop in ((np.full_like(across, low), kink), (kink, np.full_like(across, high))):
            half = 0.5 * (stop - start)[:, None]
            along = start[:, None] + half * (reference + 1.0)
            logit = signal * (along * cosine - across[:, None] * sine)
            mass = half * lengths * stats.norm.pdf(along) * expit(-np.abs(logit))
            mass *= 2.0 * weights[:, None]
            found += np.array([np.sum(mass * along), np.sum(mass.T @ across)])
    return found


def _best_norm(size: float) -> float:
    """The length c of a student with S'(c) = size."""
    root = optimize.brentq(
        lambda c: float(softplus_slope(jnp.asarray(c))) - size, 0.0, 1e4, xtol=1e-14
    )
    return float(np.asarray(root))
