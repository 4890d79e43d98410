"""The figures: drawn from tables alone, the same bytes every time, legible in print."""

from itertools import product

import matplotlib as mpl
import numpy as np
import pytest

from experiments import fig2_linear_failure, fig7_scaling_law, style
from experiments.tables import from_rows

CURVES = [("Uniform", "KeepRandom", np.nan)]
CURVES += [("Leverage", rule, np.nan) for rule in fig2_linear_failure.RULES]
CURVES += product(("EL2N", "GraNd", "Uncertainty"), fig2_linear_failure.RULES, (0.1, 2.0))


def fig2_tables():
    points, lines, limits = [], [], []
    for score, rule, ratio in CURVES:
        name = {"score": score, "rule": rule, "probe_ratio": ratio}
        lines += [name | {"fraction": r, "limit": 0.3, "at_kept": 0.4} for r in (0.01, 0.1, 1.0)]
        limits.append(name | {"limit": 0.5})
        point = {
            "rule.fraction": 0.1,
            "largest": 1,
            "num_kept": 8,
            "dim": 2,
            "mean": 0.4,
            "sem": 0.01,
            "z": 0.5,
        }
        points.append(name | point)
    return {"points": from_rows(points), "lines": from_rows(lines), "limits": from_rows(limits)}


def fig7_tables():
    points, lines, crossovers = [], [], []
    for (score, rule), r in product(fig7_scaling_law.CURVES, (0.1, 0.5)):
        name = {"score": score, "rule": rule}
        lines += [
            name | {"fraction": r, "num_samples": n, "limit": 0.1, "value": 0.1 + 5 / n}
            for n in (100.0, 1000.0, 10000.0)
        ]
        crossovers.append(name | {"fraction": r, "crossover": 500.0})
        points.append(name | {"rule.fraction": r, "num_samples": 300, "mean": 0.12, "sem": 0.01})
    return {
        "points": from_rows(points),
        "lines": from_rows(lines),
        "crossovers": from_rows(crossovers),
    }


FIGURES = [(fig2_linear_failure, fig2_tables), (fig7_scaling_law, fig7_tables)]


@pytest.mark.parametrize(("module", "made"), FIGURES, ids=["fig2", "fig7"])
def test_figures_are_deterministic_and_legible(module, made):
    first, sizes, width = draw(module, made())
    second, _, _ = draw(module, made())
    assert first == second
    assert min(sizes) >= 7
    assert width <= style.TEXT_WIDTH
    assert b"Date" not in first["figure.pdf"]


def draw(module, found):
    with style.context():
        figure = module.plot(found)
        sizes = {text.get_fontsize() for text in figure.findobj(mpl.text.Text) if text.get_text()}
        width = figure.get_figwidth()
        return style.files(figure, "figure"), sizes, width


def test_every_score_has_its_own_colour_and_every_rule_its_own_look():
    assert len(set(style.SCORES.values())) == len(style.SCORES)
    assert len({rule["marker"] for rule in style.RULES.values()}) == len(style.RULES)
    assert len({str(rule["linestyle"]) for rule in style.RULES.values()}) == len(style.RULES)


def test_style_ignores_and_restores_the_settings_of_the_user():
    with mpl.rc_context({"font.size": 30.0}):
        with style.context():
            assert mpl.rcParams["font.size"] == style.RC["font.size"]
        assert mpl.rcParams["font.size"] == 30.0
