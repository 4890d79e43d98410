"""The command line: list, run, all, score, verify, figures.

Parsing needs neither JAX nor nfl_sim nor matplotlib, so that `--help` answers at once.
"""

import difflib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import field, make_dataclass
from typing import Annotated, Any, cast

import tyro

from experiments import registry, runner
from experiments.compiled import drop_when_crowded
from experiments.options import Options, Output
from experiments.registry import PRESETS, Experiment
from experiments.runner import Run, UsageError

PROGRAM = "python -m experiments"
USAGE = f"""\
usage: {PROGRAM} COMMAND

  list                           the experiments
  run NAME [preset] [options]    run one; presets: {", ".join(PRESETS)}
  all [preset] [options]         run the experiments of a preset (quick: those of `make run`)
  score FILE.py:FUNCTION [options]
                                 judge a score of your own by simulation
  verify [options]               hold a table of predictions against simulation
  figures [NAME] [options]       redraw figures from stored results, without simulating

`COMMAND --help` and `run NAME --help` list the options.
Exit code: 0 nothing disagrees, 1 a claim disagrees or a run failed, 2 usage, 130 interrupted."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    commands = {
        "list": _list,
        "run": _run,
        "all": _all,
        "score": _score,
        "verify": _verify,
        "figures": _figures,
    }
    command, *rest = arguments or ["--help"]
    if command in ("-h", "--help"):
        print(USAGE)
        return 0
    try:
        return commands[_known("command", command, commands)](rest)
    except UsageError as error:
        return _fail(error, 2)
    except (ValueError, OSError) as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        resume = shlex.join([command, *rest])
        print(f"\ninterrupted; finished chunks are kept, resume with:\n  {PROGRAM} {resume}")
        return 130


def _list(arguments: Sequence[str]) -> int:
    _parse("list", "List the experiments.", {}, arguments)
    width = max(map(len, registry.EXPERIMENTS))
    for name, entry in registry.EXPERIMENTS.items():
        print(f"{name:{width}}  {entry.summary}{'  [make run]' * entry.in_make_run}")
    return 0


def _run(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"usage: {PROGRAM} run NAME [{'|'.join(PRESETS)}] [options]\n\nNAME is one of:\n")
        _list([])
        print(f"\n`{PROGRAM} run NAME --help` lists the options of one.")
        return 0 if arguments else 2
    name = _known("experiment", arguments[0], registry.EXPERIMENTS)
    preset, rest = _preset(arguments[1:])
    experiment = registry.load(name)
    about = f"{registry.EXPERIMENTS[name].summary} (preset {preset}; presets: {', '.join(PRESETS)})"
    defaults = {"config": experiment.PRESETS[preset], "options": Options()}
    parsed = _parse(f"run {name} {preset}", about, defaults, rest)
    return runner.execute(Run(name, experiment, parsed.config, parsed.options, ["run", *arguments]))


def _all(arguments: Sequence[str]) -> int:
    preset, rest = _preset(arguments)
    about = f"Run {', '.join(registry.names(preset))} (preset {preset})."
    parsed = _parse(f"all {preset}", about, {"options": Options()}, rest)
    codes: dict[str, int] = {}
    for name in registry.names(preset):
        experiment = registry.load(name)
        command = ["run", name, preset, *rest]
        run = Run(name, experiment, experiment.PRESETS[preset], parsed.options, command)
        try:
            codes[name] = runner.execute(run)
            drop_when_crowded()
        except UsageError:
            raise
        except (ValueError, OSError) as error:
            codes[name] = _fail(error, 1)
    outcome = ", ".join(f"{name} {'FAILED' if code else 'ok'}" for name, code in codes.items())
    print(f"all {preset}: {outcome}")
    return max(codes.values())


def _verify(arguments: Sequence[str]) -> int:
    from experiments import verify

    defaults = {"config": verify.Config(), "options": Options()}
    parsed = _parse("verify", verify.ABOUT, defaults, arguments)
    command = ["verify", *arguments]
    return runner.execute(Run("verify", verify, parsed.config, parsed.options, command))


def _score(arguments: Sequence[str]) -> int:
    from experiments import score

    target = "FILE.py:FUNCTION"
    named = [word for word in arguments[:1] if not word.startswith("-")]
    defaults = {"request": score.Request(), "options": Options()}
    if not named and not {"-h", "--help"} & set(arguments):
        raise UsageError(f"say whose score to judge: {PROGRAM} score {target} [options]")
    parsed = _parse(f"score {target}", score.ABOUT, defaults, arguments[len(named) :])
    try:
        config = score.Config.of(named[0], parsed.request)
    except ValueError as error:
        raise UsageError(str(error)) from error
    run = Run(score.NAME, cast("Experiment", score), config, parsed.options, ["score", *arguments])
    return runner.execute(run)


def _figures(arguments: Sequence[str]) -> int:
    named = [arguments[0]] if arguments and not arguments[0].startswith("-") else []
    names = [_known("experiment", name, registry.EXPERIMENTS) for name in named] or list(
        registry.EXPERIMENTS
    )
    about = "Redraw the figures of stored results, without simulating."
    parsed = _parse("figures", about, {"options": Output()}, arguments[len(named) :])
    console = runner.console()
    return max(runner.redraw(name, parsed.options, console) for name in names)


def _preset(arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    if not arguments or arguments[0].startswith("-"):
        return PRESETS[0], arguments
    return _known("preset", arguments[0], PRESETS), arguments[1:]


def _parse(command: str, about: str, defaults: dict[str, Any], arguments: Sequence[str]) -> Any:
    """Parse options into the dataclasses of ``defaults``, flags without prefixes."""
    bare = tyro.conf.arg(name="")
    items = [(n, Annotated[type(v), bare], field(default=v)) for n, v in defaults.items()]
    kind = make_dataclass("Arguments", items, frozen=True)
    return tyro.cli(kind, prog=f"{PROGRAM} {command}", description=about, args=list(arguments))


def _known(what: str, name: str, choices: Any) -> str:
    if name in choices:
        return name
    close = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise UsageError(f"unknown {what} {name!r}{hint} (choose from {', '.join(choices)})")


def _fail(error: Exception, code: int) -> int:
    print(f"error: {error}", file=sys.stderr)
    return code
