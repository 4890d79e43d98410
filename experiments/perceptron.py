"""Perceptron problems by name."""

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
    norm: Any = 1.0,
    learner: Any = "MaxMargin",
    penalty: Any = 0.0,
    flip_probability: Any = 0.0,
) -> "Problem":
    """A perceptron problem from the names of its score, rule and learner, and its numbers.

    Args:
        score, rule, fraction: the pruning.
        angle, norm: the probe, ignored by scores without one.
        learner, penalty: the student; the one of maximum margin has no penalty.
        flip_probability: the teacher.
    """
    import nfl_sim as nfl

    model = nfl.models.Perceptron(flip_probability=flip_probability)
    student = problems.learner(learner, penalty)
    return problems.assemble(model, student, score, rule, fraction, angle=angle, norm=norm)
