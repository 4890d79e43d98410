"""How far students of pruned data are from the student of all data: panels (a) and (c) of fig10.

Panel (a) is least squares, to which T12 applies. Panel (c) is logistic regression, where gradient
and curvature are balanced at a pilot: an experiment, and no theorem.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments import linear

if TYPE_CHECKING:
    from experiments.fig10_free_lunch import Config

VERTEX, RANDOM, HARDEST = "BalancedVertex", "KeepRandom", "KeepHardest"
LINEAR = (("Uniform", VERTEX), ("Uniform", RANDOM), ("Uncertainty", HARDEST), ("EL2N", HARDEST))
PILOT, NULL = "vertex at a pilot", "vertex at the null student"
SIGNS = (PILOT, NULL, RANDOM)
_NEWTON_STEPS = 50


def least_squares_points(config: "Config") -> Iterator[dict[str, Any]]:
    """Root mean square distances of panel (a), measured."""
    import jax
    import jax.numpy as jnp

    import nfl_sim as nfl
    from nfl_sim.theorems.universality import least_squares

    root = jax.random.key(config.seed)
    for row, size in enumerate(config.sizes):
        squares: dict[tuple[str, str], list[float]] = {curve: [] for curve in LINEAR}
        for index in range(config.repeats):
            keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(root, row), index), 3)
            model = problem(config, *LINEAR[0]).model
            drawn = nfl.sample(keys[0], model, num_samples=size, dim=config.dim, dtype=jnp.float64)
            rows, labels = map(np.asarray, drawn)
            full = least_squares(rows, labels)
            for curve in LINEAR:
                kept = chosen(keys, problem(config, *curve), *drawn)
                gap = least_squares(rows[kept], labels[kept]) - full
                squares[curve].append(float(gap @ gap))
        for (score, rule), found in squares.items():
            names = {"curve_score": score, "curve_rule": rule, "num_samples": size}
            yield names | root_mean_square(found)


def chosen(keys: Any, given: Any, covariates: Any, labels: Any) -> np.ndarray:
    """Which samples the rule of a problem keeps."""
    import nfl_sim as nfl

    scores = nfl.score(keys[1], given, covariates, labels)
    if isinstance(given.rule, nfl.pruning.JointRule):
        columns = map(np.asarray, (covariates, labels, scores))
        return np.asarray(given.rule.select(keys[2], *columns))
    kept = nfl.num_kept(float(given.rule.fraction), len(labels))
    return np.asarray(nfl.select(keys[2], given.rule, scores, kept))


def problem(config: "Config", score: str, rule: str) -> Any:
    """A linear problem of the figure."""
    rest = {"signal": 1.0, "noise_std": 1.0, "penalty": 0.0}
    return linear.build(score, rule, config.fraction, angle=config.angle, norm=1.0, **rest)


def stated(config: "Config", score: str, rule: str, sizes: np.ndarray) -> np.ndarray:
    """What theory says of the root mean square distance of a pointwise rule.

    If which rows are kept does not depend on the labels, the full-data student is uncorrelated with
    what the other one has on top (Gauss-Markov), and the squares subtract. Of an invalid rule this
    is its plateau.
    """
    import nfl_sim as nfl

    limit = nfl.predict(problem(config, score, rule), nfl.FixedDimension(config.dim))
    excess, size = float(limit.excess_risk), float(limit.finite_size)
    if excess > 1e-9:
        return np.full(len(sizes), np.sqrt(excess))
    whole = config.dim / (sizes - config.dim - 1.0)
    kept = config.fraction * sizes
    pruned = config.fraction * size / (kept - config.dim - 1.0)
    return np.sqrt(pruned - whole)


def logistic_points(config: "Config") -> Iterator[dict[str, Any]]:
    """Root mean square distances of panel (c), measured."""
    import jax

    import nfl_sim as nfl

    for row, size in enumerate(config.sizes):
        rng = np.random.default_rng((config.seed, row))
        kept = nfl.num_kept(config.fraction, size)
        squares: dict[str, list[float]] = {name: [] for name in SIGNS}
        for index in range(config.repeats):
            key = jax.random.fold_in(jax.random.fold_in(jax.random.key(config.seed), row), index)
            rows = rng.normal(size=(size, config.dim))
            chance = 1.0 / (1.0 + np.exp(-config.signal * rows[:, 0]))
            labels = np.where(rng.uniform(size=size) < chance, 1.0, -1.0)
            full, random = logistic(rows, labels), rng.permutation(size)[:kept]
            pilot = logistic(rows[random], labels[random])
            places = {PILOT: pilot, NULL: np.zeros(config.dim)}
            subsets = {RANDOM: random} | {
                name: nfl.pruning.balanced_subset(key, expansion(rows, labels, place), kept)
                for name, place in places.items()
            }
            for name, subset in subsets.items():
                gap = logistic(rows[subset], labels[subset]) - full
                squares[name].append(float(gap @ gap))
        for name, found in squares.items():
            yield {"curve": name, "num_samples": size} | root_mean_square(found)


def expansion(rows: np.ndarray, labels: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Gradient and curvature of the logistic loss of each sample at a student."""
    gradients, curvatures = _slopes(rows @ student, labels)
    first, second = np.triu_indices(rows.shape[1])
    squares = rows[:, first] * rows[:, second]
    return np.concatenate([gradients[:, None] * rows, curvatures[:, None] * squares], axis=1)


def logistic(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The student of logistic regression, by Newton's method.

    Raises:
        ValueError: it did not end, as on samples that can be separated.
    """
    student = np.zeros(rows.shape[1])
    for _ in range(_NEWTON_STEPS):
        gradients, curvatures = _slopes(rows @ student, labels)
        hessian = (curvatures[:, None] * rows).T @ rows
        step = np.linalg.solve(hessian, rows.T @ gradients)
        student = student - step / max(1.0, float(np.max(np.abs(step))))
        if np.max(np.abs(step)) < 1e-10:
            return student
    raise ValueError(f"logistic regression on {len(labels)} rows has no student")


def root_mean_square(squares: list[float]) -> dict[str, float]:
    """Of distances, with its standard error."""
    mean = float(np.mean(squares))
    sem = float(np.std(squares, ddof=1) / np.sqrt(len(squares)))
    return {"distance": float(np.sqrt(mean)), "sem": 0.5 * sem / float(np.sqrt(mean))}


def _slopes(margins: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chance = 1.0 / (1.0 + np.exp(labels * margins))
    return -labels * chance, chance * (1.0 - chance)
