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
    learner: Any = "LogisticRegression",
) -> "Problem":
    """A logistic problem from the names of its score and rule, and its numbers.

    Args:
        score, rule, fraction: the pruning.
        angle, norm: the probe, ignored by scores without one.
        signal, flip_probability: the teacher.
        learner, penalty: the student, by name.
    """
    import nfl_sim as nfl

    model = nfl.models.Logistic(signal=signal, flip_probability=flip_probability)
    student = problems.learner(learner, penalty)
    return problems.assemble(model, student, score, rule, fraction, angle=angle, norm=norm)
