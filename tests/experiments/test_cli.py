"""The command line: help without JAX, usage errors, exit codes."""

import json
import subprocess
import sys

import pytest

from experiments import cli, registry
from experiments.verdicts import Verdict
from tests.experiments import toy

HELP = """
import json, sys
from experiments.cli import main
for words in json.loads(sys.argv[1]):
    try:
        assert main([*words, "--help"]) == 0, words
    except SystemExit as stop:
        assert stop.code == 0, words
    heavy = {"jax", "nfl_sim", "matplotlib"} & set(sys.modules)
    assert not heavy, (words, heavy)
"""


def test_help_of_every_command_answers_without_jax():
    commands = [[], ["list"], ["run"], ["all"], ["score"], ["verify"], ["figures"]]
    commands += [
        ["run", name, preset] for name in registry.EXPERIMENTS for preset in ("quick", "paper")
    ]
    commands += [["run", name] for name in registry.EXPERIMENTS] + [["all", "paper"]]
    subprocess.run([sys.executable, "-c", HELP, json.dumps(commands)], check=True)


def test_list_names_every_experiment(capsys):
    assert cli.main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in registry.EXPERIMENTS)


def test_every_registered_module_keeps_the_contract():
    for name in registry.EXPERIMENTS:
        module = registry.load(name)
        assert set(registry.PRESETS) <= set(module.PRESETS)
        assert all(isinstance(preset, module.Config) for preset in module.PRESETS.values())


def test_all_quick_stays_what_make_run_promises():
    assert registry.names("quick") == [
        "fig1_logistic_grand",
        "fig2_linear_failure",
        "fig3_logistic_failure",
        "fig4_perceptron_pareto",
        "fig5_crossover",
        "fig6_double_descent",
        "fig7_scaling_law",
        "fig8_calibration",
        "fig9_no_free_lunch",
        "fig10_free_lunch",
        "fig11_same_sample",
        "fig12_information",
    ]
    assert registry.names("paper") == list(registry.EXPERIMENTS)


@pytest.mark.parametrize(
    "words",
    [["rnu"], ["run", "fig2"], ["run", "fig2_linear_failure", "quik"], ["figures", "nothing"]],
)
def test_unknown_names_are_one_line_and_code_2(words, capsys):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: unknown")
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["--dim", "two"], ["--dimension", "2"]])
def test_bad_options_are_code_2(words):
    with pytest.raises(SystemExit) as stop:
        cli.main(["run", "fig7_scaling_law", *words])
    assert stop.value.code == 2


def test_a_bad_value_is_one_line_and_code_2(capsys, tmp_path):
    words = ["run", "fig7_scaling_law", "--noise-std", "-1", "--results", str(tmp_path)]
    assert cli.main(words) == 2
    assert "noise_std" in capsys.readouterr().err


def test_an_unwritable_folder_is_refused_before_anything_is_computed(
    command, drawn, results, capsys
):
    results.write_text("a file, not a folder")
    assert command("run", "toy") == 2
    assert str(results) in capsys.readouterr().err
    assert not drawn


@pytest.mark.parametrize(("word", "code"), [("agree", 0), ("inconclusive", 0), ("disagree", 1)])
def test_exit_code_tells_whether_a_claim_disagrees(command, monkeypatch, word, code):
    verdict = Verdict("one is two", 1.0, 2.0, 0.1, 10.0, word)
    monkeypatch.setattr(toy, "compute", lambda config, lab: registry.Result({}, [verdict]))
    monkeypatch.setattr(toy, "plot", None)
    assert command("run", "toy") == code
    assert command("all", "quick") == code


def test_a_failed_run_is_code_1_and_one_line(command, monkeypatch, capsys):
    def fail(config, lab):
        raise ValueError("no such thing")

    monkeypatch.setattr(toy, "compute", fail)
    assert command("run", "toy") == 1
    assert capsys.readouterr().err == "error: no such thing\n"
