"""The laboratory: simulates cells through the store and judges predictions against them."""

import threading
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from experiments import crew
from experiments.compiled import drop_when_crowded
from experiments.progress import CompileClock
from experiments.verdicts import Verdict

if TYPE_CHECKING:
    from nfl_sim import Prediction, Problem, Simulation
    from nfl_sim.problem import Regime
    from nfl_sim.simulation.draws import Method
    from nfl_sim.simulation.store import Store

    Case = tuple[str, Regime, Sequence["Cell"]]


_COMPILATION = 3e7  # what compiling for another shape takes, in random numbers
_WORTH_A_CREW = 3e8  # what starting its processes takes, many times over
_MANY = 10  # cases that are worth the processes of a crew


@dataclass(frozen=True)
class Cell:
    """One problem at one size: the unit of work, of storage and of provenance."""

    problem: "Problem"
    dim: int
    num_samples: int
    num_replicates: int
    method: "Method" = "auto"

    @property
    def drawn_by(self) -> str:
        """The method that draws it, never "auto"."""
        return self._draw.method

    @cached_property
    def work(self) -> float:
        """Random numbers to be drawn."""
        from nfl_sim.simulation import draws

        each = draws.work(self.problem, self.dim, self.num_samples, self._draw)
        return float(each) * self.num_replicates

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        """Cells of one shape share most of what is compiled for them."""
        from nfl_sim.simulation.replicate import shape_of

        problem, size = self.problem, shape_of(self.problem, self.dim, self.num_samples)[0]
        return type(problem.model), type(problem.learner), self.dim, size.bucket, self._draw.level

    @cached_property
    def _draw(self) -> Any:
        from nfl_sim.simulation import draws

        return draws.plan(self.problem, self.dim, self.num_samples, self.method)

    @cached_property
    def identity(self) -> str:
        """All that defines the cell, exact."""
        from nfl_sim.simulation.store import describe

        sizes = (self.dim, self.num_samples, self.num_replicates, self.method)
        return repr((describe(self.problem, set()), *sizes))

    @property
    def provenance(self) -> dict[str, Any]:
        """All that defines the cell, flat."""
        sizes = {"dim": self.dim, "num_samples": self.num_samples}
        counts = {"num_replicates": self.num_replicates, "method": self.drawn_by}
        return flatten(self.problem) | sizes | counts


class Meter(Protocol):
    """Where a laboratory reports its work."""

    def extend(self, work: float) -> None: ...
    def advance(self, work: float, cached: bool) -> None: ...
    def compiled(self, seconds: float) -> None: ...


