"""The table of proportional cells: it covers what it promises, and nothing in it is rounded."""

import math
from collections import Counter

import pytest

import nfl_sim as nfl
from experiments import problems, verify_proportional
from experiments.lab import Lab
from experiments.verify_proportional import CALIBRATIONS, CASES, SHARES
from nfl_sim.compare.proportional import rate_of


def test_the_table_covers_what_it_promises():
    assert len(CASES) >= 40
    assert len(set(CASES)) == len(CASES)
    sharp = {"KeepHardest", "KeepEasiest", "KeepRandom"}
    assert {c.rule for c in CASES} == sharp | set(CALIBRATIONS)
    calibrated = [c for c in CASES if c.rule in CALIBRATIONS]
    assert {c.model for c in calibrated} == {"Linear", "Logistic", "Perceptron"}
    assert {(c.rule, c.hardest) for c in calibrated} == {
        (rule, hardest) for rule in CALIBRATIONS for hardest in (True, False)
    }
    scores = {"EL2N", "Loss", "Margin", "GraNd", "Uncertainty", "Leverage", "Uniform"}
    assert {c.score for c in CASES if c.model != "Perceptron"} == scores
    assert {c.score for c in CASES if c.model == "Perceptron"} == {
        "Margin",
        "Uncertainty",
        "Uniform",
    }
    assert {c.ratio for c in CASES} == {1, 2, 4, 8}


def test_every_learner_meets_the_models_it_is_for():
    pairs = Counter((case.model, case.learner) for case in CASES)
    assert min(pairs.values()) >= 3
    assert set(pairs) == {
        ("Linear", "Ridge"),
        ("Logistic", "Ridge"),
        ("Perceptron", "Ridge"),
        ("Logistic", "LogisticRegression"),
        ("Perceptron", "LogisticRegression"),
        ("Perceptron", "Hinge"),
        ("Logistic", "Hinge"),
        ("Perceptron", "MaxMargin"),
    }
    noisy = {case.noise for case in CASES if case.model == "Perceptron"}
    assert noisy == {0.0, 0.1}
    assert all(case.noise == 0.0 for case in CASES if case.learner == "MaxMargin")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.model}-{case.score}")
def test_the_sizes_of_a_case_differ_in_dimension_alone(case):
    first, second, third = case.dims
    assert second / first == third / second == (4 if case.score == "Leverage" else 2)
    for dim in case.dims:
        kept = case.fraction * case.ratio * dim
        assert kept == nfl.num_kept(case.fraction, case.ratio * dim)
        assert math.log2(case.ratio * dim).is_integer()
        assert (case.mixing * kept).is_integer()


def test_students_without_a_penalty_have_samples_to_spare():
    """Of what could separate, or make the variance infinite, at the smallest dimension."""
    for case in CASES:
        if case.penalty == 0.0:
            factor = 1.5 if case.learner == "Ridge" else 2.0
            assert case.fraction * case.ratio >= factor * (1.0 if case.model == "Linear" else 2.28)


# Until the perceptron and its learners are there, their cells cannot be built.
BUILT = [
    case
    for case in CASES
    if hasattr(nfl.models, case.model) and hasattr(nfl.learners, case.learner)
]


@pytest.mark.parametrize("case", BUILT, ids=lambda case: f"{case.model}-{case.score}")
def test_problems_are_those_of_the_table(case):
    problem = verify_proportional.problem(case)
    names = (problem.model, problem.learner, problem.score, problem.rule)
    assert [type(part).__name__ for part in names] == [
        case.model,
        case.learner,
        case.score,
        case.rule,
    ]
    assert float(problem.rule.fraction) == case.fraction
    if case.rule in CALIBRATIONS:
        assert float(problem.rule.mixing) == case.mixing
        assert problem.rule.hardest is case.hardest
    assert float(getattr(problem.learner, "penalty", case.penalty)) == case.penalty
    noise = "noise_std" if case.model == "Linear" else "flip_probability"
    assert float(getattr(problem.model, noise)) == case.noise
    assert float(getattr(problem.model, "signal", case.signal)) == case.signal
    if case.score not in problems.PROBELESS:
        assert float(problem.score.probe.norm) == case.norm
    assert rate_of(problem) == (0.5 if case.score == "Leverage" else 1.0)


def test_cells_and_claims(monkeypatch):
    monkeypatch.setattr(verify_proportional, "CASES", tuple(BUILT))
    table = list(verify_proportional.cases(8))
    assert len({claim for claim, _, _ in table}) == len(BUILT)
    for case, (_, regime, cells) in zip(BUILT, table, strict=True):
        assert float(regime.sample_ratio) == case.ratio
        assert [cell.dim for cell in cells] == list(case.dims)
        assert [cell.num_samples for cell in cells] == [case.ratio * d for d in case.dims]
        assert [cell.num_replicates for cell in cells] == [8 * share for share in SHARES]


def test_provenance_names_all_dimensions(monkeypatch):
    monkeypatch.setattr(verify_proportional, "CASES", (CASES[0],))
    ((_, regime, cells),) = verify_proportional.cases(8)
    with Lab(None, 0) as lab:
        assert lab.provenance(regime, cells)["dim"] == "16;32;64"
        assert lab.provenance(regime, cells[:1])["dim"] == 16
