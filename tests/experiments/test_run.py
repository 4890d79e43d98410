"""A run from end to end: outputs, resume, redraw, never a silent overwrite."""

import hashlib
import json

import pytest

from experiments import cli, outputs, tables
from nfl_sim.simulation import blocks, store
from tests.experiments import toy


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(store, "CHUNK_NORMALS", 0)
    monkeypatch.setattr(store, "LARGEST_BLOCK", 16)


def only(results):
    (folder,) = outputs.stored(results, "toy")
    return folder


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != outputs.MANIFEST}


def test_outputs_are_complete_and_hashed(command, results):
    assert command("run", "toy", "--seed", "3") == 0
    folder = only(results)
    kinds = {p.suffix for p in folder.iterdir()}
    assert kinds == {".csv", ".json", ".pdf", ".svg", ".png"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["seed"] == 3
    assert manifest["x64"] is True
    assert manifest["config"]["replicates"] == 64
    for name, digest in manifest["outputs"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    points = tables.from_csv((folder / "points.csv").read_bytes())
    assert {"seed", "score", "rule.fraction", "dim", "num_replicates", "sem"} <= set(points)


def test_the_run_ends_in_a_verdict_table(command, capsys, results):
    command("run", "toy")
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("claim", "predicted", "sem", "verdict", "2 agree"))
    assert "compiling" in printed
    assert str(only(results)) in printed.replace("\n", "")


def test_a_second_run_draws_nothing_and_changes_nothing(command, results, drawn):
    command("run", "toy")
    before, folder = content(only(results)), only(results)
    stamps = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    drawn.clear()
    command("run", "toy")
    assert not drawn
    assert content(only(results)) == before
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == stamps


def test_more_replicates_draw_only_the_new_ones(command, drawn, small_chunks):
    command("run", "toy", "--sizes", "40")
    drawn.clear()
    command("run", "toy", "--sizes", "40", "--replicates", "96")
    assert drawn == [(40, 64, 80), (40, 80, 96)]


def test_an_interrupted_run_loses_nothing_and_says_how_to_resume(
    command, results, drawn, monkeypatch, capsys, small_chunks
):
    command("run", "toy", "--replicates", "80")
    whole = content(only(results))
    results.rename(results.with_name("uninterrupted"))
    drawn.clear()
    counting = blocks.run_replicates

    def impatient(*args, **kwargs):
        if len(drawn) == 4:
            raise KeyboardInterrupt
        return counting(*args, **kwargs)

    monkeypatch.setattr(blocks, "run_replicates", impatient)
    assert command("run", "toy", "--replicates", "80") == 130
    resume = f"python -m experiments run toy --replicates 80 --results {results}"
    assert resume in capsys.readouterr().out
    kept = len(list((results / ".cells").rglob("*.npz")))
    assert kept == 4
    monkeypatch.setattr(blocks, "run_replicates", counting)
    drawn.clear()
    assert command("run", "toy", "--replicates", "80") == 0
    assert len(drawn) == 2 * 5 - kept
    assert content(only(results)) == whole


def test_redrawing_gives_the_same_bytes_and_simulates_nothing(command, results, drawn):
    command("run", "toy")
    folder = only(results)
    before = content(folder)
    drawn.clear()
    (folder / "toy.pdf").unlink()
    assert command("figures") == 0
    assert content(folder) == before
    assert not drawn


def test_redrawing_refuses_tables_that_were_edited(command, results, capsys):
    command("run", "toy")
    path = only(results) / "points.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    assert command("figures") == 1
    assert str(path) in capsys.readouterr().err


def test_nothing_is_silently_overwritten(command, results, monkeypatch):
    command("run", "toy")
    folder = only(results)
    before = content(folder)
    monkeypatch.setattr(toy, "plot", lambda tables: _other_figure())
    assert command("figures") == 1
    assert content(folder) == before
    assert command("run", "toy") == 0
    assert content(folder) == before
    assert len(outputs.stored(results, "toy")) == 2
    assert command("figures", "toy", "--overwrite") == 0
    assert content(folder) != before


def test_overwrite_replaces_on_request(command, results, monkeypatch):
    command("run", "toy")
    monkeypatch.setattr(toy, "plot", lambda tables: _other_figure())
    assert command("run", "toy", "--overwrite") == 0
    outputs.read_tables(only(results))


def test_dry_run_shows_cells_and_touches_nothing(command, results, drawn, capsys):
    assert command("run", "toy", "--dry-run") == 0
    assert "0 of 2 cells are stored" in capsys.readouterr().out
    assert not results.exists()
    command("run", "toy", "--sizes", "40")
    capsys.readouterr()
    drawn.clear()
    assert command("run", "toy", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "1 of 2 cells are stored" in printed
    assert "estimated time" in printed
    assert "estimated memory" in printed
    assert not drawn


def test_figures_without_results_says_so(command, capsys):
    assert command("figures") == 0
    assert "no results" in capsys.readouterr().out


def test_results_do_not_depend_on_the_command_line_order():
    one = outputs.config_hash("toy", toy.Config(seed=1))
    assert one == outputs.config_hash("toy", toy.Config(seed=1))
    assert one != outputs.config_hash("toy", toy.Config(seed=2))
    assert cli.PROGRAM == "python -m experiments"


def _other_figure():
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(1, 1))
