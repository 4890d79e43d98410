"""Slow and obvious: the formulas of the notes in 60 digits, and brute force over points.

Nothing here is shared with the package but the definition of a score.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from mpmath import mp, mpf
from scipy import integrate, special, stats
from scipy.stats import qmc

from nfl_sim import Problem
from nfl_sim.pruning import KeepHardest
from nfl_sim.scores import View

mp.dps = 60


# ------------------------------------------------------------------ truncated moments


def slab(fraction, *, outside: bool) -> tuple[mpf, mpf, mpf]:
    """(c, kappa, kappa_4) of a normal kept outside, or inside, [-c, c]."""
    r = mpf(fraction)
    c = _cut(r if outside else 1 - r, 1 - r if outside else r)
    low, high = (c**2 / 2, mp.inf) if outside else (0, c**2 / 2)
    ends = [mp.gammainc(shape, low, high, regularized=True) for shape in (mpf(3) / 2, mpf(5) / 2)]
    return c, ends[0] / r, 3 * ends[1] / r


def _cut(beyond: mpf, within: mpf) -> mpf:
    """The c that leaves these masses outside and inside of [-c, c], from the smaller one."""
    if within < beyond or beyond == 0:
        return mp.sqrt(2) * mp.erfinv(within)
    start = -special.ndtri(float(beyond) / 2.0)
    return mp.findroot(lambda c: mp.log(mp.erfc(c / mp.sqrt(2)) / beyond), start)


def ball(fraction, dim: int, *, outside: bool) -> tuple[mpf, mpf, mpf]:
    """(c, m, m_2) of a normal vector kept outside, or inside, the ball of radius c."""
    r, half = mpf(fraction), mpf(dim) / 2
    start = float(special.chdtri(dim, float(r if outside else 1 - r))) / 2
    if start <= 0 or not math.isfinite(start):
        start = float((r * mp.gamma(half + 1)) ** (1 / half))

    def log_excess(log_x):
        x = mp.exp(log_x)
        low, high = (x, mp.inf) if outside else (0, x)
        return mp.log(mp.gammainc(half, low, high, regularized=True) / r)

    x = mp.exp(mp.findroot(log_excess, mp.log(start)))
    low, high = (x, mp.inf) if outside else (0, x)
    second, fourth = (mp.gammainc(half + k, low, high, regularized=True) / r for k in (1, 2))
    return mp.sqrt(2 * x), second, fourth


# ------------------------------------------------------------------ EL2N, section (b)


class Terms(NamedTuple):
    """A sum and the sum of the sizes of its terms, which is what rounding is relative to."""

    value: mpf
    size: mpf


class SheetEL2N(NamedTuple):
    """The population limit and the 1/n term of EL2N as linear.md writes them."""

    excess: mpf
    overshoot: mpf
    residual: mpf
    variance: mpf
    threshold_variance: mpf
    finite_size: Terms


def offset(problem: Problem) -> tuple[mpf, mpf]:
    """delta = w0 - w_p."""
    probe = problem.score.probe
    norm, angle = mpf(float(probe.norm)), mpf(float(probe.angle))
    signal = mpf(float(problem.model.signal))
    return signal - norm * mp.cos(angle), -norm * mp.sin(angle)


def el2n(problem: Problem, dim: int) -> SheetEL2N:
    """linear.md (a), (b) with least squares; derivatives of F(r) by finite differences."""
    outside = isinstance(problem.rule, KeepHardest)
    r, noise = mpf(float(problem.rule.fraction)), mpf(float(problem.model.noise_std))
    first, second = offset(problem)
    q, sigma2 = first**2 + second**2, noise**2
    v, a = q + sigma2, mp.sqrt(q)

    def error(fraction):
        kappa = slab(fraction, outside=outside)[1]
        return a * (kappa - 1) * sigma2 / (sigma2 + kappa * q)

    c, kappa, fourth = slab(r, outside=outside)
    F, slope, curvature = (mp.diff(error, r, k) for k in (0, 1, 2))
    p, eta, eps = a / v, sigma2 / v, sigma2 / (sigma2 + kappa * q)
    b = kappa * v / (sigma2 + kappa * q) * a
    tau2 = kappa * v * sigma2 / (sigma2 + kappa * q)
    A = (sigma2 + kappa * q) / v
    spread = (p * b) ** 2 - 4 * p * eps * b + eps**2
    B = (p * eps) ** 2 * fourth * v**2 + spread * eta * kappa * v + 3 * (b * eta) ** 2
    fixed = (dim - 1) * tau2 + B / A**2
    cubic = p**3 * eps * fourth * v**2 + 3 * eta * (p * eps - b * p**2) * kappa * v
    bias = -(cubic - 3 * b * eta**2) / A**2
    m = a * sigma2 * (c**2 - kappa) / (sigma2 + kappa * q)
    terms = (
        fixed / r,
        r * (1 - r) * slope**2,
        2 * F * bias / r,
        2 * F * (1 - r) * slope,
        F * r * (1 - r) * curvature,
    )
    return SheetEL2N(
        excess=F**2,
        overshoot=F,
        residual=tau2,
        variance=fixed + (1 - r) * (m / A) ** 2,
        threshold_variance=(1 - r) * (m / A) ** 2,
        finite_size=Terms(mp.fsum(terms), mp.fsum(terms, absolute=True)),
    )


# ------------------------------------------------------------------ exact finite samples


def mean_kept_squares(num_kept: int, num_samples: int, *, outside: bool) -> float:
    """E of the sum of the m largest, or smallest, squares of n standard normals.

    The j-th largest square exceeds x when at least j of them do: sum over j, integrate over x.
    """
    if not outside:
        rest = num_samples - num_kept
        return num_samples - (mean_kept_squares(rest, num_samples, outside=True) if rest else 0.0)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    root = 5.0 * (nodes + 1.0)  # x = root^2 removes the kink of P(T^2 > x) at 0
    tail = stats.binom(num_samples, 2.0 * special.ndtr(-root)[:, None])
    mean = np.sum(tail.sf(np.arange(num_kept)), axis=1)
    return float(np.sum(5.0 * weights * 2.0 * root * mean))


def mean_inverse_squares(num_kept: int, num_samples: int, *, outside: bool) -> float:
    """E(1/Q): adaptive over the threshold, trapezoidal in the log of Laplace's variable."""
    m, n = num_kept, num_samples
    log_t = np.linspace(-60.0, 90.0, 1501)
    stretch = np.sqrt(1.0 + 2.0 * np.exp(log_t))
    tail = special.erfc if outside else special.erf

    def given(cut):
        mass = tail(cut / math.sqrt(2.0))
        kept = tail(cut * stretch / math.sqrt(2.0)) / (stretch * mass)
        inner = np.sum(np.exp(log_t) * kept**m) * (log_t[1] - log_t[0])
        return inner * stats.beta.pdf(mass, m + 1, n - m) * 2.0 * stats.norm.pdf(cut)

    return integrate.quad(given, 0.0, 7.0, epsabs=0.0, epsrel=1e-11, limit=200)[0]


