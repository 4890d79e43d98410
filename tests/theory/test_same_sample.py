"""Probes fitted on the sample: the reference table, identities, limits, and what is refused."""

import functools
import json
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores
from nfl_sim.scores import Feature, PointwiseScore
from nfl_sim.theory.linear import quadrature_refinement
from nfl_sim.theory.linear.same_sample import is_even, respond
from tests.agreement import CRITICAL
from tests.strategies import fractions

TABLE = json.loads((Path(__file__).parents[1] / "data" / "same_sample.json").read_text())
RULES = {"hard": pruning.KeepHardest, "easy": pruning.KeepEasiest}
SAME = nfl.SameSampleProbe()


def rows(kind):
    return [(row["params"], row["value"]) for row in TABLE if row["kind"] == kind]


def problem(side="hard", fraction=0.5, score=scores.EL2N, probe=SAME, penalty=0.0, noise_std=1.0):
    model, learner = models.Linear(1.0, noise_std), learners.Ridge(penalty)
    return nfl.Problem(model, score(probe), RULES[side](fraction), learner)


def coefficient(case, dim=3):
    """C in units of sigma^2 d / n."""
    prediction = nfl.predict(case, nfl.FixedDimension(dim))
    assert bool(prediction.converged)
    return float(prediction.finite_size) / (dim * float(case.model.noise_std) ** 2)


def close(found, expected, rtol=1e-9):
    np.testing.assert_allclose(float(found), expected, rtol=rtol)


FAMILY = {
    "same": SAME,
    "indep": scores.FreshProbe(1.0),
    "frac_half": scores.SubsampleProbe(0.5),
    "iterate3": scores.IteratedProbe(3),
}


@pytest.mark.parametrize(("params", "known"), rows("lin_C"))
def test_coefficients_of_the_table(params, known):
    side, fraction = params["side"], params["r"]
    for name, probe in FAMILY.items():
        close(coefficient(problem(side, fraction, probe=probe, noise_std=0.7)), known[name])
    oracle = problem(side, fraction, probe=nfl.Probe(0.0, 1.0))
    close(coefficient(oracle), known["oracle"])
    found = respond(oracle, 3, quadrature_refinement(oracle))
    close(found.debiased[0], known["debias"])
    close(found.by_teacher[1], known["kappa"])
    close(found.oracle[1] * (known["s"] / known["kappa"]) ** 2, known["s"])
    for name, probe in {"combine_indep": "indep", "combine_frac_half": "frac_half"}.items():
        together = combination(problem(side, fraction, probe=FAMILY[probe], noise_std=0.7))
        close(together.finite_size, 3 * 0.7**2 * known[name])
        close(together.debiased_size, 3 * 0.7**2 * known["debias"])
        close(together.debiasing[0], 1.0 / known["kappa"])
    fresh = combination(problem(side, fraction, probe=FAMILY["indep"]))
    close(fresh.weight, fraction / (1.0 + known["s"]))


def combination(case, dim=3):
    return nfl.probe_combination(case, nfl.FixedDimension(dim))


@pytest.mark.parametrize("score", [scores.EL2N, scores.GraNd, scores.Uncertainty])
def test_what_was_kept_adds_nothing_to_the_full_fit(score):
    """T15 at first order: the best combination with a probe of the same sample is the probe."""
    together = combination(problem("easy", 0.4, score))
    assert abs(float(together.weight)) < 1e-9
    close(together.finite_size, 3.0)


def test_everything_kept_is_the_probe_again():
    together = combination(problem("easy", 1.0))
    close(together.finite_size, 3.0)
    close(together.debiased_size, 3.0)


def test_a_traced_penalty_that_is_none_gives_numbers_and_another_nan():
    def least(penalty):
        return combination(problem("hard", 0.3, penalty=penalty)).finite_size

    close(jax.jit(least)(0.0), 3.0)
    assert np.isnan(jax.jit(least)(0.1))


