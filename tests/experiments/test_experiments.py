"""The experiments themselves: what they simulate, and a tiny run from end to end."""

from dataclasses import replace
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import nfl_sim as nfl
from experiments import (
    cli,
    fig1_logistic_grand,
    fig2_linear_failure,
    fig3_logistic_failure,
    fig3_phases,
    fig4_frontier,
    fig4_perceptron_pareto,
    fig5_crossover,
    fig6_double_descent,
    fig7_scaling_law,
    fig8_calibration,
    linear,
    outputs,
    problems,
    verify,
)
from experiments.lab import Judgement, Lab, cell_key
from experiments.verdicts import Verdict, of_value
from nfl_sim.simulation import blocks
from nfl_sim.simulation.result import CAUSES, QUANTITIES, Moments


@pytest.mark.parametrize("ratio", [0.05, 0.5, 5.0])
def test_the_probe_errs_by_what_is_asked(ratio):
    problem = linear.problem(
        "EL2N", "KeepHardest", 0.1, probe_ratio=ratio, signal=1.0, noise_std=0.7
    )
    error = problem.score.probe.plane - np.array([1.0, 0.0])
    assert np.sum(error**2) == pytest.approx(ratio * 0.49, rel=1e-14)


@pytest.mark.parametrize("kept", [16, 77, 1024])
@pytest.mark.parametrize("fraction", [0.001, 0.07, 0.3, 1.0])
def test_samples_for_keeps_what_is_asked(kept, fraction):
    assert nfl.num_kept(fraction, problems.samples_for(kept, fraction)) == kept


def test_random_pruning_s_line_is_exact():
    problem = linear.problem(
        "Uniform", "KeepRandom", 0.25, probe_ratio=0.0, signal=1.0, noise_std=0.8
    )
    limit = nfl.predict(problem, nfl.FixedDimension(3))
    line = linear.approach(limit.excess_risk, limit.finite_size, 20, 0.25, 3)
    exact = nfl.predict(problem, nfl.FiniteSample(3, 80)).excess_risk
    assert float(line) == pytest.approx(float(exact), rel=1e-12)


MODULES = [
    fig1_logistic_grand,
    fig2_linear_failure,
    fig3_logistic_failure,
    fig4_perceptron_pareto,
    fig5_crossover,
    fig6_double_descent,
    fig7_scaling_law,
    fig8_calibration,
    verify,
]


@pytest.mark.parametrize("module", MODULES)
def test_no_two_cells_share_a_key(module):
    config = module.PRESETS["quick"]
    cells = {cell.identity: cell for cell in module.cells(config)}
    some = list(cells.values())[::7]
    keys = [str(cell_key(0, cell)) for cell in some]
    assert len(set(keys)) == len(some)
    assert keys[0] == str(cell_key(0, some[0]))
    assert keys[0] != str(cell_key(1, some[0]))


def test_fig2_puts_every_point_and_line_into_its_tables(monkeypatch):
    """With theory and simulation replaced, so that only the bookkeeping is tested."""
    count = len(fig2_linear_failure._grid(0.1, 6))
    flat = {"excess_risk": np.ones(count), "finite_size": np.ones(count)}
    monkeypatch.setattr(problems, "curve", lambda found, regime: flat)
    monkeypatch.setattr(nfl, "small_fraction_limit", lambda p, r: SimpleNamespace(excess_risk=2.0))

    class Fake:
        seed, row = 0, Lab.row

        def judge(self, claim, regime, cells):
            estimate = SimpleNamespace(mean=1.0, sem=0.1)
            one = SimpleNamespace(excess_risk=estimate, num_kept=5, failed={})
            return Judgement(
                None, [one for _ in cells], Verdict(claim, 1.0, 1.0, 0.1, 0.0, "agree")
            )

    config = replace(fig2_linear_failure.Config(), fractions=(0.1, 0.5), line_points=6)
    result = fig2_linear_failure.compute(config, Fake())
    curves = 1 + 3 * 2 * 3 + 2
    assert len(result.verdicts) == 2 * curves
    assert len(result.tables["lines"]["limit"]) == count * curves
    assert len(result.tables["limits"]["limit"]) == curves
    assert result.tables["points"]["largest"].sum() == 2 * curves
    assert len({v.claim for v in result.verdicts}) == 2 * curves


def test_fig7_runs_from_end_to_end_on_replicates_that_obey_the_theory(tmp_path, monkeypatch):
    two = (("Uniform", "KeepRandom"), ("EL2N", "KeepEasiest"))
    monkeypatch.setattr(fig7_scaling_law, "MODELS", ("linear",))
    monkeypatch.setattr(fig7_scaling_law, "CURVES", two)
    monkeypatch.setattr(fig7_scaling_law, "INVALID", two[1:])
    monkeypatch.setattr(blocks, "run_replicates", obedient)
    words = ["--fractions", "0.5", "--kept", "16", "32", "64", "--replicates", "64", "--dim", "2"]
    assert cli.main(["run", "fig7_scaling_law", *words, "--results", str(tmp_path)]) == 0
    (folder,) = outputs.stored(tmp_path, "fig7_scaling_law")
    found = outputs.read_tables(folder)
    assert {"points", "lines", "crossovers", "verdicts"} == set(found)
    claims = found["verdicts"]["claim"].tolist()
    assert sum(claim.startswith("E[excess]") for claim in claims) == 3
    assert sum(claim.startswith("plateau") for claim in claims) == 1
    assert (folder / "fig7_scaling_law.pdf").exists()