class Lab:
    """What `compute` works with: cells are simulated in the background, and waited for.

    Args:
        store: where finished chunks are kept.
        seed: root of all keys.
        meter: told of the work ahead and of the work done.
        workers: processes that draw, where there is enough to draw; a thread does the rest.
    """

    def __init__(
        self, store: "Store", seed: int, meter: Meter | None = None, workers: int = 1
    ) -> None:
        self.store, self.seed = store, seed
        self._meter, self._workers = meter, workers
        self._pool = ThreadPoolExecutor(1)
        self._stop = threading.Event()
        self._begun: dict[str, Future[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the chunks being drawn finish, and begin no other."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        wait([future for future in self._begun.values() if not future.cancel()])

    def reseeded(self, seed: int) -> "Lab":
        """A laboratory with other keys and the same store."""
        return Lab(self.store, seed, self._meter, self._workers)

    def start(self, cells: Sequence[Cell]) -> None:
        """Begin to simulate these cells in the background, the largest first of each shape."""
        new = {cell.identity: cell for cell in cells if cell.identity not in self._begun}
        if self._meter:
            self._meter.extend(sum(cell.work for cell in new.values()))
        cells = sorted(new.values(), key=lambda cell: -cell.work)
        if not self._is_worth_a_crew(cells):
            self._begun |= {
                cell.identity: self._pool.submit(self._simulate, cell) for cell in cells
            }
            return
        there = (self.store.directory, self.seed)
        members = crew.members(self._workers)
        for member, share in zip(members, shares(cells, self._workers), strict=True):
            for cell in share:
                tell = partial(self._told, cell)
                future = member.submit(_simulate_there, *there, cell, tell=tell, stop=self._stop)
                self._begun[cell.identity] = future

    def simulate(self, cell: Cell) -> "Simulation":
        """The simulation of a cell, drawn or from the store."""
        self.start([cell])
        return self._begun[cell.identity].result()

    def _simulate(self, cell: Cell) -> "Simulation":
        drop_when_crowded()
        return _simulate(self.store, self.seed, cell, partial(self._drawn, cell))

    def _drawn(self, cell: Cell, count: int, cached: bool) -> None:
        self._told(cell, (count, cached, 0.0))
        if self._stop.is_set():
            raise CancelledError

    def _told(self, cell: Cell, told: tuple[int, bool, float]) -> None:
        """By whoever draws: how many replicates, whether found, and seconds compiling elsewhere."""
        count, cached, compiling = told
        if self._meter:
            self._meter.compiled(compiling)
            self._meter.advance(cell.work * count / cell.num_replicates, cached)

    def _is_worth_a_crew(self, cells: Sequence[Cell]) -> bool:
        """Whether what is not stored takes long, and can be sent to another process."""
        if self._workers == 1 or _cost(cells) < _WORTH_A_CREW or not crew.can_send(cells):
            return False
        missing = [cell for cell in cells if self.stored(cell) < cell.num_replicates]
        return _cost(missing) >= _WORTH_A_CREW

    def stored(self, cell: Cell) -> int:
        """How many of its replicates are in the store."""
        return self.store.count(
            cell_key(self.seed, cell),
            cell.problem,
            dim=cell.dim,
            num_samples=cell.num_samples,
            num_replicates=cell.num_replicates,
            method=cell.method,
        )

    def judge(self, claim: str, regime: "Regime", cells: Sequence[Cell]) -> "Judgement":
        """Predict, simulate the cells, compare."""
        import nfl_sim as nfl

        prediction = nfl.predict(cells[0].problem, regime)
        simulations = [self.simulate(cell) for cell in cells]
        agreement = nfl.compare(prediction, simulations)
        provenance = self.provenance(regime, cells) | {
            "rate": float(agreement.rate),
            "rate_sem": float(agreement.rate_sem),
            "rate_z": float(agreement.rate_z),
            "false_alarm": float(agreement.false_alarm),
        }
        verdict = Verdict(
            claim,
            predicted=float(agreement.predicted),
            measured=float(agreement.limit),
            sem=float(agreement.sem),
            z=float(agreement.z),
            verdict=agreement.verdict,
            provenance=provenance,
        )
        return Judgement(prediction, simulations, verdict)

    def judge_all(self, cases: "Sequence[Case]") -> list[Verdict]:
        """`judge` the claims, regimes and cells of many cases: predicting takes long too."""
        if self._workers == 1 or len(cases) < _MANY or not crew.can_send(cases):
            return [self.judge(*case).verdict for case in cases]
        for _, _, cells in cases:
            for cell in cells:
                self.simulate(cell)
        there = [(self.store.directory, self.seed, case) for case in cases]
        return crew.each(_judge_there, there, self._workers)

    def provenance(self, regime: "Regime", cells: Sequence[Cell]) -> dict[str, Any]:
        """What a verdict on these cells, sizes of one problem, rests on."""
        dims = dict.fromkeys(cell.dim for cell in cells)
        return flatten(cells[0].problem) | {
            "regime": type(regime).__name__,
            "dim": cells[0].dim if len(dims) == 1 else ";".join(map(str, dims)),
            "num_samples": ";".join(str(cell.num_samples) for cell in cells),
            "num_replicates": ";".join(str(cell.num_replicates) for cell in cells),
            "method": ";".join(cell.drawn_by for cell in cells),
            "seed": self.seed,
        }

    def row(
        self, cell: Cell, simulation: "Simulation", quantity: str = "excess_risk"
    ) -> dict[str, Any]:
        """The cell and a measured quantity, as a row of a table."""
        estimate = getattr(simulation, quantity)
        return cell.provenance | {
            "seed": self.seed,
            "num_kept": simulation.num_kept,
            "failed": sum(simulation.failed.values()),
            "mean": float(estimate.mean),
            "sem": float(estimate.sem),
        }


def shares(cells: Sequence[Cell], workers: int) -> list[list[Cell]]:
    """The cells of each worker: as much work for all, and cells of one shape for the same.

    A shape that is more than its share of the work is split.
    """
    shapes: dict[Any, list[Cell]] = {}
    for cell in cells:
        shapes.setdefault(cell.shape, []).append(cell)
    most = _cost(cells) / (2 * workers)
    parts: list[list[Cell]] = []
    for group in shapes.values():
        pieces = workers if _cost(group) > max(most, 4 * _COMPILATION) else 1
        parts += [group[k::pieces] for k in range(min(pieces, len(group)))]
    found: list[list[Cell]] = [[] for _ in range(workers)]
    loads = [0.0] * workers
    for part in sorted(parts, key=_cost, reverse=True):
        free = loads.index(min(loads))
        found[free] += part
        loads[free] += _cost(part)
    return found


def _cost(cells: Sequence[Cell]) -> float:
    shapes = {cell.shape for cell in cells}
    return sum(cell.work for cell in cells) + _COMPILATION * len(shapes)


def _simulate(
    store: "Store", seed: int, cell: Cell, on_chunk: Callable[[int, bool], None]
) -> "Simulation":
    return store.simulate(
        cell_key(seed, cell),
        cell.problem,
        dim=cell.dim,
        num_samples=cell.num_samples,
        num_replicates=cell.num_replicates,
        method=cell.method,
        on_chunk=on_chunk,
    )


def _simulate_there(
    report: Callable[[tuple[int, bool, float]], None], directory: Path, seed: int, cell: Cell
) -> "Simulation":
    """In a process of the crew."""
    from nfl_sim.simulation.store import Store

    with CompileClock() as clock:
        return _simulate(
            Store(directory),
            seed,
            cell,
            lambda count, cached: report((count, cached, clock.lap())),
        )


def _judge_there(_: Any, case: "tuple[Path, int, Case]") -> Verdict:
    """In a process of the crew."""
    from nfl_sim.simulation.store import Store

    directory, seed, (claim, regime, cells) = case
    with Lab(Store(directory, read_only=True), seed) as lab:
        return lab.judge(claim, regime, cells).verdict


@dataclass(frozen=True)
class Judgement:
    """A prediction, its simulations and the verdict."""

    prediction: "Prediction"
    simulations: "list[Simulation]"
    verdict: Verdict


def cell_key(seed: int, cell: Cell) -> Any:
    """fold_in(root, hash of the problem and its size): it depends on what the cell is alone."""
    import jax

    from nfl_sim.simulation.store import describe

    own = () if cell.method == "auto" else (cell.method,)
    text = repr((describe(cell.problem, set()), cell.dim, cell.num_samples, *own))
    return jax.random.fold_in(jax.random.key(seed), zlib.crc32(text.encode()))


def affordable(replicates: int, max_rows: int, rows: int) -> int:
    """The largest power of two that respects both limits; at least 16.

    A power of two is drawn in equal blocks, which are compiled once.
    """
    count = max(16, min(replicates, max_rows // rows))
    return 1 << (count.bit_length() - 1)


def flatten(spec: Any, prefix: str = "") -> dict[str, Any]:
    """A spec as flat columns: class names and scalar fields."""
    row: dict[str, Any] = {}
    for item in fields(spec):
        name, value = prefix + item.name, getattr(spec, item.name)
        if is_dataclass(value):
            row |= {name: type(value).__name__} | flatten(value, f"{name}.")
        else:
            row[name] = float(value) if hasattr(value, "dtype") else value
    return row
