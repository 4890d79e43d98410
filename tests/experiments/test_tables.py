"""Tables survive CSV to the last bit."""

import numpy as np

from experiments import tables


def test_csv_round_trip_is_exact():
    rows = [
        {"name": "a", "count": 1, "value": 0.1 + 0.2},
        {"name": "b,c", "count": 2, "value": float("nan"), "extra": 1e-300},
    ]
    table = tables.from_rows(rows)
    again = tables.from_csv(tables.to_csv(table))
    assert list(again) == list(table)
    for name, column in table.items():
        assert column.dtype.kind == again[name].dtype.kind
        np.testing.assert_array_equal(column, again[name])


def test_select_keeps_matching_rows():
    table = tables.from_rows([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 2, "b": "x"}])
    assert tables.length(tables.select(table, a=2, b="x")) == 1
