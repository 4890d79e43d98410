"""The logistic model by brute force: adaptive integrals over (u, v), u along the student."""

import itertools
import math

import numpy as np
from scipy import integrate, optimize, special


class Oracle:
    """Population quantities of one student at an angle to the teacher, from their definitions."""

    def __init__(self, signal: float, flip: float, student: tuple[float, float]) -> None:
        self.signal, self.flip, self.norm = signal, flip, math.hypot(*student)
        self.cosine = student[0] / self.norm if self.norm else 0.0
        self.sine = student[1] / self.norm if self.norm else 1.0

    def clean(self, u: float) -> float:
        """P(label before flips = 1 | w.x = |w| u), by integration over the rest of x."""
        mean, std = self.signal * self.cosine * u, self.signal * self.sine
        cuts = [(-mean + t) / std if std else 0.0 for t in (-30.0, -3.0, 0.0, 3.0, 30.0)]
        inner = sorted({-9.0, 9.0, *(c for c in cuts if abs(c) < 9.0)})
        return sum(
            integrate.fixed_quad(lambda v: normal(v) * special.expit(mean + std * v), a, b, n=60)[0]
            for a, b in itertools.pairwise(inner)
        )

    def chance(self, u: float) -> float:
        """P(observed label = 1 | w.x = |w| u)."""
        return self.flip + (1 - 2 * self.flip) * self.clean(u)

    def mean(self, function) -> float:
        """E f(u), split at 0 and where sigma(|w| u) bends."""
        bend = [s * k / max(self.norm, 1.0) for s in (-1, 1) for k in (1.0, 10.0, 40.0)]
        edges = sorted({-9.0, 0.0, 9.0, *(b for b in bend if abs(b) < 9.0)})
        return sum(
            integrate.quad(lambda u: normal(u) * function(u), a, b, epsabs=1e-11, limit=200)[0]
            for a, b in itertools.pairwise(edges)
        )

    def log_loss(self, factor: float = 1.0) -> float:
        """Of the student times a factor, on observed labels."""

        def loss(u):
            logit, chance = factor * self.norm * u, self.chance(u)
            return chance * np.logaddexp(0, -logit) + (1 - chance) * np.logaddexp(0, logit)

        return self.mean(loss)

    def error(self, *, observed: bool) -> float:
        """P(label is not the sign of w.x); a coin where w = 0."""
        chance = self.chance if observed else self.clean
        if self.norm == 0.0:
            return 0.5
        return self.mean(lambda u: 1 - chance(u) if u > 0 else chance(u))

    def best_factor(self) -> float:
        """Of the logits: where the slope of the log-loss vanishes."""

        def slope(factor):
            return self.mean(lambda u: u * (special.expit(factor * self.norm * u) - self.chance(u)))

        reach = (self.signal + 1.0) / self.norm
        return optimize.brentq(slope, -reach, reach, xtol=1e-12)

    def calibration_error(self) -> float:
        """E |P(y = 1 | w.x) - sigma(w.x)|, the intervals of one sign found on a grid."""

        def gap(u):
            return self.chance(u) - special.expit(self.norm * u)

        grid = np.sinh(np.linspace(0.0, 14.0, 400)) * (9.0 / np.sinh(14.0))
        signs = np.sign([gap(u) for u in grid])
        turns = [
            optimize.brentq(gap, grid[i], grid[i + 1], xtol=1e-14)
            for i in np.flatnonzero(signs[1:-1] * signs[2:] < 0) + 1
        ]
        bends = [k / max(self.norm, 2.0) for k in (1.0, 4.0, 16.0)]
        edges = sorted([0.0, *turns, *bends, 1.0, 3.0, 9.0])
        return 2 * sum(
            abs(integrate.quad(lambda u: normal(u) * gap(u), a, b, epsabs=1e-12)[0])
            for a, b in itertools.pairwise(edges)
        )


def normal(u):
    """Density of N(0, 1)."""
    return np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi)


def excess_risk(signal: float, flip: float, student: tuple[float, float]) -> float:
    """Log-loss above the least over all students along the teacher."""
    teacher = Oracle(signal, flip, (1.0, 0.0))
    return Oracle(signal, flip, student).log_loss() - teacher.log_loss(teacher.best_factor())
