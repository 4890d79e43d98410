"""Verdicts: what was claimed, what was measured, and whether the two agree."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from experiments.tables import Table, from_rows

SIGNIFICANT = 4.9  # two-sided false alarm 1e-6
STYLES = {"agree": "green", "disagree": "bold red", "inconclusive": "yellow"}


@dataclass(frozen=True)
class Verdict:
    """One claim and its fate.

    Args:
        claim: what theory says, in words.
        predicted: the number it says.
        measured, sem: the simulated number and its standard error.
        z: (measured - predicted) / sem.
        verdict: agree, disagree or inconclusive.
        provenance: further columns of the CSV.
    """

    claim: str
    predicted: float
    measured: float
    sem: float
    z: float
    verdict: str
    provenance: dict[str, Any] = field(default_factory=dict)


def of_sign(
    claim: str, gap: float, sem: float, provenance: dict[str, Any], *, positive: bool = True
) -> Verdict:
    """Whether a measured gap has the sign that theory gives it; "inconclusive" if it is small."""
    z = gap / sem
    toward = z if positive else -z
    verdict = "inconclusive"
    if abs(z) > SIGNIFICANT:
        verdict = "agree" if toward > 0 else "disagree"
    return Verdict(claim, 0.0, gap, sem, z, verdict, provenance)


def of_value(
    claim: str,
    expected: float,
    found: float,
    half_digit: float,
    provenance: dict[str, Any] | None = None,
) -> Verdict:
    """Whether a computed number is the published one, given to so many digits.

    Args:
        claim: what it is.
        expected, found: the two numbers.
        half_digit: half a unit of the last published digit, which stands for a standard error;
            rounding may be up to a whole unit off.
        provenance: further columns of the CSV.
    """
    z = (found - expected) / half_digit
    verdict = "agree" if abs(z) <= 2.0 else "disagree"
    return Verdict(claim, expected, found, half_digit, z, verdict, provenance or {})


def to_table(verdicts: Sequence[Verdict]) -> Table:
    """The verdicts as columns, provenance last."""
    rows = [asdict(verdict) for verdict in verdicts]
    return from_rows([row | row.pop("provenance") for row in rows])


def print_table(console: Any, title: str, verdicts: Sequence[Verdict]) -> None:
    """Print one line a claim."""
    from rich.markup import escape
    from rich.table import Table as Rich

    rich = Rich(title=title, title_justify="left", box=None, pad_edge=False)
    rich.add_column("claim")
    for name in ("predicted", "measured", "sem", "z"):
        rich.add_column(name, justify="right", no_wrap=True)
    rich.add_column("verdict", no_wrap=True)
    for v in verdicts:
        numbers = [f"{v.predicted:.5g}", f"{v.measured:.5g}", f"{v.sem:.1e}", f"{v.z:+.2f}"]
        rich.add_row(escape(v.claim), *numbers, f"[{STYLES[v.verdict]}]{v.verdict}[/]")
    console.print(rich)
    console.print(summary(verdicts))


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many claims of each fate."""
    count = Counter(v.verdict for v in verdicts)
    return f"{len(verdicts)} claims: " + ", ".join(f"{count[k]} {k}" for k in STYLES)


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """1 if some claim disagrees, else 0."""
    return int(any(v.verdict == "disagree" for v in verdicts))
