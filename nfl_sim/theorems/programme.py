"""T10: the proportional limit, a programme and no theorem."""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar, final

import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from nfl_sim.problem import Problem, Proportional
from nfl_sim.theorems._base import Assumption, Theorem
from nfl_sim.theorems.verdict import Verdict, undecided
from nfl_sim.theory import predict


@final
@dataclasses.dataclass(frozen=True)
class ProportionalProgramme(Theorem):
    """T10: as n/d -> gamma the student obeys a finite fixed-point system.

    `bound` is the risk that the system predicts. `check` decides nothing: a limit in d is held
    against simulations at growing d by `nfl_sim.compare`, and `python -m experiments verify`
    holds a table of them.

    Args:
        sample_ratio: gamma > 0, n counted before pruning.
    """

    sample_ratio: float = 8.0
    name: ClassVar[str] = "T10"
    title: ClassVar[str] = "in high dimension a finite fixed-point system describes the student"
    statement: ClassVar[str] = (
        "As n/d -> gamma, for Gaussian x, a probe independent of the sample, and a score and label "
        "that see finitely many directions, the kept x are Gaussian off their span and the student "
        "tends to the solution of a finite fixed-point system. A programme, proved in parts."
    )
    reference: ClassVar[str] = "T10 in theory_notes/07; theory_notes/05, theory_notes/06"

    def _assume(self, problem: Problem, dim: int) -> Iterator[Assumption]:
        prediction = predict(problem, Proportional(jnp.asarray(self.sample_ratio)))
        solved = bool(prediction.converged) or None
        why = "as predicted" if solved else "no fixed point was found"
        yield Assumption("a fixed point", solved, why)

    def bound(self, problem: Problem, dim: int) -> float:
        """The risk in the limit."""
        found = predict(problem, Proportional(jnp.asarray(self.sample_ratio)))
        return self.scale * float(found.excess_risk)

    def _check(self, problem: Problem, dim: int, key: PRNGKeyArray, draws: int) -> Verdict:
        limit = self.bound(problem, dim)
        claim = f"the excess risk tends to {limit:.4g} as n, d -> infinity"
        return undecided(self.name, claim, "a programme: use nfl_sim.compare at growing d")