def inverse_three_of_four(*, outside: bool) -> float:
    """E(1/Q) for 3 of 4: a normal vector is a length and a direction, Q = |z|^2 S(direction).

    E[1/|z|^2] = 1/2; E[1/S] is an integral over the cube that the directions project to.
    """
    nodes, weights = np.polynomial.legendre.leggauss(60)
    nodes, weights = 0.5 * (nodes + 1.0), 0.5 * weights
    t, p, z = np.meshgrid(nodes, nodes, nodes, indexing="ij")
    weight = np.einsum("i,j,k->ijk", weights, weights, weights)
    if outside:  # the others are at least as large as the first: their inverses fill the cube
        core = 1.0 + z**2 + (p * z) ** 2
        integrand = 2.0 * p * z**2 / (core * (core + (t * p * z) ** 2))
    else:  # the others are at most as large: they fill the cube
        core = 1.0 + p**2 + z**2
        integrand = 1.0 / (core * (1.0 + t**2 * core))
    return float(0.5 * (4.0 / math.pi**2) * 8.0 * 3.0 * np.sum(weight * integrand))


# ------------------------------------------------------------------ any score, by points


class Empirical(NamedTuple):
    """What the definition gives on a large even set of points."""

    excess_risk: float
    threshold: float
    student: np.ndarray


def brute_force(problem: Problem, dim: int, *, log2_points: int = 17) -> Empirical:
    """Score 2^k quasi-random samples, keep the top, fit ridge: good to about 1e-3."""
    points = qmc.Sobol(dim + 1, rng=1).random_base2(log2_points)
    normals = special.ndtri(points)
    covariates = normals[:, :dim]
    signal, noise_std = float(problem.model.signal), float(problem.model.noise_std)
    labels = signal * covariates[:, 0] + noise_std * normals[:, dim]
    margin = np.zeros_like(labels)
    if problem.score.probe is not None:
        plane = np.asarray(problem.score.probe.plane)[:dim]
        margin = covariates[:, : len(plane)] @ plane
    features = {
        "residual": labels - margin,
        "label": labels,
        "probe_margin": margin,
        "norm": np.linalg.norm(covariates, axis=1),
    }
    seen = {name: jnp.asarray(features[name]) for name in problem.score.sees}
    scores = np.asarray(problem.score(View(seen)))
    order = np.argsort(-np.asarray(problem.rule.priority(jnp.asarray(scores))))
    kept = order[: round(float(problem.rule.fraction) * len(labels))]
    x, y = covariates[kept], labels[kept]
    gram = x.T @ x / len(kept) + float(problem.learner.penalty) * np.eye(dim)
    student = np.linalg.solve(gram, x.T @ y / len(kept))
    error = student - signal * np.eye(dim)[0]
    return Empirical(float(error @ error), float(scores[kept[-1]]), student)


def relative(actual, expected) -> float:
    """|actual / expected - 1|, exact zeros included."""
    actual, expected = mpf(float(actual)), mpf(expected)
    return float(abs(actual - expected) / abs(expected)) if expected else float(abs(actual))
