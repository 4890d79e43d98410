"""What cannot be compared: other problems, and sizes that do not fit the regime."""

import equinox as eqx
import numpy as np

from nfl_sim.compare.ladder import axis
from nfl_sim.problem import FiniteSample, Proportional, Regime
from nfl_sim.pruning import JointRule
from nfl_sim.simulation import Simulation
from nfl_sim.theory import Prediction

_FEWEST_SIZES = 3
_HALF_A_SAMPLE = 0.5 * (1 + 1e-9)


def require_fitting(prediction: Prediction, simulations: list[Simulation]) -> None:
    """Raise ``ValueError`` unless the simulations are of the prediction's problem and regime."""
    if not bool(prediction.converged):
        raise ValueError("the prediction did not converge (converged=False): nothing to compare")
    if bool(prediction.exists) and not np.isfinite(float(prediction.excess_risk)):
        raise ValueError(f"the prediction has no excess risk: {float(prediction.excess_risk)}")
    if not simulations:
        raise ValueError("compare needs at least one simulation, got none")
    for simulation in simulations:
        _require_problem(prediction, simulation)
        _require_size(prediction.regime, simulation)
    if not isinstance(prediction.regime, FiniteSample):
        _require_ladder(prediction.regime, simulations)


def _require_problem(prediction: Prediction, simulation: Simulation) -> None:
    rule = simulation.problem.rule
    if isinstance(rule, JointRule):
        raise ValueError(
            f"nothing is predicted of {type(rule).__name__}, which chooses samples jointly, and so "
            "there is nothing to compare its simulation with"
        )
    if not eqx.tree_equal(prediction.problem, simulation.problem):
        raise ValueError(
            f"the simulation is of another problem: predicted {prediction.problem}, "
            f"simulated {simulation.problem}"
        )


def _require_size(regime: Regime, simulation: Simulation) -> None:
    dim, num_samples = simulation.dim, simulation.num_samples
    if isinstance(regime, Proportional):
        return _require_ratio(float(regime.sample_ratio), dim, num_samples)
    if dim != regime.dim:
        raise ValueError(f"predicted dim={regime.dim}, but simulated dim={dim}")
    if isinstance(regime, FiniteSample) and num_samples != regime.num_samples:
        raise ValueError(
            f"predicted num_samples={regime.num_samples}, but simulated num_samples={num_samples}"
        )
    return None


def _require_ratio(ratio: float, dim: int, num_samples: int) -> None:
    if abs(num_samples - ratio * dim) > _HALF_A_SAMPLE:
        raise ValueError(
            f"predicted sample_ratio={ratio:.6g}, but simulated num_samples={num_samples} at "
            f"dim={dim}: num_samples must be sample_ratio * dim = {ratio * dim:.6g}, rounded"
        )


def _require_ladder(regime: Regime, simulations: list[Simulation]) -> None:
    name = axis(regime)
    sizes = sorted({getattr(simulation, name) for simulation in simulations})
    if len(sizes) < _FEWEST_SIZES:
        raise ValueError(
            f"{type(regime).__name__} needs simulations at {_FEWEST_SIZES} or more distinct {name} "
            f"to extrapolate, got {sizes}"
        )
