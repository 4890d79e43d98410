"""T5 (b): two logistic processes of which a rule keeps the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores
from nfl_sim.theorems import Adversaries, NoFreeLunch, adversary, midpoint, risks, same_kept_law
from nfl_sim.theorems.logistic_pair import margin_mass
from nfl_sim.theorems.students import SIGNED_STUDENTS
from tests.theorems.problems import DIM, logistic

KEY = jax.random.key(4)
MODEL = models.Logistic(1.0)
PROBE = nfl.Probe(0.6, 1.3)
CASES = {
    "EL2N, hardest": (scores.EL2N(PROBE), pruning.KeepHardest(0.15)),
    "EL2N, easiest": (scores.EL2N(PROBE), pruning.KeepEasiest(0.3)),
    "Uncertainty, hardest": (scores.Uncertainty(PROBE), pruning.KeepHardest(0.3)),
    "Uncertainty, easiest": (scores.Uncertainty(PROBE), pruning.KeepEasiest(0.3)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def pair(case, size=1.0):
    return adversary(*case, size, model=MODEL)


@every_case
def test_what_is_kept_is_the_same_and_differs_only_where_nothing_may_be_kept(case):
    found = pair(case)
    rows = {sign: found.sample(KEY, sign, 4000, DIM) for sign in (1, -1)}
    kept = {sign: np.asarray(found.kept(*rows[sign])) for sign in rows}
    np.testing.assert_array_equal(kept[1], kept[-1])
    r = float(case[1].fraction)
    assert abs(np.sum(kept[1]) - 4000 * r) < 5.5 * np.sqrt(4000 * r * (1.0 - r))
    differ = np.asarray(rows[1][1] != rows[-1][1])
    assert np.any(differ)
    # Discarded whatever the label: with the other label as well.
    covariates, labels = rows[1]
    other = np.asarray(found.kept(covariates, -labels))
    lost = np.asarray(found.lost(covariates))
    np.testing.assert_array_equal(lost, ~kept[1] & ~other)
    assert not np.any(differ & ~lost)


def test_the_rule_is_that_of_the_problem():
    """The kept set of the pair is that of the score above the predicted threshold."""
    for name in ("EL2N, hardest", "Uncertainty, easiest"):
        case = CASES[name]
        found = pair(case)
        problem = nfl.Problem(MODEL, *case, learners.LogisticRegression(0.0))
        covariates, labels = found.sample(KEY, 1, 3000, DIM)
        values = np.asarray(nfl.score(KEY, problem, covariates, labels))
        level = float(nfl.predict(problem, nfl.FixedDimension(DIM)).threshold)
        above = values > level if found.hardest else values < level
        np.testing.assert_array_equal(above, np.asarray(found.kept(covariates, labels)))


@every_case
def test_kept_laws_are_one(case):
    """The test sees a distribution function off by 3.1 sqrt(2/m), here 0.05, with chance 0.9."""
    assert same_kept_law(pair(case), KEY, 30_000) > 1e-6


def test_the_same_test_sees_another_pull():
    """Unpruned, the two laws are not one."""
    found = pair(CASES["EL2N, hardest"])
    covariates, labels = found.sample(KEY, 1, 30_000, 2)
    others, signs = found.sample(jax.random.key(9), -1, 30_000, 2)
    first = np.asarray(labels * (covariates @ found.direction))
    second = np.asarray(signs * (others @ found.direction))
    assert stats.ks_2samp(first, second).pvalue < 1e-6


def test_the_pull_is_the_integral_that_it_is_defined_as():
    """By scipy's adaptive rule."""
    found = pair(CASES["EL2N, hardest"])
    probe, side = np.asarray(found.probe.direction), np.asarray(found.direction)

    def integrand(along, across, axis):
        place = along * probe + across * side
        shift = 1.0 / (1.0 + np.exp(abs(place[0])))
        return place[axis] * shift * np.exp(-0.5 * (along**2 + across**2)) / np.pi

    cut = float(found.cut)
    for axis in (0, 1):
        expected = integrate.dblquad(
            integrand, 0.0, 8.0, -cut, cut, args=(axis,), epsabs=1e-7, epsrel=1e-6
        )[0]
        assert float(found.shift[axis]) == pytest.approx(expected, abs=1e-6)


@every_case
def test_the_bound_is_the_mean_excess_of_the_midpoint(case):
    """By another route: losses on 400000 samples of each process, 5 sigma."""
    found = pair(case)
    gap = np.zeros(400_000)
    for sign in (1, -1):
        covariates, labels = found.sample(KEY, sign, len(gap), 2)
        best = np.asarray(covariates) @ found.best(sign, 2)
        loss = np.logaddexp(0.0, -np.asarray(labels * covariates[:, 0]))
        gap += 0.5 * (loss - np.logaddexp(0.0, -np.asarray(labels) * best))
    assert abs(np.mean(gap) - found.bound) < 5.0 * np.std(gap) / np.sqrt(len(gap))
    assert found.numerical_error < 1e-6 * found.bound


