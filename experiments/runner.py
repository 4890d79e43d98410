"""One run: predict, simulate, judge, write, report."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments import compile_cache, outputs, registry, tables, verdicts
from experiments.lab import Cell, Lab
from experiments.options import Options, Output, cores
from experiments.registry import Experiment, Result

_QUICK_TO_COMPILE = {
    "xla_backend_optimization_level": "1",
    "xla_cpu_use_fusion_emitters": "false",
}


class UsageError(ValueError):
    """The command cannot be carried out as it stands; exit code 2."""


@dataclass(frozen=True)
class Run:
    """What to run.

    Args:
        name: of the experiment.
        experiment: its module.
        config: its configuration.
        options: where to, and how.
        command: the command line that asked for it.
    """

    name: str
    experiment: Experiment
    config: Any
    options: Options
    command: Sequence[str]


def console(*, error: bool = False) -> Any:
    """A rich console; wide and plain when the output is not a terminal."""
    from rich.console import Console

    terminal = (sys.stderr if error else sys.stdout).isatty()
    return Console(stderr=error, highlight=False, width=None if terminal else 120)


def prepare_jax() -> None:
    """Compute in float64, and compile fast: the experiments own the process, not the package.

    Many shapes run for a second or two each, so that a quick compilation is worth more than
    quick code: at level 1, and without the emitters of fusions, a block compiles in half the time
    and runs about as fast.

    A block may not be spread over threads: when all threads of the CPU client are taken by blocks
    that wait for another, they wait for ever. NPROC sizes that pool; with one thread a block stays
    in it, and programs of one process take turns. What fills all cores is `experiments.crew`.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    for name, value in _QUICK_TO_COMPILE.items():
        if name not in flags:
            flags += f" --{name}={value}"
    os.environ["XLA_FLAGS"] = flags.strip()
    os.environ.setdefault("NPROC", "1")
    import jax

    jax.config.update("jax_enable_x64", True)


def execute(run: Run) -> int:
    """Carry out a run and report it; the exit code is 1 if a claim disagrees."""
    prepare_jax()
    if not run.options.dry_run:
        compile_cache.switch_on(run.options.results)
    screen = console()
    cells = _checked(lambda: run.experiment.cells(run.config))
    if run.options.dry_run:
        from experiments import dry_run

        dry_run.show(screen, run, cells)
        return 0
    environment = outputs.environment()
    result, seconds = _compute(run, cells, screen)
    manifest = {"command": " ".join(run.command), "seed": run.config.seed} | environment
    folder, state = _save(run, result, manifest | {"seconds": seconds})
    if (tell := getattr(run.experiment, "tell", None)) is not None:
        tell(screen, result.tables)
    else:
        verdicts.print_table(screen, run.name, result.verdicts)
    spent = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    screen.print(f"{run.name}: {spent}", soft_wrap=True)
    screen.print(f"{run.name}: {state} in {folder}", soft_wrap=True)
    for figure in sorted(folder.glob("*.pdf")):
        screen.print(f"{run.name}: figure {figure} (and .svg, .png)", soft_wrap=True)
    return verdicts.exit_code(result.verdicts)


def _compute(run: Run, cells: Sequence[Cell], screen: Any) -> tuple[Result, dict[str, float]]:
    from experiments.progress import Progress
    from nfl_sim.simulation.store import Store

    store = _checked(lambda: Store(run.options.cells))
    with (
        Progress(screen, run.name, 1 + cores()) as progress,  # the crew, and who leads it
        Lab(store, run.config.seed, progress, cores()) as lab,
    ):
        lab.start(cells)
        result = run.experiment.compute(run.config, lab)
        total, compiling = progress.seconds, progress.compiling
    return result, {"total": round(total, 1), "of which compiling": round(compiling, 1)}


def _save(run: Run, result: Result, manifest: dict[str, Any]) -> tuple[Any, str]:
    found = {**result.tables, "verdicts": verdicts.to_table(result.verdicts)}
    files = {f"{name}.csv": tables.to_csv(table) for name, table in found.items()}
    read = {name: tables.from_csv(files[f"{name}.csv"]) for name in found}
    files |= draw(run.name, run.experiment, read)
    root, overwrite = run.options.results, run.options.overwrite
    return outputs.save(root, run.name, run.config, files, manifest, overwrite=overwrite)


def draw(name: str, experiment: Experiment, found: dict[str, tables.Table]) -> dict[str, bytes]:
    """The figures and documents of an experiment, from its tables."""
    from experiments import style

    plot, documents = (getattr(experiment, part, None) for part in ("plot", "documents"))
    files = {} if documents is None else dict(documents(found))
    if plot is None:
        return files
    with style.context():
        return files | style.files(plot(found), name)


def redraw(name: str, options: Output, screen: Any) -> int:
    """Draw the figures of all stored results of an experiment again; 1 if some differ."""
    experiment = registry.load(name)
    folders = outputs.stored(options.results, name)
    if not folders:
        screen.print(f"{name}: no results in {options.results}", soft_wrap=True)
    code = 0
    for folder in folders:
        files = draw(name, experiment, outputs.read_tables(folder))
        clashes = outputs.clashes(folder, files)
        if clashes and not options.overwrite:
            note = "would be drawn differently now; kept the old, --overwrite replaces it"
            screen.print(f"{folder}: {note}", soft_wrap=True)
            code = 1
            continue
        state = "unchanged" if outputs.is_complete(folder, files) else "redrawn"
        if state == "redrawn":
            manifest = outputs.read_manifest(folder)
            manifest["outputs"] |= {file: outputs.digest(c) for file, c in files.items()}
            outputs.write(folder, files, manifest)
        screen.print(f"{folder / name}.pdf: {state}", soft_wrap=True)
    return code


def _checked(build: Any) -> Any:
    """What ``build`` returns; what it refuses is the user's to mend."""
    try:
        return build()
    except ValueError as error:
        raise UsageError(str(error)) from error
