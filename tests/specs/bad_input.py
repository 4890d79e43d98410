"""Bad inputs as a user meets them: run as a script, without the type checker of the tests.

Prints json: for every case the type and the text of what it raised.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import nfl_sim as nfl

nan, inf = float("nan"), float("inf")


def linear(**fields: Any) -> nfl.models.Linear:
    return nfl.models.Linear(**({"signal": 1.0, "noise_std": 1.0} | fields))


def logistic(**fields: Any) -> nfl.models.Logistic:
    return nfl.models.Logistic(**({"signal": 1.0} | fields))


def problem(**parts: Any) -> nfl.Problem:
    sound = {
        "model": linear(),
        "score": nfl.scores.EL2N(nfl.Probe(angle=0.6, norm=1.0)),
        "rule": nfl.pruning.KeepHardest(0.5),
        "learner": nfl.learners.Ridge(0.0),
    }
    return nfl.Problem(**(sound | parts))


def simulate(key: Any = None, case: Any = None, **sizes: Any) -> nfl.Simulation:
    key = jax.random.key(0) if key is None else key
    sound = {"dim": 3, "num_samples": 20, "num_replicates": 2}
    return nfl.simulate(key, problem() if case is None else case, **(sound | sizes))


def one_dimensional(angle: float) -> nfl.Problem:
    return problem(score=nfl.scores.EL2N(nfl.Probe(angle=angle, norm=1.0)))


def keep(fraction: float, penalty: float = 0.0) -> nfl.Problem:
    return problem(rule=nfl.pruning.KeepHardest(fraction), learner=nfl.learners.Ridge(penalty))


RULES = {
    name: getattr(nfl.pruning, name)
    for name in ("BalancedVertex", "KeepHardest", "KeepEasiest", "KeepRandom")
}
Case = Callable[[], Any]


def joint() -> nfl.Problem:
    return problem(rule=nfl.pruning.BalancedVertex(0.5))


def balanced(size: int) -> Any:
    features = np.random.default_rng(0).normal(size=(7, 2))
    return nfl.pruning.balanced_subset(jax.random.key(0), features, size)


WITHOUT_FLOAT64: dict[str, tuple[Case, str]] = {
    "spec without float64": (linear, r"float64.*jax_enable_x64"),
    "probe without float64": (lambda: nfl.Probe(angle=0.0, norm=1.0), r"float64.*jax_enable_x64"),
}

CASES: dict[str, tuple[Case, str]] = {
    # fractions
    **{
        f"{name} fraction {bad}": (
            lambda rule=rule, bad=bad: rule(bad),
            rf"fraction must lie in \(0, 1\], got {bad}",
        )
        for name, rule in RULES.items()
        for bad in (0.0, -0.1, 1.5, nan, inf)
    },
    # scalar fields
    "negative signal": (lambda: linear(signal=-1.0), r"signal must lie in \[0, inf\), got -1.0"),
    "infinite signal": (lambda: linear(signal=inf), r"signal must lie in \[0, inf\), got inf"),
    "zero noise": (lambda: linear(noise_std=0.0), r"noise_std must lie in \(0, inf\), got 0.0"),
    "negative noise": (lambda: linear(noise_std=-2.0), r"noise_std must lie in .* got -2.0"),
    "nan noise": (lambda: linear(noise_std=nan), r"noise_std must lie in .* got nan"),
    "negative logistic signal": (lambda: logistic(signal=-1.0), r"signal must lie in .* got -1.0"),
    "more flips than not": (
        lambda: logistic(flip_probability=0.6),
        r"flip_probability must lie in \[0, 0.5\], got 0.6",
    ),
    "negative logistic penalty": (
        lambda: nfl.learners.LogisticRegression(-1.0),
        r"penalty must lie in \[0, inf\), got -1.0",
    ),
    "perceptron of more flips than not": (
        lambda: nfl.models.Perceptron(0.6),
        r"flip_probability must lie in \[0, 0.5\], got 0.6",
    ),
    "hinge without a penalty": (
        lambda: nfl.learners.Hinge(0.0),
        r"penalty must lie in \(0, inf\), got 0.0",
    ),
    "negative norm": (lambda: nfl.Probe(0.0, -0.5), r"probe norm must lie in .* got -0.5"),
    "nan angle": (lambda: nfl.Probe(nan, 1.0), r"probe angle must lie in \(-inf, inf\), got nan"),
    "negative penalty": (lambda: nfl.learners.Ridge(-1.0), r"penalty must lie in \[0, inf\), .*-1"),
    "vector signal": (lambda: linear(signal=jnp.ones(2)), r"signal must be a scalar.*\(2,\)"),
    "list penalty": (lambda: nfl.learners.Ridge([0.1, 0.2]), r"penalty must be a scalar.*\(2,\)"),
    "string signal": (lambda: linear(signal="one"), r"signal must be a real number, got 'one'"),
    "none noise": (lambda: linear(noise_std=None), r"noise_std must be a real number, got None"),
    "complex angle": (lambda: nfl.Probe(1j, 1.0), r"probe angle must be a real number, got 1j"),
    "nested norm": (lambda: nfl.Probe(0.0, {}), r"probe norm must be a real number, got \{\}"),
    # kinds
    "score as model": (lambda: problem(model=nfl.scores.Uniform()), r"model must be a Model, got"),
    "rule as score": (lambda: problem(score=nfl.pruning.KeepRandom(0.5)), r"score must be a Point"),
    "string rule": (
        lambda: problem(rule="hardest"),
        r"rule must be a PointwiseRule or a JointRule, got 'hardest'",
    ),
    "number learner": (lambda: problem(learner=0.1), r"learner must be a Learner, got 0.1"),
    "signs wanted": (
        lambda: problem(learner=nfl.learners.LogisticRegression(0.1)),
        r"LogisticRegression needs labels \+-1, which the model Linear does not have",
    ),
    **{
        f"signs wanted by {name}": (
            lambda learner=learner: problem(learner=learner()),
            rf"{name} needs labels \+-1, which the model Linear does not have",
        )
        for name, learner in {
            "Hinge": lambda: nfl.learners.Hinge(0.1),
            "MaxMargin": nfl.learners.MaxMargin,
        }.items()
    },
    "probe of a number": (lambda: nfl.scores.EL2N(probe=0.5), r"probe must be a Probe, got 0.5"),
    "simulate a model": (lambda: simulate(case=linear()), r"expected a Problem, got Linear"),
    "predict a model": (
        lambda: nfl.predict(linear(), nfl.FixedDimension(3)),
        r"expected a Problem, got Linear",
    ),
    "regime of a number": (lambda: nfl.predict(problem(), 3), r"expected a .*Dimension.*, got 3"),
    # counts
    "regime dim 0": (lambda: nfl.FixedDimension(0), r"dim must be an integer >= 1, got 0"),
    "regime dim 2.0": (lambda: nfl.FixedDimension(2.0), r"dim must be an integer >= 1, got 2.0"),
    "regime dim True": (lambda: nfl.FixedDimension(True), r"dim must be an integer >= 1, got True"),
    "regime no samples": (lambda: nfl.FiniteSample(3, 0), r"num_samples must be an .*1, got 0"),
    "dim 0": (lambda: simulate(dim=0), r"dim must be an integer >= 1, got 0"),
    "no samples": (lambda: simulate(num_samples=0), r"num_samples must be an integer >= 1, got 0"),
    "half a sample": (lambda: simulate(num_samples=20.5), r"num_samples must .*, got 20.5"),
    "one replicate": (lambda: simulate(num_replicates=1), r"num_replicates must .*>= 2, got 1"),
    "no memory": (lambda: simulate(memory_budget=0), r"memory_budget must .*>= 1, got 0"),
    "negative index": (
        lambda: nfl.replicate(jax.random.key(0), problem(), -1, dim=3, num_samples=20),
        r"index must be an integer >= 0, got -1",
    ),
    **{
        f"ceiling in dimension {bad}": (
            lambda bad=bad: nfl.theory.unbiased_ceiling(linear(), bad, 0.5),
            rf"dim must be an integer >= 1, or infinity, got {bad}",
        )
        for bad in (0, 2.5, -inf, nan)
    },
    # joint rules
    "prediction of a joint rule": (
        lambda: nfl.predict(joint(), nfl.FixedDimension(3)),
        r"no prediction for BalancedVertex, which chooses samples jointly",
    ),
    "exact mean of a joint rule": (
        lambda: nfl.predict(joint(), nfl.FiniteSample(3, 100)),
        r"no prediction for BalancedVertex, which chooses samples jointly",
    ),
    **{
        f"{name} of a joint rule": (
            lambda name=name: getattr(nfl, name)(joint(), nfl.FixedDimension(3)),
            r"for BalancedVertex, which chooses samples jointly",
        )
        for name in (
            "crossover_sample_size",
            "flip_fraction",
            "linear_influence",
            "optimal_mixing",
            "separability_fraction",
            "small_fraction_limit",
        )
    },
    "joint rule compared": (
        lambda: nfl.compare(
            nfl.predict(problem(), nfl.FixedDimension(3)), [simulate(case=joint(), num_samples=40)]
        ),
        r"nothing is predicted of BalancedVertex, which chooses samples jointly",
    ),
    "joint rule selecting by score": (
        lambda: nfl.select(jax.random.key(0), joint().rule, jnp.ones(9), 3),
        r"BalancedVertex chooses samples jointly; call its own select",
    ),
    "joint rule against an adversary": (
        lambda: nfl.theorems.adversary(
            nfl.scores.Uncertainty(nfl.Probe(0.0, 1.0)), joint().rule, 1.0
        ),
        r"needs a rule that never keeps some samples, got BalancedVertex",
    ),
    "fewer rows than sums": (
        lambda: simulate(case=joint(), dim=5, num_samples=30),
        r"21 sums can be balanced by 21 to 30 of 30 rows, got 15 to keep",
    ),
    "no row": (lambda: balanced(0), r"size must be an integer >= 1, got 0"),
    "more rows than there are": (lambda: balanced(8), r"by 3 to 7 of 7 rows, got 8 to keep"),
    "feature that is not finite": (
        lambda: nfl.pruning.balanced_subset(jax.random.key(0), np.full((7, 2), nan), 4),
        r"a feature to be balanced is not finite",
    ),
    # geometry
    "oblique probe in one dimension": (
        lambda: simulate(case=one_dimensional(0.6), dim=1),
        r"dim must be >= 2 unless the probe is collinear .*got dim=1 .*0.6",
    ),
    "oblique probe predicted in one dimension": (
        lambda: nfl.predict(one_dimensional(0.6), nfl.FixedDimension(1)),
        r"dim must be >= 2 unless the probe is collinear .*got dim=1 .*0.6",
    ),
    **{
        f"keep {kept} in dimension 4": (
            lambda kept=kept: simulate(case=keep(kept / 20), dim=4),
            rf"mean excess risk .* infinite .*\|num_kept - dim\| >= 2.*num_kept={kept} and dim=4",
        )
        for kept in (3, 4, 5)
    },
    "exact mean that is infinite": (
        lambda: nfl.predict(
            problem(score=nfl.scores.Uniform()), nfl.FiniteSample(dim=10, num_samples=20)
        ),
        r"infinite .*num_kept=10 and dim=10",
    ),
    # the ceiling
    **{
        f"ceiling at fraction {bad}": (
            lambda bad=bad: nfl.theory.unbiased_ceiling(linear(), 3, bad),
            rf"fraction must lie in \(0, 1\], got {bad}",
        )
        for bad in (0.0, 1.5, nan)
    },
    "ceiling for another view": (
        lambda: nfl.theory.unbiased_ceiling(linear(), 3, 0.5, sees="labels"),
        r"sees must be one of \('everything', 'residual', 'covariates'\), got 'labels'",
    ),
    "ceiling of a problem": (
        lambda: nfl.theory.unbiased_ceiling(problem(), 3, 0.5),
        r"model must be a Model, got Problem",
    ),
    "ceiling of a perceptron": (
        lambda: nfl.theory.unbiased_ceiling(nfl.models.Perceptron(), 3, 0.5),
        r"no ceiling for Perceptron; there is for Linear and Logistic",
    ),
    # the rest
    "raw key": (lambda: simulate(jax.random.PRNGKey(0)), r"key must be a typed key.*key\(0\), got"),
    "integer key": (lambda: simulate(0.5), r"key must be a typed key.*got 0.5"),
    "unknown method": (
        lambda: simulate(method="exact"),
        r"method must be one of \('auto', 'rows', 'conditional', 'sufficient'\), got 'exact'",
    ),
}


def attempt(case: Case) -> dict[str, Any]:
    try:
        case()
    except Exception as error:
        return {"refused": isinstance(error, ValueError), "type": type(error).__name__,
                "text": str(error)}  # fmt: skip
    return {"refused": False, "type": "nothing", "text": ""}


def main() -> None:
    found = {name: attempt(case) for name, (case, _) in WITHOUT_FLOAT64.items()}
    jax.config.update("jax_enable_x64", True)
    found |= {name: attempt(case) for name, (case, _) in CASES.items()}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