def test_the_process_is_a_model_that_can_be_simulated():
    """Random pruning escapes the bound, the rule does not: by the engine, and its own top-m."""
    found = adversary(scores.Uncertainty(PROBE), pruning.KeepEasiest(0.3), 1.0, model=MODEL)
    learner, worst = learners.LogisticRegression(0.0), {}
    for rule in (pruning.KeepEasiest(0.3), pruning.KeepRandom(0.3)):
        runs = [
            nfl.simulate(
                KEY,
                nfl.Problem(found.process(sign), found.score, rule, learner),
                dim=2,
                num_samples=2000,
                num_replicates=32,
            ).excess_risk
            for sign in (1, -1)
        ]
        worst[type(rule)] = max(runs, key=lambda run: run.mean)
    pruned, random = worst[pruning.KeepEasiest], worst[pruning.KeepRandom]
    assert pruned.mean + 5.0 * pruned.sem > found.bound
    assert random.mean + 5.0 * random.sem < 0.2 * found.bound


@pytest.mark.parametrize("name", list(SIGNED_STUDENTS))
def test_no_learner_beats_the_bound_and_random_pruning_escapes_it(name):
    found = pair(CASES["EL2N, hardest"])
    few = {"replicates": 8} if name == "network" else {"replicates": 32}
    pruned = risks(found, SIGNED_STUDENTS[name], KEY, dim=DIM, num_kept=120, **few)
    assert pruned.average > found.bound - 6.0 * pruned.sem
    if name == "logistic 0.001":
        free = risks(
            found, SIGNED_STUDENTS[name], KEY, dim=DIM, num_kept=600, replicates=32, random=True
        )
        assert free.worst + 6.0 * np.max(free.sems) < 0.5 * found.bound


def test_the_midpoint_attains_the_bound():
    found = pair(CASES["EL2N, easiest"])
    pruned = risks(found, midpoint(found), KEY, dim=DIM, num_kept=10, replicates=200)
    assert abs(pruned.average - found.bound) < 5.0 * pruned.sem
    assert pruned.sem < 0.01 * found.bound


def test_the_mean_label_is_what_it_says():
    found = pair(CASES["EL2N, hardest"], 0.7)
    covariates, labels = found.sample(KEY, -1, 200_000, 2)
    rest = np.asarray(labels - found.mean(covariates, jnp.asarray(-1.0)))
    lost = np.asarray(found.lost(covariates))
    side = np.sign(np.asarray(covariates @ found.direction))
    for weight in (lost * side, ~lost * np.asarray(covariates[:, 0]), np.ones(len(rest))):
        assert abs(np.mean(rest * weight)) < 5.5 * np.std(rest * weight) / np.sqrt(len(rest))


def test_the_theorems_hold_and_a_bound_too_tight_is_found_out():
    problem = logistic(scores.Uncertainty, pruning.KeepHardest(0.3))
    few = NoFreeLunch(students=("log-odds",))
    assert few.check(problem, DIM, KEY, draws=100_000).outcome == "holds"
    wrong = NoFreeLunch(scale=1.05, students=()).check(problem, DIM, KEY, draws=400_000)
    assert wrong.outcome == "violated", wrong
    assert Adversaries().check(problem, DIM, KEY, draws=400_000).outcome == "holds"
    assert Adversaries(scale=1.05).check(problem, DIM, KEY, draws=400_000).outcome == "violated"


def test_the_error_of_the_probe_is_where_no_input_is_lost():
    """0.358684 for |w0| = 1 and an angle of 0.6."""
    edge = margin_mass(MODEL, scores.EL2N(nfl.Probe(0.6, 1.0)), 0.0)
    assert edge == pytest.approx(0.358684, abs=1e-6)
    found = adversary(
        scores.EL2N(nfl.Probe(0.6, 1.0)), pruning.KeepHardest(0.357), 1.0, model=MODEL
    )
    assert 0.0 < found.cut < 0.01


@pytest.mark.parametrize(
    ("score", "rule", "size", "model", "match"),
    [
        (scores.EL2N(PROBE), pruning.KeepHardest(0.4), 1.0, MODEL, "must be < 0.3586"),
        (scores.EL2N(PROBE), pruning.KeepEasiest(0.7), 1.0, MODEL, "must be < 0.6413"),
        (scores.EL2N(PROBE), pruning.KeepHardest(0.1), 1.5, MODEL, "magnitude must lie in"),
        (scores.EL2N(nfl.Probe(0.0, 0.0)), pruning.KeepHardest(0.1), 1.0, MODEL, "null probe"),
        (
            scores.EL2N(PROBE),
            pruning.KeepHardest(0.1),
            1.0,
            models.Logistic(1.0, 0.2),
            "flip_probability must be 0",
        ),
    ],
)
def test_bad_input_is_named(score, rule, size, model, match):
    with pytest.raises(ValueError, match=match):
        adversary(score, rule, size, model=model)


def test_no_adversary_is_known_where_every_input_may_be_kept():
    found = NoFreeLunch().check(logistic(rule=pruning.KeepHardest(0.6)), DIM, KEY)
    assert found.outcome == "inconclusive"
    assert "'an adversary' cannot be told" in found.reason
