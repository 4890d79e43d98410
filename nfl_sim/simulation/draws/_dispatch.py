"""The draws that draw no other sample than those kept."""

from jaxtyping import PRNGKeyArray

from nfl_sim.models import Logistic, Perceptron
from nfl_sim.problem import Problem
from nfl_sim.simulation.draws._compressed import compress
from nfl_sim.simulation.draws._draw import Draw
from nfl_sim.simulation.draws._latent import axis_of
from nfl_sim.simulation.draws._order_statistics import draw_kept
from nfl_sim.simulation.draws._scalars import least_squares
from nfl_sim.simulation.draws._signed_margin import MarginLaw, margin_law
from nfl_sim.simulation.replicate import Chosen, Counts
from nfl_sim.validation import Scalar

_CHUNK = 4096  # scores drawn at once where their energy alone is of use


def law_of(problem: Problem, draw: Draw, dim: int) -> MarginLaw:
    """What the replicates of a problem share where the score sees the signed margin: its law."""
    assert isinstance(problem.model, Logistic | Perceptron)
    axis = axis_of(draw.family, problem.model, problem.score, dim)[0]
    return margin_law(problem.model, axis, outward=draw.outward)


def draw_chosen(
    key: PRNGKeyArray,
    problem: Problem,
    num_samples: Scalar,
    counts: Counts,
    draw: Draw,
    law: MarginLaw | None,
    *,
    dim: int,
    bucket: int,
) -> Chosen:
    """What is trained on, by the level of the draw; ``law`` is that of `law_of`."""
    if draw.level == "kept":
        return draw_kept(key, problem, num_samples, counts, draw, law, dim=dim, size=bucket)
    chunk = chunk_of(bucket)
    if draw.level == "scalars":
        return least_squares(key, problem, num_samples, counts, draw, dim=dim, chunk=chunk)
    size = min(bucket, dim + 1)
    return compress(key, problem, num_samples, counts, draw, dim=dim, size=size, chunk=chunk)


def chunk_of(bucket: int) -> int:
    """Scores that are drawn at once."""
    return min(bucket, _CHUNK)


def fitted(draw: Draw, bucket: int, dim: int) -> tuple[int, int]:
    """Rows and dimensions of what is trained on."""
    if draw.level == "scalars":
        return 4, 3
    if draw.level == "pseudo-rows":
        return (1 + draw.weighted) * min(bucket, dim + 1), dim
    return bucket, dim
