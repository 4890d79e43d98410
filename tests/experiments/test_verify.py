"""The harness of verify: it accepts honest scores and rejects dishonest ones."""

import numpy as np
import pytest

import nfl_sim as nfl
from experiments import (
    problems,
    verify,
    verify_calibration,
    verify_coins,
    verify_draws,
    verify_linear,
    verify_logistic,
    verify_same_sample,
)
from experiments.verdicts import Verdict
from nfl_sim.simulation.draws import plan

HONEST = np.random.default_rng(0).normal(size=46)


def fates(scores):
    return [verdict.verdict for verdict in verify.tests(scores)]


def test_honest_scores_pass():
    assert fates(HONEST) == ["agree", "agree"]


@pytest.mark.parametrize("scale", [0.4, 2.0])
def test_standard_errors_off_by_two_are_rejected(scale):
    assert fates(scale * HONEST)[0] == "disagree"


def test_one_bad_cell_among_many_is_rejected():
    scores = 0.9 * HONEST
    scores[7] = 5.0
    assert fates(scores)[1] == "disagree"


def test_a_cell_without_a_score_is_rejected():
    assert fates([*HONEST, float("nan")]) == ["disagree", "disagree"]


def test_the_linear_table_covers_what_it_promises():
    cases = verify_linear.CASES
    assert len(cases) >= 40
    assert len(set(cases)) == len(cases)
    assert {c.score for c in cases} == {"EL2N", "GraNd", "Uncertainty", "Leverage", "Uniform"}
    assert {c.rule for c in cases} == {"KeepHardest", "KeepEasiest", "KeepRandom"}
    assert {c.exact for c in cases} == {True, False}
    assert min(c.dim for c in cases) == 1
    assert any(c.penalty > 0 for c in cases)


def test_the_logistic_table_covers_what_it_promises():
    cases = verify_logistic.CASES
    assert len(cases) >= 40
    assert len(set(cases)) == len(cases)
    scores = {"EL2N", "Loss", "Margin", "GraNd", "Uncertainty", "Leverage", "Uniform"}
    assert {c.score for c in cases} == scores
    assert {c.rule for c in cases} == {"KeepHardest", "KeepEasiest", "KeepRandom"}
    assert {c.dim for c in cases} >= {1, 8}
    for name in ("penalty", "flip"):
        assert {getattr(c, name) > 0 for c in cases} == {True, False}


def test_the_calibrated_table_covers_what_it_promises():
    cases = verify_calibration.CASES
    assert len(cases) >= 30
    assert len(set(cases)) == len(cases)
    kinds = {(c.model, c.rule, c.hardest) for c in cases}
    assert len(kinds) == 8
    scores = {"EL2N", "Loss", "Margin", "GraNd", "Uncertainty", "Leverage"}
    assert {c.score for c in cases} == scores
    assert {c.penalty > 0 for c in cases} == {True, False}


def test_the_table_of_fitted_probes_covers_what_it_promises():
    cases = verify_same_sample.CASES
    assert len(set(cases)) == len(cases) >= 16
    probes = {"SameSample", "Fresh", "Subsample", "CrossFit", "Iterated"}
    assert {c.probe.removesuffix("Probe") for c in cases} == probes
    assert {c.rule for c in cases} == {"KeepHardest", "KeepEasiest", "KeepRandom"}
    assert {(c.model, c.exact > 0) for c in cases} == {
        ("Linear", True),
        ("Linear", False),
        ("Logistic", False),
    }
    assert {c.penalty > 0 for c in cases} == {True, False}


def test_the_table_of_coins_covers_what_it_promises():
    cases = verify_coins.CASES
    assert len(set(cases)) == len(cases) >= 12
    assert len({(c.model, c.reweight) for c in cases}) == 4
    assert {c.score for c in cases} == {"EL2N", "Loss", "GraNd", "Influence", "Leverage"}
    assert {c.floor > 0 for c in cases} == {True, False}
    for case in cases:
        bounded = case.floor > 0.0 or case.angle == 0.0 or case.exponent < 1.0
        exempt = case.model == "Logistic" or case.score == "Leverage" or not case.reweight
        assert bounded or exempt, "an infinite variance"


def test_the_table_of_draws_covers_what_it_promises():
    cases = verify_draws.CASES
    assert len(set(cases)) == len(cases) >= 30
    assert {c.model for c in cases} == {"Linear", "Logistic", "Perceptron"}
    levels = {
        plan(verify_draws.problem(case), case.dim, verify_draws.NUM_SAMPLES, method).level
        for case in cases
        for method in case.methods
    }
    assert levels == {"rows", "projections", "kept", "pseudo-rows", "scalars"}


def test_contrasts_are_uncorrelated_and_of_unit_variance():
    """20000 triples of one mean; false alarm 1e-6."""
    sems = np.array([1.0, 0.5, 2.0])
    draws = sems * np.random.default_rng(1).normal(size=(20_000, 3))
    z = np.array([[(m - b) / s for b, m, s in verify_draws.contrasts(d, sems)] for d in draws])
    assert np.abs(np.cov(z.T) - np.eye(2)).max() < 5 * np.sqrt(2 / 20_000)


def test_logistic_cells_keep_enough_samples_to_have_a_student():
    for case in verify_logistic.CASES:
        kept = [case.fraction * size for size in case.sizes]
        assert kept[0] >= (60 if case.penalty == 0 else 20) * case.dim
        assert 1000 <= kept[-1] <= 5000


def test_logistic_cells_without_a_penalty_have_a_student_in_the_limit():
    for case in verify_logistic.CASES:
        if case.penalty == 0.0 and case.score not in problems.PROBELESS:
            problem = verify_logistic.problem(case)
            edge = nfl.separability_fraction(problem, nfl.FixedDimension(case.dim))
            assert case.fraction > 1.05 * float(edge), case


class Lab:
    """Hands out verdicts from a list of scores, one list a seed."""

    def __init__(self, scores, seed=0):
        self.scores, self.seed = scores, seed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def reseeded(self, seed):
        return Lab(self.scores[1:], seed)

    def start(self, cells):
        pass


@pytest.fixture
def judged(monkeypatch):
    def judge(config, lab):
        found = [Verdict("c", 0.0, z, 1.0, z, "agree") for z in lab.scores[0]]
        return [*found, *verify.tests(lab.scores[0])]

    monkeypatch.setattr(verify, "judge", judge)
    monkeypatch.setattr(verify, "cells", lambda config: [])
    monkeypatch.setattr(verify, "statements", lambda config, lab: [])


def test_a_green_run_is_not_repeated(judged):
    result = verify.compute(verify.Config(), Lab([HONEST]))
    assert set(result.tables) == {"first"}


def test_a_red_run_is_repeated_once_and_both_are_reported(judged):
    result = verify.compute(verify.Config(), Lab([3 * HONEST, HONEST]))
    assert set(result.tables) == {"first", "second"}
    assert not verify.is_red(result.verdicts)
    assert any(v.claim.startswith("first run") for v in result.verdicts)


def test_a_run_that_is_red_twice_is_red(judged):
    assert verify.is_red(verify.compute(verify.Config(), Lab([3 * HONEST, 3 * HONEST])).verdicts)