def test_a_combination_of_one_dimension_has_one_axis():
    case = problem("hard", 0.3, probe=scores.FreshProbe(2.0))
    close(combination(case, 1).finite_size, combination(case, 5).finite_size / 5.0)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"probe": nfl.Probe(0.0, 1.0)}, "the probe Probe"),
        ({"probe": scores.CrossFitProbe(3)}, "the probe CrossFitProbe"),
        ({"score": scores.Margin}, "the score Margin"),
        ({"penalty": 0.1}, "a penalty"),
    ],
)
def test_combinations_that_are_not_known_are_refused_by_name(broken, named):
    with pytest.raises(nfl.NoTheoryError, match=named):
        combination(problem("hard", 0.3, **broken))


@pytest.mark.parametrize(("params", "known"), rows("lin_C_grand"))
def test_grand_of_the_table(params, known):
    case = problem(params["side"], params["r"], scores.GraNd)
    close(coefficient(case, params["d"]), known["C"])
    oracle = problem(params["side"], params["r"], scores.GraNd, nfl.Probe(0.0, 1.0))
    close(coefficient(oracle, params["d"]), known["C_oracle"])


@pytest.mark.parametrize(("params", "known"), rows("lin_prop"))
def test_proportional_limits_of_the_table(params, known):
    case = problem(params["side"], params["r"])
    regime = nfl.Proportional(float(params["gamma"]))
    found = nfl.predict(case, regime)
    close(found.excess_risk, known["same"])
    close(float(found.norm) ** 2 - 1.0, known["same"])
    close(nfl.predict(problem(params["side"], 1.0), regime).excess_risk, known["full"])
    grand = nfl.predict(problem(params["side"], params["r"], scores.GraNd), regime)
    close(grand.excess_risk, known["same"])


@pytest.mark.parametrize(("params", "known"), rows("lin_prop_general"))
def test_what_is_only_heuristic_is_refused(params, known):
    penalty, portion = params.get("lam2", 0.0), params.get("phi", 1.0)
    probe = SAME if portion == 1.0 else scores.SubsampleProbe(portion)
    case = problem(params["side"], params["r"], probe=probe, penalty=penalty)
    with pytest.raises(nfl.NoTheoryError, match=r"limit for (a penalty|Subsample)"):
        nfl.predict(case, nfl.Proportional(float(params["gamma"])))


@pytest.mark.parametrize(("params", "known"), rows("lin_exact"))
def test_exact_means_of_the_table(params, known):
    """Theirs is a Monte Carlo mean over the share; false alarm 1e-6."""
    case = problem(params["side"], params["k"] / params["n"])
    found = nfl.predict(case, nfl.FiniteSample(params["d"], params["n"]))
    assert abs(float(found.excess_risk) - known["excess"]) < CRITICAL * known["mc_se"]
    everything = nfl.predict(problem("easy", 1.0), nfl.FiniteSample(params["d"], params["n"]))
    close(everything.excess_risk, known["full"])


def test_where_pruning_by_the_same_sample_ties_with_random():
    (_, known), *_ = rows("lin_crossover")
    regime = nfl.FixedDimension(4)
    for side in RULES:
        found = float(nfl.break_even_fraction(problem(side), regime))
        close(found, known[f"r_{side}"], rtol=1e-10)
        close(coefficient(problem(side, found)) * found, 1.0)
    close(known["r_hard"] + known["r_easy"], 1.0)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(3.0, 0.481), (5.0, 0.392), (10.0, 0.327), (30.0, 0.283), (100.0, 0.268)],
)
def test_where_they_tie_in_high_dimension(ratio, expected):
    regime = nfl.Proportional(ratio)
    found = float(nfl.break_even_fraction(problem("hard"), regime))
    assert round(found, 3) == expected
    random = nfl.Problem(
        models.Linear(1.0, 1.0), scores.EL2N(SAME), pruning.KeepRandom(found), learners.Ridge(0.0)
    )
    pruned = nfl.predict(problem("hard", found), regime).excess_risk
    close(nfl.predict(random, regime).excess_risk, float(pruned))


