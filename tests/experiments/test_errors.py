"""The error's own 1/n term: its derivatives, and what is made of simulated errors."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from experiments import errors
from experiments.lab import Cell
from nfl_sim.simulation import Estimate

STEP = 1e-4
TURNS = [np.array([0.7, -1.1]), np.array([-2.0, 0.3]), np.array([1.5, 0.0])]


@pytest.fixture(scope="module")
def model():
    jax.config.update("jax_enable_x64", True)
    return nfl.models.Logistic(2.0)


@pytest.mark.parametrize("student", TURNS)
@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_the_jet_of_the_error_is_that_of_the_model(model, student, angle):
    """By central differences of the exact error, in any frame, across the plane too."""
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = axes @ student
    jet = errors._error_jet(model.signal, jnp.asarray(axes[:, 0]), jnp.asarray(turned))

    moves = STEP * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    weights = np.column_stack([(turned + moves[:, :2]) @ axes, moves[:, 2]])
    here, *around = errors.exact(model, jnp.asarray(weights))
    ahead, behind = np.array(around[:3]), np.array(around[3:])
    slopes, bends = (ahead - behind) / (2 * STEP), (ahead - 2 * here + behind) / STEP**2
    np.testing.assert_allclose(slopes, [*jet.gradient, 0.0], atol=1e-6)
    np.testing.assert_allclose(bends, [*np.diag(jet.hessian), jet.perpendicular], atol=1e-5)


class Fake:
    """Replicates whose mean error is a given function of the size."""

    def __init__(self, mean, failed=0):
        self.mean, self.failed = mean, failed

    def provenance(self, regime, cells):
        return {}

    def simulate(self, cell):
        estimate = Estimate(self.mean(cell.num_samples), 1e-4, 100)
        return SimpleNamespace(
            problem=cell.problem,
            num_samples=cell.num_samples,
            num_kept=cell.num_samples // 2,
            num_replicates=100,
            failed={"separable": self.failed},
            excess_error=estimate,
        )


@pytest.fixture
def verdict(monkeypatch):
    monkeypatch.setattr(errors, "_theory", lambda simulation, regime: (0.2, 3.0))
    problem = SimpleNamespace()
    cells = [Cell(problem, 2, size, 100) for size in (100, 200, 400)]
    return lambda *lab: errors.judge(Fake(*lab), "claim", None, cells)


def test_the_right_limit_and_rate_agree_whatever_the_second_order(verdict):
    found = verdict(lambda n: 0.2 + 3.0 / n - 40.0 / n**2)
    assert found.verdict == "agree"
    assert found.measured == pytest.approx(0.2, abs=1e-12)


def test_a_wrong_limit_disagrees(verdict):
    assert verdict(lambda n: 0.202 + 3.0 / n).verdict == "disagree"


def test_many_failures_are_inconclusive(verdict):
    assert verdict(lambda n: 0.2 + 3.0 / n, 2).verdict == "inconclusive"
