"""Labels in docstrings and labels in theory_notes stay in step."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTES = sorted((ROOT / "theory_notes").glob("*.md"))
SOURCES = sorted((ROOT / "nfl_sim").rglob("*.py"))
LABEL = re.compile(r"^\s*\$\$ \((eq-[a-z0-9-]+)\)\s*$", re.MULTILINE)
CITATION = re.compile(r"\{eq\}`(eq-[a-z0-9-]+)`")
LOCATED = re.compile(r"((?:\{eq\}`[^`]*`[,\s]*(?:and\s+)?)+)in\s+(theory_notes/[\w.]+\.md)")
FILE = re.compile(r"theory_notes/[\w.]+\.md")


def labels():
    return [label for path in NOTES for label in LABEL.findall(path.read_text(encoding="utf-8"))]


def relative(path):
    return str(path.relative_to(ROOT))


def test_labels_are_unique():
    assert [label for label, count in Counter(labels()).items() if count > 1] == []


def test_there_are_labels_and_citations():
    assert len(labels()) > 20
    assert sum(len(CITATION.findall(path.read_text(encoding="utf-8"))) for path in SOURCES) > 20


@pytest.mark.parametrize("path", [*NOTES, *SOURCES], ids=relative)
def test_every_citation_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    assert sorted(set(CITATION.findall(text)) - set(labels())) == []
    assert [name for name in FILE.findall(text) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", NOTES, ids=relative)
def test_every_label_is_well_formed(path):
    """No `$$ (eq_…)` that the citations could never reach, and no citation without braces."""
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(r"^\s*\$\$ *\(", text, re.MULTILINE)) == len(LABEL.findall(text))
    assert len(re.findall(r"`eq-", text)) == len(CITATION.findall(text))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_equations_are_in_the_note_that_is_named(path):
    """`{eq}`eq-a`, {eq}`eq-b` in theory_notes/x.md`: both are in x.md."""
    for citations, name in LOCATED.findall(path.read_text(encoding="utf-8")):
        held = LABEL.findall((ROOT / name).read_text(encoding="utf-8"))
        assert sorted(set(CITATION.findall(citations)) - set(held)) == []
