"""Verdicts by simulation, held against theory where there is theory."""

import json
import math

import jax
import numpy as np
import pytest
from scipy import stats

import nfl_sim as nfl
from nfl_sim.assess.criterion import measure
from nfl_sim.assess.inspection import bare_problem, inspect_score
from tests.assess import functions

LINEAR, LOGISTIC = nfl.models.Linear(1.0, 1.0), nfl.models.Logistic(1.0)
FRACTIONS = (0.2, 0.5)
DIM = 2
PROBE = nfl.Probe(angle=math.atan2(0.15, 1.0), norm=math.hypot(1.0, 0.15))


def criterion(model, function, dim=DIM, *, resolution=0.05, budget=2**19, fractions=FRACTIONS):
    ready = inspect_score(jax.random.key(1), model, function, dim).score
    return measure(
        jax.random.key(2),
        bare_problem(model, ready),
        dim,
        fractions,
        resolution=resolution,
        false_alarm=1e-6,
        start=2**17,
        budget=budget,
    )


def words(found):
    return [push.validity for push in found.pushes]


CONSISTENT = {
    "the teacher's residual": (LINEAR, functions.perfect),
    "leverage": (LINEAR, functions.length),
    "leverage of signs": (LOGISTIC, functions.length),
    "rounded leverage, with atoms": (LINEAR, functions.rounded),
    "the label of signs, without intercept": (LOGISTIC, functions.label),
}
INCONSISTENT = {
    "EL2N": (LINEAR, functions.el2n),
    "the label": (LINEAR, functions.label),
    "rounded residuals, with atoms": (LINEAR, functions.rounded_residual),
    "EL2N of signs": (LOGISTIC, functions.perfect),
    "contradicting the teacher": (LOGISTIC, functions.contradicts),
}


@pytest.mark.parametrize("case", CONSISTENT.values(), ids=CONSISTENT)
def test_nothing_pushes_under_a_consistent_score(case):
    assert words(criterion(*case)) == ["valid", "valid"]


@pytest.mark.parametrize("case", INCONSISTENT.values(), ids=INCONSISTENT)
def test_an_inconsistent_score_pushes(case):
    found = criterion(*case, fractions=(0.2, 0.8))
    assert words(found) == ["invalid", "invalid"]


def test_the_label_is_valid_at_one_half_by_symmetry():
    """(x, y) and (-x, -y) are alike: the push of the upper half is minus that of the lower one."""
    assert words(criterion(LINEAR, functions.label)) == ["invalid", "valid"]


@pytest.mark.parametrize("hard", [True, False])
def test_the_push_is_that_of_theory(hard):
    """b = 2 A (w_inf - w*) for square loss, A from the slab of EL2N; within 5.5 errors."""
    angle, norm = float(PROBE.angle), float(PROBE.norm)
    offset = np.array([1.0 - norm * np.cos(angle), -norm * np.sin(angle)])
    along = offset / np.linalg.norm(offset)
    rule = nfl.pruning.KeepHardest if hard else nfl.pruning.KeepEasiest
    problem = nfl.Problem(LINEAR, nfl.scores.EL2N(PROBE), rule(0.2), nfl.learners.Ridge(0.0))
    found = measure(
        jax.random.key(4), problem, DIM, (0.2,), resolution=0.05, false_alarm=1e-6,
        start=2**17, budget=2**17,
    ).pushes[0]  # fmt: skip
    limit = nfl.predict(problem, nfl.FixedDimension(DIM))
    deviation = np.array([float(limit.parallel) - 1.0, float(limit.orthogonal)])
    square = float(offset @ offset)
    cut = stats.norm.ppf(0.6) if not hard else stats.norm.isf(0.1)
    kappa = 1.0 + cut * stats.norm.pdf(cut) / 0.1 if hard else 1.0 - cut * stats.norm.pdf(cut) / 0.1
    stretch = np.eye(2) + (kappa - 1.0) * square / (square + 1.0) * np.outer(along, along)
    expected = -2.0 * stretch @ deviation
    assert np.all(np.abs(found.push - expected) < 5.5 * found.sems)


def test_what_cannot_be_decided_says_so():
    few = criterion(LINEAR, functions.length, resolution=1e-4, budget=2**17)
    assert set(words(few)) == {"cannot be decided"}
    assert few.pushes[0].reason == "the error exceeds the resolution"


def test_covariates_on_a_line_do_not_identify_the_student():
    """Keep x with x_2 = 0, to rounding: nothing pushes, and nothing is learned of w_2."""

    def slab(x, y):
        return -abs(x[1])

    found = criterion(LINEAR, slab, fractions=(1e-4,), resolution=3.0)
    assert found.pushes[0].reason == "the kept covariates do not identify the student"