KINDS = {"same": SAME, "oracle": nfl.Probe(0.0, 1.0), "fresh": scores.FreshProbe(1e6)}


@functools.cache
def compiled(side, kind):
    regime, probe = nfl.FixedDimension(2), KINDS[kind]
    return jax.jit(lambda r: nfl.predict(problem(side, r, probe=probe), regime).finite_size / 2.0)


@given(fraction=fractions(1e-4))
def test_orderings(fraction):
    """1 <= C <= 1 + 1/(4 r^2); same < oracle iff hard; the hardest lose with any fresh probe."""
    hard, easy = (float(compiled(side, "same")(fraction)) for side in RULES)
    oracle = {side: float(compiled(side, "oracle")(fraction)) for side in RULES}
    room = 1e-12
    for found in (hard, easy):
        assert found >= 1.0 - room
        assert found - 1.0 <= 0.25 / fraction**2 + room
    assert hard <= oracle["hard"] * (1.0 + room)
    assert easy >= oracle["easy"]
    assert (hard <= easy + 1e-9) == (fraction >= 0.5 - 1e-9)
    assert float(compiled("hard", "fresh")(fraction)) >= hard * (1.0 - room)


def test_many_rounds_of_the_easiest_tend_to_least_trimmed_squares():
    """1/s: efficiency .0714 at r = 1/2."""
    found = coefficient(problem("easy", 0.5, probe=scores.IteratedProbe(160)))
    share = 0.5 * float(
        respond(problem("easy", 0.5, probe=nfl.Probe(0.0, 1.0)), 3, 1).by_teacher[0]
    )
    close(found, 1.0 / share)
    assert abs(share - 0.0714) < 1e-4


def test_label_free_scores_do_not_mind_the_probe():
    oracle = problem("hard", 0.3, scores.Uncertainty, nfl.Probe(0.0, 1.0))
    for probe in (SAME, scores.FreshProbe(0.3), scores.CrossFitProbe(2)):
        found = problem("hard", 0.3, scores.Uncertainty, probe)
        close(coefficient(found), coefficient(oracle))


class Own(PointwiseScore):
    """Even in the residual, as it sees the loss only: EL2N under another name."""

    sees: ClassVar[frozenset[Feature]] = frozenset({"loss"})
    probe: scores.AbstractProbe

    def __call__(self, view):
        return view.loss


def test_which_scores_are_even_in_the_residual():
    """Of the user's own: those that see the loss, the margin and the length only."""
    assert all(is_even(score(SAME)) for score in (scores.EL2N, scores.GraNd, scores.Loss, Own))
    assert not is_even(scores.Margin(SAME))


@pytest.mark.parametrize(("params", "known"), rows("lin_C_noise"))
def test_other_noise_of_the_table(params, known):
    """(s - 2 s G + G^2) / r^2 of Laplace noise: c, s and G in closed form."""
    assert params == {"noise": "laplace", "r": 0.5, "side": "hard"}
    rate, r = np.sqrt(2.0), params["r"]
    c = -np.log(r) / rate
    share = r * (c**2 + 2.0 * c / rate + 2.0 / rate**2)
    pull = c * rate * np.exp(-rate * c)
    close(c, known["c"])
    close(share, known["s"])
    close(pull, known["g"])
    close(share / r**2, known["oracle"])
    close((share - 2.0 * share * pull + pull**2) / r**2, known["same"])


def test_exact_calibration_does_not_mind_the_probe_either():
    rule, learner = pruning.ExactCalibration(0.4, 0.5), learners.Ridge(0.0)
    model = models.Linear(1.0, 1.0)
    same, oracle = (
        nfl.predict(nfl.Problem(model, scores.EL2N(p), rule, learner), nfl.FixedDimension(3))
        for p in (SAME, nfl.Probe(0.0, 1.0))
    )
    close(same.finite_size, float(oracle.finite_size))


