"""Logistic problems by name."""

from typing import TYPE_CHECKING, Any

from experiments import problems

if TYPE_CHECKING:
    from nfl_sim import Problem


def build(
    score: str,
    rule: str,
    fraction: Any,
    *,
    angle: Any,
    norm: Any,
    signal: Any,
    penalty: Any = 0.0,
    flip_probability: Any = 0.0,
) -> "Problem":
    """A logistic problem from the names of its score and rule, and its numbers.

    Args:
        score, rule, fraction: the pruning.
        angle, norm: the probe, ignored by scores without one.
        signal, flip_probability: the teacher.
        penalty: the student's.
    """
    import nfl_sim as nfl

    model = nfl.models.Logistic(signal=signal, flip_probability=flip_probability)
    learner = nfl.learners.LogisticRegression(penalty=penalty)
    return problems.assemble(model, learner, score, rule, fraction, angle=angle, norm=norm)
