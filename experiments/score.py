"""A score of the user's own: its verdicts by simulation, and the figure of where it fails.

The command `score FILE.py:FUNCTION` runs this as an experiment; `nfl_sim.assess` is the same in
Python.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from experiments import user_file
from experiments.outputs import digest
from experiments.registry import Result
from experiments.tables import Table, from_rows, length

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.lab import Cell, Lab
    from nfl_sim.assess.assess import Precision
    from nfl_sim.assess.inspection import Inspection
    from nfl_sim.assess.plan import Setup

NAME = "score"
ABOUT = (
    "Judge a score of your own by simulation: FUNCTION(x, y) maps one row x and its label y to a "
    "number, in jax.numpy; larger = harder. The teacher lies along the first axis."
)


@dataclass(frozen=True)
class Request:
    """What to assess the score on.

    Args:
        model: of the data.
        rule: which samples are kept.
        signal: length of the teacher; of a perceptron it does not matter.
        noise_std: of the labels; linear.
        flip_probability: of a label; logistic and perceptron.
        dim: dimension of the covariates.
        fractions: kept fractions r, each in (0, 1).
        samples: numbers of samples before pruning, three or more; by default four powers of two.
        replicates: simulated at each size.
        seed: root of all keys.
        resolution: push that still counts as none, in units of the size of the gradient.
        false_alarm: probability of any wrong verdict.
        budget: the most samples on which the criterion is measured.
    """

    model: Literal["linear", "logistic", "perceptron"] = "linear"
    rule: Literal["hardest", "easiest"] = "hardest"
    signal: float = 1.0
    noise_std: float = 1.0
    flip_probability: float = 0.0
    dim: int = 5
    fractions: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    samples: tuple[int, ...] = ()
    replicates: int = 256
    seed: int = 0
    resolution: float = 0.02
    false_alarm: float = 1e-3
    budget: int = 2**21


@dataclass(frozen=True)
class Config:
    """A request, and whose score it is of.

    Args:
        file, function: where the score is; the function may be "" if the file has one alone.
        source: digest of the file.
        request: what to assess it on.
    """

    file: str
    function: str
    source: str
    request: Request

    @classmethod
    def of(cls, target: str, request: Request) -> "Config":
        """From FILE.py:FUNCTION."""
        path, function = user_file.locate(target)
        return cls(str(path), function, digest(path.read_bytes()), request)

    @property
    def seed(self) -> int:
        """Root of all keys."""
        return self.request.seed


@dataclass(frozen=True)
class Subject:
    """What is assessed, ready to run."""

    setup: "Setup"
    inspection: "Inspection"
    precision: "Precision"


PRESETS: Mapping[str, Any] = {}


def cells(config: Config) -> "list[Cell]":
    """The score and random pruning, at every fraction and size."""
    from experiments.lab import Cell

    setup = _subject(config).setup
    return [
        Cell(problem(fraction), setup.dim, size, setup.replicates)
        for fraction in setup.fractions
        for problem in (setup.problem, setup.random)
        for size in setup.sizes
    ]


def compute(config: Config, lab: "Lab") -> Result:
    """The tables of the assessment."""
    import jax

    from experiments.lab import Cell
    from nfl_sim.assess.assess import judge

    subject = _subject(config)
    setup = subject.setup

    def run(problem: Any, size: int) -> Any:
        return lab.simulate(Cell(problem, setup.dim, size, setup.replicates))

    key = jax.random.fold_in(jax.random.key(config.seed), 1)
    found = judge(key, setup, subject.inspection, run, subject.precision)
    return Result({name: from_rows(rows) for name, rows in found.to_dict().items()}, [])


def tell(screen: Any, tables: Mapping[str, Table]) -> None:
    """Print the verdicts and what is kept."""
    from rich.markup import escape
    from rich.table import Table as Rich

    from nfl_sim.assess import assessment

    rows = _rows(tables)
    if not screen.is_terminal:  # no width to wrap into
        screen.print(escape(assessment.render(rows)), soft_wrap=True)
        return
    screen.print(f"[bold]{escape(assessment.headline(rows))}[/]")
    for columns, cells in _blocks():
        rich = Rich(box=None, pad_edge=False)
        for name in columns:
            rich.add_column(escape(name))
        for row in rows["fractions"]:
            rich.add_row(*map(escape, cells(row)))
        screen.print(rich)
    for remark in assessment.remarks(rows):
        screen.print(escape(remark), soft_wrap=True)


def documents(tables: Mapping[str, Table]) -> dict[str, bytes]:
    """The verdicts in Markdown, and all tables in JSON."""
    from nfl_sim.assess import assessment

    rows = _rows(tables)
    table = "\n".join(
        _markdown([columns, *(cells(row) for row in rows["fractions"])])
        for columns, cells in _blocks()
    )
    notes = "".join(f"* {remark}\n" for remark in assessment.remarks(rows))
    text = f"# {assessment.headline(rows)}\n\n{table}\n{notes}"
    return {"score.md": text.encode(), "score.json": assessment.to_json(rows).encode()}


def plot(tables: Mapping[str, Table]) -> "Figure":
    """Excess risk against the fraction, and over that of random pruning against the size."""
    from experiments.score_panels import draw

    return draw(tables)


@functools.lru_cache(maxsize=1)
def _subject(config: Config) -> Subject:
    """The score, looked at; what cannot be used is refused here.

    Raises:
        ValueError: the file, the function or a number of the request cannot be used.
    """
    import jax

    from nfl_sim.assess.assess import Precision
    from nfl_sim.assess.inspection import inspect_score
    from nfl_sim.assess.plan import Setup

    request = config.request
    function = user_file.load(Path(config.file), config.function)
    model = _model(request)
    precision = Precision.of(request.resolution, request.false_alarm, request.budget)
    key = jax.random.fold_in(jax.random.key(config.seed), 0)
    inspection = inspect_score(key, model, function, request.dim)
    setup = Setup.of(
        model,
        inspection.score,
        rule=request.rule,
        dim=request.dim,
        fractions=request.fractions,
        sizes=request.samples or None,
        replicates=request.replicates,
        learner=None,
    )
    _require_a_name(setup, inspection.name)
    return Subject(setup, inspection, precision)


def _model(request: Request) -> Any:
    import nfl_sim as nfl

    of: Any = nfl.models
    if request.model == "linear":
        return of.Linear(signal=request.signal, noise_std=request.noise_std)
    if request.model == "logistic":
        return of.Logistic(request.signal, flip_probability=request.flip_probability)
    return of.Perceptron(flip_probability=request.flip_probability)


def _require_a_name(setup: "Setup", name: str) -> None:
    """Stored results are named by the source of the score; one made in a closure has none."""
    from nfl_sim.simulation.store import UnreadableSourceError, describe

    try:
        describe(setup.score, set())
    except UnreadableSourceError as error:
        raise ValueError(
            f"the score {name!r} hides state in a closure or an object, so that its results cannot "
            "be stored under its source; define it with `def` at the top level of the file"
        ) from error


def _blocks() -> Sequence[tuple[Sequence[str], Callable[[dict[str, Any]], Sequence[str]]]]:
    """The tables that are shown: names of columns, and a row of results as text."""
    from nfl_sim.assess import assessment

    return (
        (assessment.VERDICTS, assessment.verdict_cells),
        (assessment.KEPT, assessment.kept_cells),
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = [[text.replace("|", r"\|") for text in row] for row in rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rest])


def _rows(tables: Mapping[str, Table]) -> dict[str, list[dict[str, Any]]]:
    """Columns back to rows."""
    names = ("summary", "fractions", "points", "atoms")
    found = {}
    for name in names:
        columns = {column: values.tolist() for column, values in tables[name].items()}
        found[name] = [
            {column: values[i] for column, values in columns.items()}
            for i in range(length(tables[name]))
        ]
    return found
