"""`score FILE.py:FUNCTION`: the verdict table from one command, and what bad input is told."""

import csv
import dataclasses
import inspect
import json
import re
import sys
from pathlib import Path

import pytest

import nfl_sim as nfl
from experiments import cli, outputs, score, user_file
from experiments.scores.margin_times_norm import margin_times_norm

EXAMPLE = Path(inspect.getfile(margin_times_norm))
QUICK = ["--dim", "2", "--fractions", "0.5", "--samples", "32", "64", "128", "--replicates", "64",
         "--budget", "50000"]  # fmt: skip
GOOD = "def own(x, y):\n    return abs(y - x[0])\n"
TWO = GOOD + "def other(x, y):\n    return x[1]\n_private = own\nnumber = 3\n"


@pytest.fixture
def run(tmp_path, capsys):
    """Exit code, stdout and stderr of the command on a file with this source."""

    def call(source, *words, target="own.py:own"):
        (tmp_path / "own.py").write_text(source)
        place = str(tmp_path / target)
        code = cli.main(["score", place, *QUICK, *words, "--results", str(tmp_path / "results")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_the_example_gets_its_verdicts_from_one_command(tmp_path, capsys):
    assert len([line for line in EXAMPLE.read_text().splitlines() if line.strip()]) == 4
    place = tmp_path / "results"
    words = ["score", f"{EXAMPLE}:margin_times_norm", *QUICK, "--results", str(place)]
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert "margin_times_norm on Linear, d=2, keeping the hardest: INCONSISTENT" in printed
    assert "random wins from n" in printed
    (folder,) = outputs.stored(place, "score")
    found = json.loads((folder / "score.json").read_text())
    assert found["summary"][0]["verdict"] == "inconsistent"
    assert found["fractions"][0]["validity"] == "invalid"
    assert (folder / "score.md").read_text().startswith("# margin_times_norm on Linear")
    with (folder / "points.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6
    assert {p.suffix for p in folder.glob("score.*")} >= {".pdf", ".png", ".svg", ".md", ".json"}


def test_a_second_run_draws_nothing_and_an_edited_file_does(run, drawn):
    assert run(GOOD)[0] == 0
    drawn.clear()
    assert run(GOOD)[0] == 0
    assert not drawn
    assert run(GOOD.replace("x[0]", "x[1]"))[0] == 0
    assert len(drawn) == 3  # of the score: random pruning is stored


def test_dry_run_lists_the_cells(run, tmp_path):
    code, out, _ = run(GOOD, "--dry-run")
    assert code == 0
    assert "0 of 6 cells are stored" in out
    assert not (tmp_path / "results").exists()


def test_the_only_function_need_not_be_named(run):
    assert run(GOOD, "--dry-run", target="own.py")[0] == 0


BAD = {
    "no such file": (GOOD, "owm.py:own", r"there is no file .*owm.py; did you mean .*own.py\?"),
    "no Python": (GOOD, "own", r"expected FILE.py:FUNCTION, got"),
    "no such function": (TWO, "own.py:mine", "no function 'mine' in .*; it has own, other"),
    "which function": (TWO, "own.py", "say which function .*: it has own, other"),
    "no function at all": ("number = 3\n", "own.py", "it has no functions"),
    "no function but a number": (TWO, "own.py:number", "'number' in .* of type int"),
    "syntax": ("def own(x, y)\n    return 1\n", "own.py:own", "cannot be imported(.|\n)*line 1"),
    "import fails": ("import nothing_such\n", "own.py:own", "No module named 'nothing_such'"),
    "raises": (
        "def own(x, y):\n    return helper(x)\ndef helper(x):\n    return x.nothing\n",
        "own.py:own",
        r"line 2, in own(.|\n)*line 4, in helper(.|\n)*AttributeError",
    ),
    "shape": ("def own(x, y):\n    return 2 * x\n", "own.py:own", r"one number a row.*\(2,\)"),
    "kind": (
        "import jax\ndef own(x, y):\n    return jax.lax.complex(y, y)\n",
        "own.py:own",
        "must return a real number",
    ),
    "nan": (
        "import jax.numpy as jnp\ndef own(x, y):\n    return jnp.sqrt(y)\n",
        "own.py:own",
        "is nan on .* of 4096 rows",
    ),
    "constant": ("def own(x, y):\n    return 1.0\n", "own.py:own", "is constant, 1 on all"),
    "joint": (
        "import jax.numpy as jnp\ndef own(x, y):\n    return abs(y - jnp.mean(y))\n",
        "own.py:own",
        "depends on other rows",
    ),
    "not traced": (
        "def own(x, y):\n    return 1.0 if y > 0 else x[0]\n",
        "own.py:own",
        "cannot be traced",
    ),
    "beyond the row": ("def own(x, y):\n    return x[2]\n", "own.py:own", "IndexError"),
    "a closure": (
        "def make(a):\n    return lambda x, y: a * x[0]\nown = make(2.0)\n",
        "own.py:own",
        "hides state.*top level",
    ),
}


@pytest.mark.parametrize(("source", "target", "message"), BAD.values(), ids=BAD)
def test_bad_functions_are_one_screen_and_code_2(run, source, target, message):
    code, _, error = run(source, target=target)
    assert code == 2
    assert error.startswith("error: ")
    assert len(error.splitlines()) <= 20
    assert re.search(message, error), error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fractions", "0.5", "1.2"], "fractions must lie in (0, 1), got 1.2"),
        (["--dim", "0"], "dim must be an integer >= 1, got 0"),
        (["--samples", "4", "8", "16"], "n=4 samples keep 2"),
        (["--noise-std", "0"], "noise_std must lie in (0, inf), got 0.0"),
        (["--replicates", "2"], "replicates must be an integer >= 16, got 2"),
        (["--false-alarm", "0"], "false_alarm must lie in (0, 1), got 0.0"),
    ],
)
def test_bad_numbers_are_one_line_and_code_2(run, words, message):
    code, _, error = run(GOOD, *words)
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


def test_no_target_is_code_2(capsys):
    assert cli.main(["score"]) == 2
    assert "score FILE.py:FUNCTION" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--model", "cubic"], ["--rule", "middle"]])
def test_unknown_choices_are_code_2(run, words):
    with pytest.raises(SystemExit) as stop:
        run(GOOD, *words)
    assert stop.value.code == 2


def test_defaults_are_those_of_the_library():
    parameters = inspect.signature(nfl.assess).parameters
    for field in dataclasses.fields(score.Request):
        if field.name in parameters:
            default = parameters[field.name].default
            assert default in (field.default, inspect.Parameter.empty), field.name


def test_the_private_are_not_offered(tmp_path):
    (tmp_path / "own.py").write_text("import jax\n" + TWO + "jitted = jax.jit(other)\n")
    user_file.load(tmp_path / "own.py", "own")
    module = sys.modules["score_file_own"]
    assert user_file.functions(module) == ["own", "other", "jitted"]
