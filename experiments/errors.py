"""The 0-1 error: its 1/n coefficient, and verdicts on its limit."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.verdicts import SIGNIFICANT, Verdict

if TYPE_CHECKING:
    from experiments.lab import Cell, Lab
    from nfl_sim import Problem
    from nfl_sim.problem import Regime

FALSE_ALARM = 1e-6
MOST_FAILURES = 1e-3


def coefficient(problem: "Problem", regime: "Regime") -> float:
    """C in E[error] = error + C/n + o(1/n): that of the risk, with the error's own derivatives."""
    from nfl_sim.theory.logistic.laws import kept_law, quadrature_refinement
    from nfl_sim.theory.logistic.solution import logistic_penalty

    law, penalty = kept_law(problem, regime.dim).law, logistic_penalty(problem)
    refinement = quadrature_refinement(problem)
    return float(_compiled(_coefficient)(law, problem.rule.fraction, penalty, refinement))


def exact(model: Any, students: Any) -> np.ndarray:
    """The errors of several students, of shape (k, d), in closed form."""
    return np.asarray(_compiled(_exact)(model, students))


def judge(lab: "Lab", claim: str, regime: "Regime", cells: "Sequence[Cell]") -> Verdict:
    """Extrapolate the excess error over sizes, as `nfl_sim.compare` does the excess risk.

    The means minus limit and C/n, both at the fraction m/n really kept, are fitted by {1, 1/n^2}.
    """
    from nfl_sim.extrapolation import fit_powers

    simulations = [lab.simulate(cell) for cell in cells]
    limits, coefficients = np.transpose([_theory(s, regime) for s in simulations])
    sizes = np.array([float(s.num_samples) for s in simulations])
    estimates = [s.excess_error for s in simulations]
    means, sems = (np.array([getattr(e, k) for e in estimates]) for k in ("mean", "sem"))
    gaps = means - limits - coefficients / sizes
    fit = fit_powers(sizes.max() / sizes, gaps, sems, (0, 2))
    shift, sem = float(fit.coefficients[0]), float(fit.sems[0])
    failed = sum(sum(s.failed.values()) for s in simulations)
    total = sum(s.num_replicates for s in simulations)
    verdict = "agree" if abs(shift) <= SIGNIFICANT * sem else "disagree"
    if failed > MOST_FAILURES * total or fit.misfits(FALSE_ALARM):
        verdict = "inconclusive"
    limit = float(limits[-1])
    provenance = lab.provenance(regime, cells)
    return Verdict(claim, limit, limit + shift, sem, shift / sem, verdict, provenance)


def _theory(simulation: Any, regime: "Regime") -> tuple[float, float]:
    """Limit and coefficient at the fraction m/n."""
    import equinox as eqx
    import jax.numpy as jnp

    import nfl_sim as nfl

    kept = jnp.asarray(simulation.num_kept / simulation.num_samples, jnp.float64)
    problem = eqx.tree_at(lambda p: p.rule.fraction, simulation.problem, kept)
    limit = nfl.predict(problem, regime).excess_error
    return float(limit), coefficient(problem, regime)


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    import equinox as eqx

    return eqx.filter_jit(function)


def _exact(model: Any, students: Any) -> Any:
    import jax

    return jax.vmap(lambda student: model.diagnostics(student)["error"])(students)


def _coefficient(law: Any, fraction: Any, penalty: Any, refinement: int) -> Any:
    """Of a kept law, whose kinds are few: whatever the score is called."""
    from nfl_sim.theory.logistic.solution import risk_coefficient, solve_law

    solution = solve_law(law, fraction, penalty, refinement)
    jet = _error_jet(law.model.signal, law.axes[:, 0], solution.student)
    return risk_coefficient(solution, jet, law.others)


def _error_jet(signal: Any, teacher: Any, student: Any) -> Any:
    """Gradient and Hessian of the error e(psi) at a student at the angle psi to the teacher.

    e'(psi) = E[|v| tanh(signal |v| sin(psi) / 2)] / sqrt(2 pi), v standard normal.
    """
    import jax.numpy as jnp

    from nfl_sim.gaussian import half_normal_rule
    from nfl_sim.theory.logistic.second_order import RiskJet

    nodes, weights = map(jnp.asarray, half_normal_rule())
    turned = jnp.stack([-teacher[1], teacher[0]])
    norm = jnp.sqrt(jnp.sum(student**2))
    cosine, sine = jnp.sum(student * teacher) / norm, jnp.sum(student * turned) / norm
    half = 0.5 * signal * nodes
    density = weights * nodes / jnp.sqrt(2.0 * jnp.pi)
    slope = density @ jnp.tanh(half * sine)
    bend = density @ (half / jnp.cosh(half * sine) ** 2) * cosine
    still = jnp.abs(sine) < 1e-6
    across = jnp.where(still, bend, slope * cosine / jnp.where(still, 1.0, sine)) / norm**2
    radial = student / norm
    tangent = jnp.stack([-radial[1], radial[0]])
    mixed = jnp.outer(radial, tangent)
    hessian = (bend * jnp.outer(tangent, tangent) - slope * (mixed + mixed.T)) / norm**2
    return RiskJet(slope * tangent / norm, hessian, across)
