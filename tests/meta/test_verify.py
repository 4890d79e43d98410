"""The two tests of `make verify` reject what they are there for."""

import numpy as np
import pytest
from scipy import stats

from experiments import verify

CELLS = 45


def scores(scale=1.0, shift=0.0):
    """The normal scores of evenly spread probabilities: a typical table."""
    return shift + scale * stats.norm.ppf((np.arange(CELLS) + 0.5) / CELLS)


def fate(z):
    squares, holm = verify.tests(list(z))
    return squares.verdict, holm.verdict


def test_a_typical_table_is_accepted():
    assert fate(scores()) == ("agree", "agree")


@pytest.mark.parametrize("sign", [-1, 1])
def test_holm_rejects_one_bad_cell(sign):
    assert fate(np.append(scores()[:-1], sign * 4.7))[1] == "disagree"


def test_holm_knows_how_many_cells_there_are():
    """p = 4e-5 is nothing among 45 cells at 1e-3, and enough among 10."""
    extreme = stats.norm.isf(2e-5)
    assert fate([extreme] + [0.5] * 44)[1] == "agree"
    assert fate([extreme] + [0.5] * 9)[1] == "disagree"


@pytest.mark.parametrize("scale", [2.0, 0.5])
def test_squares_reject_errors_off_by_two(scale):
    """Standard errors too small by two, or too large by two; no single cell stands out."""
    assert fate(scores(scale=scale))[0] == "disagree"


def test_squares_reject_a_common_bias():
    assert fate(scores(shift=1.0)) == ("disagree", "agree")


def test_the_rate_of_the_squares_is_as_stated():
    """20000 tables of normal scores; false alarm 1e-6."""
    draws = 20_000
    totals = np.sum(np.random.default_rng(0).normal(size=(draws, CELLS)) ** 2, axis=1)
    low, high = stats.chi2.interval(verify.CENTRAL, CELLS)
    red = [total for total in totals if not low <= total <= high]
    assert stats.binom.isf(1 - 5e-7, draws, 1e-3) <= len(red) <= stats.binom.isf(5e-7, draws, 1e-3)
    for total in (*red, low * 1.001, high * 0.999):
        table = np.full(CELLS, np.sqrt(total / CELLS))
        assert fate(table)[0] == ("disagree" if total in red else "agree")


def test_a_red_cell_makes_the_run_red():
    bad = verify.tests(np.append(scores()[:-1], 6.0))
    assert verify.is_red(bad)
    assert not verify.is_red(verify.tests(scores()))
