"""Checks of theorems are stored: an interrupted table goes on where it stopped."""

import dataclasses
import math
from typing import ClassVar

import pytest

from experiments import checks, tab1_verdicts, verdicts, verify
from experiments.checks import Check, run_all
from nfl_sim import theorems
from nfl_sim.theorems import Assumption, Theorem, at_least
from tests.theorems.problems import linear


@dataclasses.dataclass(frozen=True)
class Toy(Theorem):
    """A theorem whose check is told beforehand, and counted."""

    name: ClassVar[str] = "T0"
    title: ClassVar[str] = "a toy"
    statement: ClassVar[str] = "Nothing is claimed."
    reference: ClassVar[str] = "none"
    made: ClassVar[list[float]] = []
    stops_at: ClassVar[list[float]] = []
    margin: float = 9.0

    def _assume(self, problem, dim):
        yield Assumption("anything", True, "always")

    def bound(self, problem, dim):
        return self.scale

    def _check(self, problem, dim, key, draws):
        if self.margin in self.stops_at:
            raise KeyboardInterrupt
        self.made.append(self.margin)
        return at_least(self.name, "a claim", self.margin, 1.0)


@pytest.fixture(autouse=True)
def _nothing_made(monkeypatch):
    monkeypatch.setattr(checks, "cores", lambda: 1)
    Toy.made.clear()
    Toy.stops_at.clear()


def check(margin=9.0, **rest):
    sizes = {"dim": 3, "draws": 10, "budget": 10, "seed": 0} | rest
    return Check(Toy(margin=margin), linear(), **sizes)


def test_what_is_finished_is_found_again(tmp_path):
    first = run_all([check(7.0), check(8.0)], tmp_path)
    assert Toy.made == [7.0, 8.0]
    assert run_all([check(7.0), check(8.0), check(9.0)], tmp_path)[:2] == first
    assert Toy.made == [7.0, 8.0, 9.0]
    assert first[0]["verdict"]["margin"] == 7.0
    assert [(found["name"], found["holds"]) for found in first[0]["assumptions"]] == [
        ("a PointwiseRule", True),
        ("a probe fixed before the sample", True),
        ("anything", True),
    ]


def test_an_interruption_loses_nothing_that_was_finished(tmp_path):
    family = [check(margin) for margin in (6.0, 7.0, 8.0)]
    Toy.stops_at.append(8.0)
    with pytest.raises(KeyboardInterrupt):
        run_all(family, tmp_path)
    assert Toy.made == [6.0, 7.0]
    Toy.stops_at.clear()
    assert [found["verdict"]["margin"] for found in run_all(family, tmp_path)] == [6.0, 7.0, 8.0]
    assert Toy.made == [6.0, 7.0, 8.0]


def test_a_damaged_file_is_made_again(tmp_path):
    run_all([check()], tmp_path)
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(path.read_bytes().replace(b"9.0", b"1.0"))
    with pytest.warns(UserWarning, match=r"damaged check .* \(its checksum is wrong\)"):
        assert run_all([check()], tmp_path)[0]["verdict"]["margin"] == 9.0
    path.write_bytes(b"{")
    with pytest.warns(UserWarning, match="damaged check"):
        run_all([check()], tmp_path)
    assert len(Toy.made) == 3


def test_a_name_stands_for_all_that_decides(monkeypatch):
    names = {
        check().identity,
        check(8.0).identity,
        check(seed=1).identity,
        check(dim=4).identity,
        check(draws=9).identity,
        check(budget=11).identity,
        dataclasses.replace(check(), problem=linear(angle=0.7)).identity,
        dataclasses.replace(check(), theorem=Toy(scale=1.05)).identity,
    }
    assert len(names) == 8
    assert check().identity in names
    monkeypatch.setattr(checks, "package_source", lambda: "another source")
    assert check().identity not in names


@pytest.fixture
def table(monkeypatch, tmp_path):
    """Verify the toy alone, on one problem."""

    class Store:
        directory = tmp_path

    class Lab:
        store = Store()

    def run(*margins):
        found = tuple(Toy(margin=margin) for margin in margins)
        monkeypatch.setattr(theorems, "catalogue", lambda: found)
        monkeypatch.setattr(tab1_verdicts, "cases", lambda: {"a problem": linear()})
        monkeypatch.setattr(verify, "judge", lambda config, lab: [])
        result = verify.compute(verify.Config(), Lab())
        return verdicts.exit_code(result.verdicts)

    return run


def test_a_violated_theorem_makes_verify_fail(table):
    assert table(9.0, 8.0) == 0
    assert table(9.0, -9.0) == 1
    assert Toy.made == [9.0, 8.0, -9.0]


def test_a_theorem_can_be_left_out(table):
    assert verify.statements(verify.Config(theorems=False), None) == []


def test_the_documents_say_all_there_is(table, monkeypatch):
    import json

    from experiments.tables import from_rows

    rows = [
        {"theorem": "T1", "problem": "a_b", "outcome": "holds", "margin": 1.0, "sem": 0.1}
        | {"claim": "50 %", "freedom": math.inf, "looks": 2},
        {"theorem": "T2", "problem": "c", "outcome": "inconclusive", "margin": math.nan}
        | {"sem": math.nan, "claim": "none", "freedom": math.inf, "looks": 1},
    ]
    found = tab1_verdicts.documents({"table": from_rows(rows)})
    read = json.loads(found["tab1.json"])
    assert [entry["name"] for entry in read["theorems"]][:3] == ["T1", "T2", "T3"]
    assert read["checks"][0] == rows[0] | {"freedom": None}
    assert read["checks"][1]["margin"] is None
    assert found["tab1.md"].decode().count("\n") == 3  # what does not apply is left out
    assert r"a\_b & holds & 1 & 0.1 & 50 \%" in found["tab1.tex"].decode()
