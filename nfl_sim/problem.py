"""The spec: a problem is a model, a score, a rule and a learner; a regime says which limit."""

import math
from typing import Any, final, get_args

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.learners import Learner
from nfl_sim.models import Model
from nfl_sim.pruning import ImportanceSampling, JointRule, PointwiseRule
from nfl_sim.scores import PointwiseScore, Probe
from nfl_sim.validation import (
    NoTheoryError,
    Scalar,
    count_field,
    in_domain,
    is_traced,
    scalar_field,
)

_COLLINEAR = 1e-12


@final
class Problem(eqx.Module):
    """Score samples of ``model``, keep some by ``rule``, train ``learner`` on them.

    A pytree of float64 scalars: it can be mapped and differentiated in every one of them.

    Args:
        model: the law of the data, for example ``models.Linear``.
        score: what the samples are judged by, for example ``scores.EL2N``.
        rule: which are kept, for example ``pruning.KeepHardest``; or a ``pruning.JointRule``, which
            is simulated and not predicted.
        learner: how the student is trained, for example ``learners.Ridge``.

    Raises:
        ValueError: a part is not of its kind, or the learner needs labels +-1 and the model has
            others, or the rule needs a score that is never negative.
    """

    model: Model
    score: PointwiseScore
    rule: Any  # a PointwiseRule, or a JointRule, which theory refuses
    learner: Learner

    def __check_init__(self) -> None:
        kinds = {
            "model": Model,
            "score": PointwiseScore,
            "rule": PointwiseRule | JointRule,
            "learner": Learner,
        }
        for name, kind in kinds.items():
            _require_kind(name, getattr(self, name), kind)
        if self.learner.binary and not self.model.binary:
            raise ValueError(
                f"the learner {type(self.learner).__name__} needs labels +-1, which the model "
                f"{type(self.model).__name__} does not have"
            )
        if isinstance(self.rule, ImportanceSampling) and not self.score.nonnegative:
            raise ValueError(
                "ImportanceSampling needs a score that is never negative (EL2N, GraNd, Loss, "
                "Leverage, Influence, or one with nonnegative = True), got "
                f"{type(self.score).__name__}"
            )


@final
class FixedDimension(eqx.Module):
    """The limit n -> infinity at fixed dimension, to second order in 1/n.

    Args:
        dim: dimension of the covariates, >= 1.
    """

    dim: int = count_field("dim", at_least=1)


@final
class FiniteSample(eqx.Module):
    """The exact mean at one sample size, where it is known.

    Args:
        dim: dimension of the covariates, >= 1.
        num_samples: number of samples before pruning, >= 1.
    """

    dim: int = count_field("dim", at_least=1)
    num_samples: int = count_field("num_samples", at_least=1)


@final
class Proportional(eqx.Module):
    """The limit n, d -> infinity with n/d -> sample_ratio, n counted before pruning.

    Args:
        sample_ratio: n/d > 0.

    Raises:
        ValueError: ``sample_ratio`` is not a finite scalar > 0, or float64 is off.
    """

    sample_ratio: Scalar = scalar_field("sample_ratio", low=0.0, open_low=True)

    @property
    def dim(self) -> int:
        """The fewest dimensions in which a probe of any angle fits."""
        return 2


Regime = FixedDimension | FiniteSample | Proportional


def require_dimension(problem: Problem, dim: int) -> None:
    """Raise ``ValueError`` if the probe does not fit into ``dim`` dimensions.

    In one dimension the probe must be collinear with the teacher: angle 0 or pi.
    """
    probe = problem.score.probe
    if dim >= 2 or not isinstance(probe, Probe) or is_traced(probe.angle) or is_traced(probe.norm):
        return
    norm, angle = float(probe.norm), float(probe.angle)
    if abs(norm * math.sin(angle)) > _COLLINEAR * max(1.0, norm):
        raise ValueError(
            f"dim must be >= 2 unless the probe is collinear with the teacher (angle 0 or pi), "
            f"got dim={dim} and a probe of angle {angle!r}"
        )


def is_valid(problem: Problem, dim: int) -> Bool[Array, ""]:
    """Whether the scalars lie in their domains and the probe in ``dim`` dimensions, if traced."""
    valid, probe = in_domain(problem), problem.score.probe
    if dim >= 2 or not isinstance(probe, Probe):
        return valid
    return valid & (jnp.abs(probe.plane[1]) <= _COLLINEAR * jnp.maximum(1.0, probe.norm))


def probe_of(problem: Problem) -> Probe | None:
    """The probe of a problem, as theory knows it: fixed before the sample, or none.

    Raises:
        NoTheoryError: the probe is fitted to data; a theory that knows of it does not ask here.
    """
    probe = problem.score.probe
    if isinstance(probe, Probe | None):
        return probe
    raise NoTheoryError(f"no theory here for {type(probe).__name__}: only for a fixed Probe")


def require_finite_mean(num_kept: int, dim: int) -> None:
    """Raise ``ValueError`` where the mean excess risk of least squares is infinite."""
    if abs(num_kept - dim) <= 1:
        raise ValueError(
            "the mean excess risk of Ridge(penalty=0) is infinite unless |num_kept - dim| >= 2, "
            f"got num_kept={num_kept} and dim={dim}; keep more samples or set a penalty"
        )


def _require_kind(name: str, part: Any, kind: Any) -> None:
    if not isinstance(part, kind):
        known = " or a ".join(each.__name__ for each in get_args(kind) or (kind,))
        raise ValueError(f"{name} must be a {known}, got {part!r}")
