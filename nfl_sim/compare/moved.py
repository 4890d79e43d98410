"""A prediction, moved to the fractions and ratios that were really simulated."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from nfl_sim.problem import Proportional, Regime
from nfl_sim.pruning import PointwiseRule
from nfl_sim.simulation import Simulation
from nfl_sim.theory import Prediction, predict


class _Place(NamedTuple):
    """Where a prediction is asked for: the numbers of the rule, and n/d in `Proportional`."""

    numbers: tuple[float, ...]
    ratio: float | None


def moved(prediction: Prediction, simulations: list[Simulation]) -> tuple[np.ndarray, np.ndarray]:
    """The prediction's ``excess_risk`` and ``finite_size`` at m/n and n/d of each simulation.

    Only differences of fresh predictions are added: it is the given one that is judged.

    Args:
        prediction: at the nominal fraction and ratio.
        simulations: of its problem.

    Raises:
        ValueError: no finite excess risk is predicted at one of the places.
    """
    ask = functools.cache(functools.partial(_predicted, prediction))
    home = _nominal(prediction)
    own = np.array([float(prediction.excess_risk), float(prediction.finite_size)])
    places = [_real(prediction.regime, simulation) for simulation in simulations]
    rows = [own if place == home else own + ask(place) - ask(home) for place in places]
    limits, coefficients = np.stack(rows, axis=1)
    return limits, coefficients


def _nominal(prediction: Prediction) -> _Place:
    regime = prediction.regime
    ratio = float(regime.sample_ratio) if isinstance(regime, Proportional) else None
    return _Place(_numbers(prediction.problem.rule), ratio)


def _real(regime: Regime, simulation: Simulation) -> _Place:
    ratio = simulation.num_samples / simulation.dim if isinstance(regime, Proportional) else None
    return _Place(_numbers(simulation.problem.rule.realised(simulation.num_samples)), ratio)


def _numbers(rule: PointwiseRule) -> tuple[float, ...]:
    return tuple(float(number) for number in jax.tree.leaves(rule))


def _predicted(prediction: Prediction, place: _Place) -> np.ndarray:
    nominal = prediction.problem.rule
    numbers = [jnp.asarray(number, jnp.float64) for number in place.numbers]
    rule = jax.tree.unflatten(jax.tree.structure(nominal), numbers)
    problem = eqx.tree_at(lambda p: p.rule, prediction.problem, rule)
    regime = prediction.regime
    if place.ratio is not None:
        regime = Proportional(jnp.asarray(place.ratio, jnp.float64))
    found = predict(problem, regime)
    if not np.isfinite(float(found.excess_risk)):
        fraction = float(rule.fraction)
        ratio = "" if place.ratio is None else f" and n/d={place.ratio:.6g}"
        raise ValueError(
            f"no finite excess risk is predicted at the really simulated m/n={fraction:.6g}"
            f"{ratio}: choose sizes that keep closer to the predicted fraction"
        )
    return np.array([float(found.excess_risk), float(found.finite_size)])
