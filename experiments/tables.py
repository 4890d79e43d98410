"""Tables: a dict of columns, and its exact round trip through CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Table = Mapping[str, np.ndarray]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Columns from rows; a row that lacks a column has nan there."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {name: _column([row.get(name, np.nan) for row in rows]) for name in columns}


def select(table: Table, **equal: Any) -> Table:
    """The rows in which each named column has the given value."""
    mask = np.ones(length(table), dtype=bool)
    for name, value in equal.items():
        mask &= table[name] == value
    return {name: column[mask] for name, column in table.items()}


def length(table: Table) -> int:
    """Number of rows."""
    return len(next(iter(table.values()), ()))


def to_csv(table: Table) -> bytes:
    """The table as CSV; floats are written so that they read back to the last bit."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*(map(_text, column) for column in table.values()), strict=True))
    return buffer.getvalue().encode()


def from_csv(content: bytes) -> Table:
    """The table written by `to_csv`."""
    header, *rows = csv.reader(io.StringIO(content.decode()))
    return {name: _column([row[i] for row in rows]) for i, name in enumerate(header)}


def _text(value: Any) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)


def _column(values: Sequence[Any]) -> np.ndarray:
    """The values as integers if they all are, else as floats, else as text."""
    for kind in (int, float):
        try:
            if kind is int and any(isinstance(v, float) for v in values):
                continue
            return np.array([kind(v) for v in values])
        except (TypeError, ValueError):
            continue
    return np.array([str(v) for v in values])
