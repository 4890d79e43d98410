"""The draws that draw no other sample than those kept."""

from jaxtyping import PRNGKeyArray

from nfl_sim.problem import Problem
from nfl_sim.simulation.draws._compressed import compress
from nfl_sim.simulation.draws._draw import Draw
from nfl_sim.simulation.draws._order_statistics import draw_kept
from nfl_sim.simulation.draws._scalars import least_squares
from nfl_sim.simulation.replicate import Chosen, Counts
from nfl_sim.validation import Scalar

_CHUNK = 4096  # scores drawn at once where their energy alone is of use


def draw_chosen(
    key: PRNGKeyArray,
    problem: Problem,
    num_samples: Scalar,
    counts: Counts,
    draw: Draw,
    *,
    dim: int,
    bucket: int,
) -> Chosen:
    """What is trained on, by the level of the draw."""
    if draw.level == "kept":
        return draw_kept(key, problem, num_samples, counts, draw, dim=dim, size=bucket)
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
