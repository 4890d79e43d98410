"""What student and probe are worth together, once both were fitted: least squares."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.problem import FixedDimension, Problem, is_valid
from nfl_sim.pruning import KeepEasiest, KeepHardest, KeepRandom
from nfl_sim.scores import FreshProbe, SameSampleProbe, SubsampleProbe
from nfl_sim.theory.linear.laws import quadrature_refinement
from nfl_sim.theory.linear.same_sample import at_limit, is_even, refuse, respond
from nfl_sim.theory.linear.student import linear_model, ridge_penalty
from nfl_sim.validation import Scalar, is_traced

_PROBES = (FreshProbe, SubsampleProbe, SameSampleProbe)


class ProbeCombination(NamedTuple):
    """Estimates a w + (1 - a) w_p of the teacher, from the student w and its probe w_p.

    Args:
        weight: a of the least excess risk.
        finite_size: C of that estimate, whose excess risk is C/n + o(1/n).
        debiasing: a along the teacher and across it at which the error of the probe cancels,
            (w - T_p w_p) / T_0; shape (2,).
        debiased_size: C of that estimate, the same for every probe; inf where T_0 vanishes.
    """

    weight: Scalar
    finite_size: Scalar
    debiasing: Float[Array, " 2"]
    debiased_size: Scalar


def probe_combination(problem: Problem, regime: FixedDimension) -> ProbeCombination:
    """See `nfl_sim.probe_combination`."""
    penalty, probe = ridge_penalty(problem), problem.score.probe
    _require(problem, penalty)
    assert probe is not None
    limit, dim = at_limit(problem, penalty), regime.dim
    found = respond(limit, dim, quadrature_refinement(limit))
    noise = linear_model(problem).noise_std ** 2

    def total(pair: Float[Array, " 2"]) -> Scalar:
        return noise * (pair[0] + ((dim - 1) * pair[1] if dim > 1 else 0.0))

    student, of_probe, both = map(total, found.with_probe(probe))
    gap = student + of_probe - 2.0 * both
    weight = jnp.where(gap > 0.0, (of_probe - both) / jnp.where(gap > 0.0, gap, 1.0), 0.0)
    least = of_probe - weight**2 * gap
    combined = ProbeCombination(weight, least, 1.0 / found.by_teacher, total(found.debiased))
    known = is_valid(problem, dim) & (penalty == 0.0)
    return ProbeCombination(*(jnp.where(known, number, jnp.nan) for number in combined))


def _require(problem: Problem, penalty: Scalar) -> None:
    score, rule = problem.score, problem.rule
    refusals = {
        f"the probe {type(score.probe).__name__}": not isinstance(score.probe, _PROBES),
        f"the rule {type(rule).__name__}": not isinstance(
            rule, KeepHardest | KeepEasiest | KeepRandom
        ),
        f"the score {type(score).__name__}": not is_even(score),
        "a penalty": not is_traced(penalty) and float(penalty) != 0.0,
    }
    only = (
        "only for Ridge(penalty=0), KeepHardest, KeepEasiest and KeepRandom, scores even in the "
        f"residual and the probes {', '.join(kind.__name__ for kind in _PROBES)}"
    )
    refuse("no combination of student and probe is known with", refusals, only)
