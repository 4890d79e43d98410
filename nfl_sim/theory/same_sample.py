"""How a student answers to a fitted probe: one formula for every model and kind of probe."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from nfl_sim.scores import (
    AbstractProbe,
    CrossFitProbe,
    FreshProbe,
    IteratedProbe,
    SameSampleProbe,
    SubsampleProbe,
)
from nfl_sim.validation import NoTheoryError

Pair = Float[Array, " 2"]


class Response(NamedTuple):
    """First order of a student in the sample, along the teacher and across it, shape (2,) each.

    With u the error of the minimiser on all rows, the student of a fixed probe is
    w_inf + phi, E[phi u'] = T_0 E[u u'], and a probe w_p = w_p* + v moves it by T_p v.

    Args:
        oracle: n Var phi.
        full: n Var u.
        by_teacher, by_probe: T_0 = dw_inf/dw_0 and T_p = dw_inf/dw_p.
    """

    oracle: Pair
    full: Pair
    by_teacher: Pair
    by_probe: Pair

    def variance(self, probe: AbstractProbe) -> Pair:
        """n Var of the student of a fitted probe.

        Raises:
            NoTheoryError: nothing is known of this kind of probe.

        References: {eq}`eq-response-same`, {eq}`eq-probe-family`, {eq}`eq-cross-fit`,
        {eq}`eq-iterated` in theory_notes/10_same_sample.md.
        """
        if isinstance(probe, FreshProbe):
            return self.oracle + self._moved / probe.ratio
        if isinstance(probe, SubsampleProbe):
            return self._same + self._moved * (1.0 / probe.portion - 1.0)
        if isinstance(probe, SameSampleProbe | CrossFitProbe):
            return self._same
        if isinstance(probe, IteratedProbe):
            return self._iterated(probe.rounds)
        raise NoTheoryError(f"no theory for the probe {type(probe).__name__}")

    @property
    def debiased(self) -> Pair:
        """n Var of T_0^-1 (student - T_p probe), whatever root-n probe: 1/s of least squares."""
        return self.oracle / self.by_teacher**2

    def with_probe(self, probe: AbstractProbe) -> tuple[Pair, Pair, Pair]:
        """n times Var of the student, Var of a probe that is fitted once, and their covariance.

        References: {eq}`eq-combination` in theory_notes/10_same_sample.md.
        """
        if isinstance(probe, FreshProbe):
            of_probe, shared = self.full / probe.ratio, 0.0
        else:
            portion = probe.portion if isinstance(probe, SubsampleProbe) else 1.0
            of_probe, shared = self.full / portion, self.by_teacher * self.full
        return self.variance(probe), of_probe, shared + self.by_probe * of_probe

    @property
    def _moved(self) -> Pair:
        """T_p E[u u'] T_p'."""
        return self.by_probe**2 * self.full

    @property
    def _same(self) -> Pair:
        return self.oracle + self.by_probe * (2.0 * self.by_teacher + self.by_probe) * self.full

    def _iterated(self, rounds: int) -> Pair:
        """v_t = phi + T_p v_(t-1), v_0 = u."""
        power = self.by_probe**rounds
        total = jnp.sum(self.by_probe[None, :] ** jnp.arange(1.0 * rounds)[:, None], axis=0)
        cross = 2.0 * total * power * self.by_teacher
        return total**2 * self.oracle + (cross + power**2) * self.full


def diagonal_covariance(variance: Pair, dim: int) -> Float[Array, "3 3"]:
    """n Cov in (e_1, e_2, any further direction); rows of directions that do not exist are nan."""
    full = jnp.diag(jnp.stack([variance[0], variance[1], variance[1]]))
    missing = np.arange(3) >= dim
    return jnp.where(missing[:, None] | missing[None, :], jnp.nan, full)
