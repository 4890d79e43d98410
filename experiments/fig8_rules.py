"""Which rule, when: the limit and the variance of every kind of rule, for two probes.

A table of fig8 that the README quotes. All of it is theory: the same predictions are held against
simulations in the panels of the figure and in `verify`.
"""

from typing import TYPE_CHECKING, Any

from experiments import linear, problems

if TYPE_CHECKING:
    from experiments.fig8_calibration import Config

FLOOR = 0.5
PROBES = ("perfect", "imperfect")


def rows(config: "Config") -> list[dict[str, Any]]:
    """One row a rule and probe: excess risk of the limit, and C over that of random pruning."""
    import nfl_sim as nfl

    regime = nfl.FixedDimension(config.dim)
    found: list[dict[str, Any]] = []
    for probe, ratio in zip(PROBES, (0.0, config.probe_ratio), strict=True):
        rules = _rules(config, ratio)
        names = ("excess_risk", "finite_size", "numerical_error")
        values = problems.curve(list(rules.values()), regime, names)
        price = values["finite_size"][list(rules).index("KeepRandom")]
        for i, rule in enumerate(rules):
            limit = values["excess_risk"][i]
            found.append(
                {
                    "probe": probe,
                    "rule": rule,
                    "kept": config.fraction,
                    "limit": 0.0 if limit <= values["numerical_error"][i] else limit,
                    "variance_ratio": values["finite_size"][i] / price,
                }
            )
    return found


def _rules(config: "Config", probe_ratio: float) -> dict[str, Any]:
    """Every kind of rule by EL2N, at its best mixing if it has one; the best unbiased one too."""
    import nfl_sim as nfl

    def build(rule: str) -> Any:
        rest = {"probe_ratio": probe_ratio, "signal": 1.0, "noise_std": 1.0}
        return linear.problem("EL2N", rule, config.fraction, **rest)

    def unbiased(floor: float) -> Any:
        best = nfl.OptimalUnbiased.at(random.score.probe, config.fraction, floor)
        return nfl.Problem(random.model, best.score, best.rule, random.learner)

    random = build("KeepRandom")
    half = problems.calibrated(random, "ExactCalibration", mixing=0.5, hardest=True)
    mixing = nfl.optimal_mixing(half, nfl.FixedDimension(config.dim)).mixing
    found = {rule: build(rule) for rule in ("KeepRandom", "KeepHardest", "KeepEasiest")}
    for rule in ("SoftCalibration", "ExactCalibration"):
        found[rule] = problems.calibrated(random, rule, mixing=mixing, hardest=True)
    return found | {"OptimalUnbiased": unbiased(0.0), "with a floor": unbiased(FLOOR)}
