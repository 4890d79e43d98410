"""Logistic regression with a probe fitted on the sample: the reference table, and what is nan."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import expit

import nfl_sim as nfl
from nfl_sim import learners, models, pruning, scores
from tests.theory.test_same_sample import RULES, SAME, rows

SCORES = {"el2n": scores.EL2N, "entropy": scores.Uncertainty, "grand": scores.GraNd}
ERROR_UNIT = stats.norm.pdf(0.0) / 4.0


def predicted(params, probe=SAME, score=None, penalty=0.0, flips=0.0):
    problem = nfl.Problem(
        models.Logistic(float(params["beta"]), flips),
        (SCORES[params["score"]] if score is None else score)(probe),
        RULES[params["side"]](params["r"]),
        learners.LogisticRegression(penalty),
    )
    dim = 3 if params["d"] == "any" else params["d"]
    return nfl.predict(problem, nfl.FixedDimension(dim))


@pytest.mark.parametrize(("params", "known"), rows("logistic_fixed"))
def test_covariances_of_the_table(params, known):
    np.testing.assert_allclose(predicted(params).parallel, known["c"], rtol=1e-8)
    for name, probe in {"same": SAME, "indep": scores.FreshProbe(1.0)}.items():
        found = predicted(params, probe)
        expected = known[f"cov_{name}"] if f"cov_{name}" in known else known["cov_oracle"]
        np.testing.assert_allclose(np.diag(found.covariance)[:2], expected, rtol=1e-6)
        ang = known["ang"][name]
        unit = ERROR_UNIT * params["beta"] * (found.regime.dim - 1)
        np.testing.assert_allclose(nfl.direction_coefficient(found), unit * ang, rtol=1e-6)


def information(beta):
    """Of a direction across the teacher."""
    curvature = lambda s: expit(beta * s) * expit(-beta * s) * stats.norm.pdf(s)  # noqa: E731
    return integrate.quad(curvature, -12.0, 12.0)[0]


def test_the_closed_form_across_the_probe():
    """{eq-logistic-same}: H, D and E[.] by scipy, at two points and both sides."""
    for side, beta, r in (("hard", 1.0, 0.9), ("easy", 2.0, 0.9)):
        params = {"beta": beta, "r": r, "score": "el2n", "side": side, "d": 4}
        found = predicted(params)
        c, sign = float(found.parallel), 1.0 if side == "hard" else -1.0
        density = lambda s, b=beta: 2.0 * stats.norm.pdf(s) * expit(b * s)  # noqa: E731
        t = -np.log(float(found.threshold) ** -1 - 1.0) / -beta
        ends = (-12.0, t) if side == "hard" else (t, 12.0)

        def mean(g, ends=ends, density=density):
            return integrate.quad(lambda s: g(s) * density(s), *ends, epsabs=1e-13)[0]

        np.testing.assert_allclose(mean(lambda s: 1.0), r, rtol=1e-8)
        info = information(beta)
        hessian = mean(lambda s, c=c: expit(c * s) * expit(-c * s))
        turn = sign * density(t) * expit(-c * t) / beta
        cross = mean(lambda s, c=c, b=beta: expit(-c * s) * expit(-b * s))
        square = mean(lambda s, c=c: expit(-c * s) ** 2)
        expected = (square - 2.0 * turn * cross / info + turn**2 / info) / hessian**2
        np.testing.assert_allclose(found.covariance[2, 2], expected, rtol=1e-7)


def test_the_hardest_gain_and_the_easiest_lose_by_the_same_sample():
    params = {"beta": 2.0, "r": 0.8, "score": "el2n", "side": "hard", "d": 4}
    for side, order in (("hard", 1.0), ("easy", -1.0)):
        sided = params | {"side": side}
        same, oracle, fresh = (
            float(nfl.direction_coefficient(predicted(sided, p)))
            for p in (SAME, nfl.Probe(0.0, 2.0), scores.FreshProbe(1.0))
        )
        full = ERROR_UNIT * 2.0 * 3 * 1.6509673168679326
        assert order * (oracle - same) > 0.0
        assert fresh > oracle
        assert same > full


def test_label_free_scores_have_a_rate_too():
    params = {"beta": 2.0, "r": 0.5, "score": "entropy", "side": "hard", "d": 5}
    same, oracle = predicted(params), predicted(params, nfl.Probe(0.0, 2.0))
    np.testing.assert_allclose(same.finite_size, oracle.finite_size, rtol=1e-12)
    assert np.isnan(predicted(params | {"score": "el2n", "r": 0.8}).finite_size)


def test_the_limit_alone_is_known_with_a_penalty_or_flips():
    params = {"beta": 2.0, "r": 0.8, "score": "el2n", "side": "hard", "d": 3}
    with_flips = predicted(params, flips=0.1)
    norm = models.Logistic(2.0, 0.1).best_norm
    oracle = predicted(params, nfl.Probe(0.0, norm), flips=0.1)
    np.testing.assert_allclose(with_flips.excess_risk, oracle.excess_risk, rtol=1e-12)
    assert np.isnan(with_flips.finite_size)
    assert np.all(np.isnan(with_flips.covariance))
    penalised = predicted(params, penalty=0.1)
    assert bool(jnp.isfinite(penalised.excess_risk))
    assert np.all(np.isnan(penalised.covariance))


def test_what_is_heuristic_or_unknown_is_refused():
    params, _ = rows("logistic_prop")[0]
    model, learner = models.Logistic(float(params["beta"])), learners.LogisticRegression(0.0)
    problem = nfl.Problem(model, scores.EL2N(SAME), RULES[params["side"]](params["r"]), learner)
    with pytest.raises(nfl.NoTheoryError, match="Logistic with SameSampleProbe in Proportional"):
        nfl.predict(problem, nfl.Proportional(float(params["gamma"])))
    with pytest.raises(nfl.NoTheoryError, match="IteratedProbe of more than one round"):
        predicted(params | {"score": "el2n", "d": 3}, scores.IteratedProbe(2))
    with pytest.raises(nfl.NoTheoryError, match="signal 0"):
        predicted({"beta": 0.0, "r": 0.8, "score": "el2n", "side": "hard", "d": 3})
    linear = nfl.Problem(
        models.Linear(1.0, 1.0),
        scores.EL2N(SAME),
        pruning.KeepHardest(0.5),
        learners.Ridge(0.0),
    )
    with pytest.raises(nfl.NoTheoryError, match="direction coefficient"):
        nfl.direction_coefficient(nfl.predict(linear, nfl.FixedDimension(3)))