def test_fig1_shows_what_is_kept_and_where_training_leads(monkeypatch):
    """With theory replaced: the student trained on the hardest turns its back on the teacher."""
    limit = SimpleNamespace(parallel=jnp.asarray(-0.96), orthogonal=jnp.asarray(-0.3))
    for name in ("predict", "small_fraction_limit"):
        monkeypatch.setattr(nfl, name, lambda problem, regime: limit)
    config = fig1_logistic_grand.Config(shown=(1.0, 0.1), shown_kept=100)
    for index, fraction in enumerate(config.shown):
        samples, boundaries = fig1_logistic_grand._show(config, index)
        assert len(samples) == 100
        found = {row["which"]: row for row in boundaries}
        assert found["teacher"]["error"] == pytest.approx(0.325143, abs=1e-6)
        assert (found["student"]["error"] > 0.5) == (fraction < 1.0)
        assert found["limit"]["w1"] < 0.0


def test_fig3_visits_every_phase_and_every_score():
    config = fig3_logistic_failure.Config()
    points = list(fig3_logistic_failure._points(config))
    scores = {"EL2N", "Loss", "Margin", "GraNd", "Uncertainty", "Leverage", "Uniform"}
    assert {point.score for point in points} == scores
    assert all(point.fraction < 0.72 for point in points if point.penalty > 0)
    low, high = fig3_phases.asymptotes()
    assert low == pytest.approx(0.553, abs=1e-3)
    assert high == pytest.approx(1.361, abs=1e-3)


@pytest.mark.parametrize(
    ("fraction", "mean", "separable", "word"),
    [
        (0.1, np.nan, 1.0, "agree"),
        (0.1, np.nan, 0.8, "inconclusive"),
        (0.1, 1.0, 0.1, "disagree"),
        (0.3, -1.0, 0.0, "agree"),
        (0.3, 1.0, 0.0, "disagree"),
        (0.8, 1.0, 0.0, "agree"),
        (0.8, 0.01, 0.0, "inconclusive"),
    ],
)
def test_a_phase_is_judged_by_the_share_and_the_sign(fraction, mean, separable, word):
    row = {"rule.fraction": fraction, "model.signal": 1.0, "mean": mean, "sem": 0.1}
    row |= {"separable": separable, "num_replicates": 64}
    row |= dict.fromkeys(("seed", "dim", "num_samples"), 0)
    assert fig3_phases._verdict(row, 0.2, 0.5).verdict == word


def test_fig4_s_frontier_has_a_wall_or_a_law(monkeypatch):
    """With theory replaced by an error that is least at f = 0.2."""
    height = lambda angle, ratio, f: np.exp((np.log(f) - np.log(0.2)) ** 2) / ratio  # noqa: E731
    monkeypatch.setattr(fig4_frontier, "error", height)
    rows = fig4_frontier.frontier(fig4_perceptron_pareto.Config(frontier_ratios=(5.0, 10.0)))
    assert {row["fraction"] for row in rows if row["angle"] == 0.0} == {0.02}
    inner = [row["fraction"] for row in rows if row["angle"] > 0.0]
    np.testing.assert_allclose(inner, 0.2, rtol=0.1)
    assert np.isnan(fig4_frontier.law(0.0, 10.0))
    assert fig4_frontier.law(30.0, 10.0) == pytest.approx(0.02502444658887, rel=1e-12)


def test_fig6_s_lines_step_around_the_peak_and_come_close_to_it():
    config = fig6_double_descent.Config()
    kept = config.fraction * fig6_double_descent.ratios(config)
    gaps = np.abs(np.log(kept))
    assert 0.01 < gaps.min() < 0.03
    assert kept.min() < 1.0 < kept.max()


@pytest.mark.parametrize(("found", "word"), [(0.4544, "agree"), (0.4562, "disagree")])
def test_a_published_number_is_met_to_its_last_digit(found, word):
    assert of_value("a claim", 0.454, found, 5e-4).verdict == word


def obedient(key, problem, *, dim, num_samples, start, stop, **_):
    """Statistics as if every mean were what theory says, with a spread of a tenth of it."""
    limit = nfl.predict(problem, nfl.FixedDimension(dim))
    kept = nfl.num_kept(0.5, num_samples)
    mean = linear.approach(float(limit.excess_risk), float(limit.finite_size), kept, 0.5, dim)
    count, unknown = stop - start, np.full(len(QUANTITIES), np.nan)
    means, squares = unknown.copy(), unknown.copy()
    means[0], squares[0] = mean, count * (0.1 * mean) ** 2
    return Moments(count, means, squares, np.zeros(len(CAUSES), dtype=np.int64))
