"""A first look: what a user's function may be, and what it is told if it may not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from nfl_sim.assess.inspection import atoms, inspect_score
from tests.assess import functions

KEY = jax.random.key(3)
LINEAR = nfl.models.Linear(1.0, 1.0)


def look(score, dim=3, model=LINEAR):
    return inspect_score(KEY, model, score, dim)


@pytest.mark.parametrize("function", functions.REFUSED, ids=lambda f: f.__name__)
def test_refusals_name_the_score_and_say_what_to_do(function):
    with pytest.raises(ValueError, match=functions.REFUSED[function]) as found:
        look(function)
    assert len(str(found.value).splitlines()) < 24  # one screen


def test_the_traceback_is_the_users_own():
    with pytest.raises(ValueError, match="misfit") as found:
        look(functions.misfit)
    files = [line for line in str(found.value).splitlines() if line.startswith("  File")]
    assert len(files) == 1
    assert "functions.py" in files[0]


def test_a_row_function_is_taken_as_it_is():
    found = look(functions.el2n)
    assert found.name == "el2n"
    assert found.atoms == ()
    assert not found.score.batched


def test_a_function_of_a_sample_that_looks_at_no_other_row_is_shown_one_at_a_time():
    found = look(functions.lengths)
    assert found.score.batched
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)))
    view = nfl.scores.View({"covariates": x, "label": x[:, 0]})
    np.testing.assert_allclose(found.score(view), jnp.sqrt(jnp.sum(x**2, axis=1)))


@pytest.mark.parametrize("dim", [1, 64])
def test_neither_one_dimension_nor_as_many_as_rows_are_mistaken_for_a_sample(dim):
    """x[0] of a sample is a row: the function of one row is asked first."""
    assert not look(functions.perfect, dim).score.batched


def test_a_jitted_function_and_a_score_with_a_probe_are_taken_too():
    assert look(jax.jit(functions.perfect)).name == "perfect"
    assert look(nfl.scores.EL2N(nfl.Probe(0.3, 1.0))).name == "EL2N"


def test_atoms_are_found_with_their_mass():
    values = np.concatenate(
        [np.zeros(300), np.ones(100), np.random.default_rng(0).normal(size=600)]
    )
    assert atoms(values) == ((0.0, 0.3), (1.0, 0.1))
    found = look(functions.contradicts, model=nfl.models.Logistic(1.0))
    assert {atom.value for atom in found.atoms} == {0.0, 1.0}
    assert sum(atom.mass for atom in found.atoms) == pytest.approx(1.0)