def test_with_a_penalty_the_limit_is_that_of_the_shrunken_probe():
    found = nfl.predict(problem("hard", 0.3, penalty=0.5), nfl.FixedDimension(3))
    oracle = problem("hard", 0.3, probe=nfl.Probe(0.0, 1.0 / 1.5), penalty=0.5)
    close(found.excess_risk, float(nfl.predict(oracle, nfl.FixedDimension(3)).excess_risk))
    assert np.isnan(found.finite_size)


@pytest.mark.parametrize(
    ("case", "regime", "message"),
    [
        (problem(score=scores.GraNd), nfl.FiniteSample(3, 40), "exact finite-sample law for GraNd"),
        (problem(score=scores.Uncertainty), nfl.FiniteSample(3, 40), "law for Uncertainty"),
        (problem(probe=scores.CrossFitProbe(2)), nfl.FiniteSample(3, 40), "for CrossFitProbe"),
        (problem(penalty=0.1), nfl.FiniteSample(3, 40), "law for a penalty"),
        (problem(fraction=0.2), nfl.Proportional(4.0), r"sample_ratio > 1, got 0.8"),
        (problem(score=scores.Uncertainty), nfl.Proportional(4.0), "limit for Uncertainty"),
        (problem(probe=scores.IteratedProbe(2), penalty=0.1), nfl.FixedDimension(3), "penalty"),
    ],
)
def test_where_nothing_is_known(case, regime, message):
    with pytest.raises(nfl.NoTheoryError, match=message):
        nfl.predict(case, regime)


def test_no_direction_at_signal_0():
    silent = nfl.Problem(
        models.Linear(0.0, 1.0),
        scores.Uncertainty(SAME),
        pruning.KeepHardest(0.5),
        learners.Ridge(0.0),
    )
    with pytest.raises(nfl.NoTheoryError, match=r"signal 0 .* no limiting direction"):
        nfl.predict(silent, nfl.FixedDimension(3))


def test_too_few_rows_for_an_exact_mean():
    with pytest.raises(ValueError, match="SameSampleProbe needs 5 or more rows at dim=3, got num"):
        nfl.predict(problem(fraction=1.0), nfl.FiniteSample(3, 4))
    with pytest.raises(ValueError, match="infinite unless"):
        nfl.predict(problem(fraction=0.1), nfl.FiniteSample(3, 40))


ORACLES = {
    "small_fraction_limit": nfl.FixedDimension(3),
    "crossover_sample_size": nfl.FixedDimension(3),
}


@pytest.mark.parametrize("name", ORACLES)
def test_theory_of_a_fixed_probe_serves_no_other(name):
    with pytest.raises(nfl.NoTheoryError, match="SameSampleProbe: only for a fixed Probe"):
        getattr(nfl, name)(problem(), ORACLES[name])


def test_no_theory_for_a_perceptron_that_scores_its_own_sample():
    case = nfl.Problem(
        models.Perceptron(), scores.Margin(SAME), pruning.KeepEasiest(0.5), learners.MaxMargin()
    )
    with pytest.raises(nfl.NoTheoryError, match="Perceptron with SameSampleProbe"):
        nfl.predict(case, nfl.Proportional(4.0))


def test_predictions_can_be_differentiated_in_the_portion():
    def size(portion):
        case = problem("hard", 0.3, probe=scores.SubsampleProbe(portion))
        return nfl.predict(case, nfl.FixedDimension(1)).finite_size

    kappa = float(respond(problem("hard", 0.3, probe=nfl.Probe(0.0, 1.0)), 1, 1).by_teacher[0])
    slopes = jax.jit(jax.vmap(jax.grad(size)))(jnp.array([0.2, 0.5, 0.9]))
    expected = [-(((kappa - 1.0) / portion) ** 2) for portion in (0.2, 0.5, 0.9)]
    np.testing.assert_allclose(slopes, expected, rtol=1e-6)
