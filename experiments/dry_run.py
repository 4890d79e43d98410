"""What a run would do: its cells, which of them are stored, estimated time and memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from experiments import outputs
from experiments.lab import Cell, Lab
from experiments.options import cores

if TYPE_CHECKING:
    from experiments.runner import Run

NORMALS_PER_SECOND = 6e6  # per core, draws and fits together
SECONDS_PER_COMPILE = 0.7


def show(console: Any, run: "Run", cells: Sequence[Cell]) -> None:
    """Print a line a cell, and the estimates."""
    from rich.table import Table

    from nfl_sim.simulation.store import Store

    lab = Lab(Store(run.options.cells, read_only=True), run.config.seed)
    cached = [lab.stored(cell) for cell in cells]
    rich = Table(title=f"{run.name}: {len(cells)} cells", title_justify="left", box=None)
    for name in ("score", "rule", "fraction", "dim", "samples", "replicates", "stored"):
        rich.add_column(name, justify="left" if name in ("score", "rule") else "right")
    for cell, count in zip(cells, cached, strict=True):
        rich.add_row(*_columns(cell), str(count))
    console.print(rich)
    whole = sum(n == cell.num_replicates for n, cell in zip(cached, cells, strict=True))
    folder = run.options.results / run.name / outputs.config_hash(run.name, run.config)
    console.print(f"{whole} of {len(cells)} cells are stored", soft_wrap=True)
    console.print(f"estimated time to simulate: {_seconds(cells, cached):.0f} s on {cores()} cores")
    console.print(f"estimated memory: {_gigabytes(cells):.1f} GiB")
    console.print(f"results go to {folder}", soft_wrap=True)


def _columns(cell: Cell) -> list[str]:
    problem = cell.problem
    names = [type(problem.score).__name__, type(problem.rule).__name__]
    numbers = [cell.dim, cell.num_samples, cell.num_replicates]
    return [*names, f"{float(problem.rule.fraction):g}", *map(str, numbers)]


def _seconds(cells: Sequence[Cell], cached: Sequence[int]) -> float:
    """Work over speed, and a compilation for every new shape."""
    pairs = [(c, 1 - n / c.num_replicates) for c, n in zip(cells, cached, strict=True)]
    shapes = {tuple(_columns(cell)[:5]) for cell, missing in pairs if missing > 0}
    work = sum(cell.work * missing for cell, missing in pairs)
    return work / (NORMALS_PER_SECOND * cores()) + SECONDS_PER_COMPILE * len(shapes)


def _gigabytes(cells: Sequence[Cell]) -> float:
    """JAX itself, and a block of replicates for every worker."""
    return 0.5 + 2 * cores() * max(map(_block_bytes, cells)) / 2**30


def _block_bytes(cell: Cell) -> int:
    from nfl_sim.simulation import draws
    from nfl_sim.simulation.blocks import replicate_bytes
    from nfl_sim.simulation.replicate import shape_of
    from nfl_sim.simulation.store import block_and_chunk

    sizes = (cell.problem, cell.dim, cell.num_samples)
    draw = draws.plan(*sizes, cell.method)
    return block_and_chunk(*sizes, draw)[0] * replicate_bytes(shape_of(*sizes)[0], draw)