def test_a_perceptron_has_no_gradient():
    found = criterion(nfl.models.Perceptron(), functions.length)
    assert set(words(found)) == {"cannot be decided"}
    assert found.draws <= 2**17 + 2**16
    assert found.pushes[0].composition["mean_norm"].value > found.whole["mean_norm"].value


def test_composition_is_that_of_the_kept():
    """The label of the upper fifth of N(0, 2), and |x| under a threshold at its quantile."""
    found = criterion(LINEAR, functions.label)
    kept = found.pushes[0].composition
    cut = stats.norm.isf(0.2)
    expected = math.sqrt(2.0) * stats.norm.pdf(cut) / 0.2
    assert kept["share_positive"].value == pytest.approx(1.0, abs=1e-12)
    # 5.5 standard errors of the sum, and as much for the threshold, which has 2**17 samples
    assert abs(kept["mean_label"].value - expected) < 11.0 * kept["mean_label"].sem
    assert abs(found.whole["share_positive"].value - 0.5) < 5.5 * found.whole["share_positive"].sem


def test_ties_are_told():
    atomic = criterion(LINEAR, functions.rounded).pushes[0]
    smooth = criterion(LINEAR, functions.length).pushes[0]
    assert 0.05 < atomic.tied < 0.95
    assert smooth.tied == 0.0


@pytest.fixture(scope="module")
def easiest():
    """EL2N as a plain function: the verdicts that `predict` gives must come out."""
    return nfl.assess(
        jax.random.key(5),
        LINEAR,
        functions.el2n,
        dim=DIM,
        rule="easiest",
        fractions=(0.5,),
        sizes=(64, 128, 256, 512),
        replicates=512,
        false_alarm=1e-6,
        budget=2**19,
    )


def theory(fraction):
    rule = nfl.pruning.KeepEasiest(fraction)
    return nfl.Problem(LINEAR, nfl.scores.EL2N(PROBE), rule, nfl.learners.Ridge(0.0))


def test_el2n_is_inconsistent(easiest):
    assert easiest.verdict == "inconsistent"
    assert easiest.name == "el2n"


def test_its_plateau_is_the_predicted_limit(easiest):
    """Within 5.5 standard errors, and told from 0."""
    for curve in easiest.curves:
        limit = float(nfl.predict(theory(curve.fraction), nfl.FixedDimension(DIM)).excess_risk)
        assert curve.plateau_found
        assert abs(curve.plateau - limit) < 5.5 * curve.plateau_sem
        assert curve.plateau_sem < 0.2 * limit


def test_its_crossover_is_the_predicted_one(easiest):
    """The bracket holds it, and the fitted curves cross there within 5.5 standard errors."""
    for curve in easiest.curves:
        regime = nfl.FixedDimension(DIM)
        known = float(nfl.crossover_sample_size(theory(curve.fraction), regime))
        found = curve.crossover
        assert found.kind == "bracketed"
        assert found.low < known <= found.high
        assert abs(found.estimate - known) < 5.5 * found.sem
        assert found.sem < 0.2 * known


def test_an_assessment_is_machine_readable_and_prints(easiest):
    tables = json.loads(easiest.to_json())
    assert tables["summary"][0]["verdict"] == "inconsistent"
    assert [row["fraction"] for row in tables["fractions"]] == [0.5]
    assert len(tables["points"]) == 2 * 4
    text = str(easiest)
    assert text.splitlines()[0] == "el2n on Linear, d=2, keeping the easiest: INCONSISTENT"
    assert max(map(len, text.splitlines()[:8])) < 140


BAD = {
    "fraction": ({"fractions": (0.5, 1.5)}, r"fractions must lie in \(0, 1\), got 1.5"),
    "no fractions": ({"fractions": ()}, r"fractions must lie in \(0, 1\), got none"),
    "dim": ({"dim": 0}, r"dim must be an integer >= 1, got 0"),
    "few sizes": ({"sizes": (100, 200)}, r"at least three different sizes.*got \(100, 200\)"),
    "small": ({"sizes": (8, 16, 32)}, r"n=8 samples keep 1 .* must be at least 91"),
    "replicates": ({"replicates": 2}, r"replicates must be an integer >= 16, got 2"),
    "alarm": ({"false_alarm": 2.0}, r"false_alarm must lie in \(0, 1\), got 2.0"),
    "resolution": ({"resolution": 0.0}, r"resolution must lie in \(0, inf\), got 0.0"),
    "budget": ({"budget": 10}, r"budget must be an integer >= 1000, got 10"),
}


@pytest.mark.parametrize(("options", "message"), BAD.values(), ids=BAD)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        nfl.assess(jax.random.key(0), LINEAR, functions.perfect, **options)
