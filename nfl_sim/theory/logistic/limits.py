"""The limit of small fractions, and where random pruning overtakes."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from nfl_sim.gaussian import bisect, polish, softplus_slope
from nfl_sim.problem import FixedDimension, Problem, probe_of
from nfl_sim.pruning import KeepRandom
from nfl_sim.theory.logistic.ball_law import BallLaw
from nfl_sim.theory.logistic.fixed_dimension import predict_fixed_dimension
from nfl_sim.theory.logistic.law import Plane
from nfl_sim.theory.logistic.laws import kept_law, logistic_model
from nfl_sim.theory.logistic.margin_law import Everything, HalfLine, Slab
from nfl_sim.theory.logistic.solution import logistic_penalty
from nfl_sim.theory.prediction import Prediction, nan_unless
from nfl_sim.validation import NoTheoryError, Scalar, is_traced

_BISECTIONS = 60
_PERPENDICULAR = 1e-12


def small_fraction_limit(problem: Problem, regime: FixedDimension) -> Prediction:
    """The student as the kept fraction tends to 0 (T6); the problem's own fraction is ignored.

    EL2N, Loss, Margin: separable, in the direction -w_p (hardest) or w_p (easiest). GraNd: the
    norm diverges toward -w_p (hardest); (1 - 2 eps) w0 + (dim + 2) w_p (easiest). Uncertainty and
    Leverage: w0 if no label is flipped. With a penalty the student mostly vanishes, and ``error``
    is that of its last direction.

    Returns:
        A `Prediction` of the student and its risk; ``finite_size`` and the like are nan. Where the
        norm diverges ``exists`` is False.

    Raises:
        NoTheoryError: the score has no closed limit here.

    References: {eq}`eq-logistic-small-r` in theory_notes/04_logistic.md.
    """
    logistic_penalty(problem)
    return _small_fraction_limit(problem, regime)


@eqx.filter_jit
def _small_fraction_limit(problem: Problem, regime: FixedDimension) -> Prediction:
    # The closed law of the score, also in dimension 1.
    penalty, law = logistic_penalty(problem), kept_law(problem, max(regime.dim, 2)).law
    free = penalty == 0.0
    match law:
        case Everything():
            student = _on_ray(problem, jnp.ones(()), penalty)
            weights, direction, exists = student, jnp.array([1.0, 0.0]), jnp.asarray(True)
        case HalfLine():
            weights, direction, exists = jnp.zeros(2), -law.axes[0], ~free
        case Slab():
            weights, direction = _slab_limit(problem, law, penalty)
            exists = jnp.asarray(True)
        case BallLaw():
            weights, direction, exists = _ball_limit(problem, law, penalty, regime.dim)
        case _:
            raise NoTheoryError(
                f"no closed limit of small fractions for {type(problem.score).__name__}; there is "
                "for EL2N, GraNd, Leverage, Loss, Margin, Uncertainty, Uniform"
            )
    return _limit(problem, regime, weights, direction, exists)


def crossover_sample_size(problem: Problem, regime: FixedDimension, *, refined: bool) -> Scalar:
    """n* = (C_random - C) / E, with E the excess log-loss and C the finite_size (T8).

    There is no refinement for this model: ``refined`` makes no difference.

    Returns:
        n counted before pruning; 0 where random pruning wins at every n, inf where the rule's
        limit is exact and its 1/n term the smaller, nan without a finite minimiser.

    Raises:
        NoTheoryError: the penalty is not 0 (then random pruning is biased too).

    References: {eq}`eq-logistic-crossover` in theory_notes/04_logistic.md.
    """
    penalty = logistic_penalty(problem)
    if not is_traced(penalty) and float(penalty) != 0.0:
        raise NoTheoryError(
            f"the crossover compares with unbiased random pruning, so the penalty must be 0, got "
            f"{float(penalty):g}"
        )
    prediction = predict_fixed_dimension(problem, regime)
    rival = eqx.tree_at(lambda p: p.rule, problem, KeepRandom(problem.rule.fraction))
    advantage = predict_fixed_dimension(rival, regime).finite_size - prediction.finite_size
    risk = prediction.excess_risk
    biased = risk > jnp.maximum(prediction.numerical_error, 1e-14)
    crossing = jnp.where(biased, advantage / jnp.where(biased, risk, 1.0), jnp.inf)
    crossing = jnp.where(advantage <= 0.0, 0.0, crossing)
    return jnp.where(prediction.converged & prediction.exists, crossing, jnp.nan)


def _limit(
    problem: Problem,
    regime: FixedDimension,
    weights: Plane,
    direction: Plane,
    exists: Bool[Array, ""],
) -> Prediction:
    model, probe = logistic_model(problem), probe_of(problem)
    norm = jnp.sqrt(jnp.sum(weights**2))
    shown = jnp.where(exists, weights, direction)
    fields = dict(model.diagnostics(jnp.where(norm > 0.0, weights, direction)))
    for name in ("calibration_slope", "calibration_error"):
        fields[name] = jnp.where(exists & (norm > 0.0), fields[name], jnp.nan)
    risk = jnp.where(exists, model.excess_risk(weights), jnp.inf)
    prediction = Prediction(
        problem,
        regime,
        **fields,
        excess_risk=risk,
        parallel=shown[0],
        orthogonal=shown[1],
        norm=jnp.where(exists, norm, jnp.inf),
        probe_overlap=jnp.asarray(jnp.nan) if probe is None else jnp.sum(shown * probe.direction),
        exists=exists,
        numerical_error=jnp.where(exists, 1e-13, 0.0),
    )
    return nan_unless(jnp.all(jnp.isfinite(shown)), prediction)


def _slab_limit(problem: Problem, law: Slab, penalty: Scalar) -> tuple[Plane, Plane]:
    """The kept samples lie on the hyperplane across the probe, or infinitely far from it.

    On the hyperplane the teacher shows with its component across the probe; to first order off it,
    the rest of the student stays in proportion. Far from it the labels do not depend on what lies
    across, and the component along the probe need only be infinitesimal.
    """
    model = logistic_model(problem)
    cosine, sine = law.axes[:, 0]
    clean, free = model.flip_probability == 0.0, penalty == 0.0
    teacher = jnp.array([1.0, 0.0])
    if not law.outside:
        across = _on_ray(problem, sine, penalty)
        whole = jnp.where(sine == 0.0, _response(problem), across[0] / _nonzero(sine)) * teacher
        shown = jnp.where(sine == 0.0, teacher, jnp.sign(sine) * law.axes[1])
        return (
            jnp.where(free, whole, across[0] * law.axes[1]),
            jnp.where(free, teacher, shown),
        )
    perpendicular = jnp.abs(cosine) < _PERPENDICULAR
    far = jnp.where(free & clean, model.signal, 0.0) * teacher
    side = jnp.where(perpendicular, teacher, jnp.sign(cosine) * law.axes[0])
    weights = jnp.where(perpendicular, _on_ray(problem, jnp.ones(()), penalty), far)
    return weights, jnp.where(free & clean, teacher, side)


def _ball_limit(
    problem: Problem, law: BallLaw, penalty: Scalar, dim: int
) -> tuple[Plane, Plane, Bool[Array, ""]]:
    """The longest samples, misclassified by the probe, or those in a small ball about 0.

    If no label is flipped, the longest samples are also right about the teacher: a penalised
    student ends between w0 and -w_p.
    """
    model, free = logistic_model(problem), penalty == 0.0
    teacher = jnp.array([1.0, 0.0])
    if not law.hardest:
        pull = _response(problem) * teacher + (dim + 2.0) * law.norm * law.axes[0]
        size = jnp.sqrt(jnp.sum(pull**2))
        return jnp.where(free, pull, 0.0), pull / _nonzero(size), jnp.asarray(True)
    blind = law.norm == 0.0
    clean = model.flip_probability == 0.0
    weights = jnp.where(blind & free & clean, model.signal, 0.0) * teacher
    between = teacher - law.axes[0]
    size = jnp.sqrt(jnp.sum(between**2))
    lune = clean & ~free & (model.signal > 0.0) & (size > _PERPENDICULAR)
    against = jnp.where(lune, between / _nonzero(size), -law.axes[0])
    return weights, jnp.where(blind, teacher, against), blind | ~free


def _response(problem: Problem) -> Scalar:
    """(1 - 2 eps) |w0|: the slope of the labels at the teacher's boundary."""
    model = logistic_model(problem)
    return (1.0 - 2.0 * model.flip_probability) * model.signal


def _on_ray(problem: Problem, part: Scalar, penalty: Scalar) -> Plane:
    """The best student of one Gaussian coordinate that shows this part of the teacher.

    S'(c) + penalty c = (1 - 2 eps) S'(part |w0|); as a vector along e_1.
    """
    model = logistic_model(problem)
    target = (1.0 - 2.0 * model.flip_probability) * softplus_slope(model.signal * jnp.abs(part))

    def surplus(scale):
        return softplus_slope(scale) + penalty * scale - target

    high = model.signal * jnp.abs(part)
    bracket = bisect(lambda scale: surplus(scale) < 0.0, 0.0 * high, high, steps=_BISECTIONS)
    return jnp.stack([jnp.sign(part) * polish(surplus, *bracket), jnp.zeros(())])


def _nonzero(value: Scalar) -> Scalar:
    return jnp.where(value == 0.0, 1.0, value)
