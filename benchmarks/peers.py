"""The same replicate as one would write it in numpy, and with scikit-learn.

Rows are drawn in float32, as nfl_sim draws them, and fitted in float64. scikit-learn's logistic
regression runs its fastest solver that meets the tolerance to which nfl_sim fits.
"""

import math
from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

import nfl_sim as nfl

TOLERANCE = 1e-10
Fit = Callable[[np.ndarray, np.ndarray], np.ndarray]


def loop(problem: nfl.Problem, dim: int, num_samples: int, fit: Fit) -> Callable[[int], float]:
    """A function that does so many replicates and returns their mean squared distance."""
    rng, kept = np.random.default_rng(0), nfl.num_kept(float(problem.rule.fraction), num_samples)
    teacher = float(problem.model.signal) * np.eye(dim)[0]

    def replicate() -> float:
        covariates = rng.standard_normal((num_samples, dim), dtype=np.float32)
        labels = labels_of(problem, rng, covariates)
        probe = probe_of(problem, dim, lambda: fit(double(covariates), double(labels)))
        scores = scores_of(problem, covariates @ probe.astype(np.float32), labels)
        chosen = np.argpartition(-scores, kept - 1)[:kept]
        student = fit(double(covariates[chosen]), double(labels[chosen]))
        return float(np.sum((student - teacher) ** 2))

    return lambda count: float(np.mean([replicate() for _ in range(count)]))


def labels_of(problem: nfl.Problem, rng: np.random.Generator, covariates: np.ndarray) -> np.ndarray:
    clean = np.float32(problem.model.signal) * covariates[:, 0]
    if problem.model.binary:
        chance = 1.0 / (1.0 + np.exp(-clean))
        return np.where(rng.random(len(clean), dtype=np.float32) < chance, 1.0, -1.0)
    noise = rng.standard_normal(len(clean), dtype=np.float32)
    return clean + np.float32(problem.model.noise_std) * noise


def probe_of(problem: nfl.Problem, dim: int, fitted: Callable[[], np.ndarray]) -> np.ndarray:
    if not isinstance(problem.score.probe, nfl.Probe):
        return fitted()
    return np.concatenate([np.asarray(problem.score.probe.plane), np.zeros(dim - 2)])


def scores_of(problem: nfl.Problem, margins: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """EL2N."""
    return -labels * margins if problem.model.binary else np.abs(labels - margins)


def double(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64)


def fit_of(peer: str, problem: nfl.Problem) -> Fit:
    penalty = float(problem.learner.penalty)
    if problem.model.binary:
        return {"numpy": newton, "scikit-learn": logistic}[peer](penalty)
    return {"numpy": normal_equations, "scikit-learn": least_squares}[peer]


def logistic(penalty: float) -> Fit:
    def fit(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return (
            LogisticRegression(
                C=1.0 / (penalty * len(rows)),
                fit_intercept=False,
                solver="newton-cholesky",
                tol=TOLERANCE,
            )
            .fit(rows, labels)
            .coef_[0]
        )

    return fit


def least_squares(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`LinearRegression`; `Ridge` is faster and refuses a penalty of 0 on a singular sample."""
    return LinearRegression(fit_intercept=False).fit(rows, labels).coef_


def normal_equations(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.linalg.solve(rows.T @ rows, rows.T @ labels)


def newton(penalty: float) -> Fit:
    def fit(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        signed, student = labels[:, None] * rows, np.zeros(rows.shape[1])
        step = np.full(len(student), math.inf)
        while np.max(np.abs(step)) > math.sqrt(TOLERANCE):
            slopes = 1.0 / (1.0 + np.exp(signed @ student))
            curvature = (slopes * (1.0 - slopes))[:, None] * signed
            hessian = signed.T @ curvature / len(rows) + penalty * np.eye(len(student))
            gradient = penalty * student - slopes @ signed / len(rows)
            step = -np.linalg.solve(hessian, gradient)
            student = student + step
        return student

    return fit
