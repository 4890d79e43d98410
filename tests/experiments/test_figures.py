"""The figures: drawn from tables alone, the same bytes every time, legible in print."""

from itertools import product

import matplotlib as mpl
import numpy as np
import pytest

from experiments import fig1_logistic_grand as fig1
from experiments import (
    fig2_linear_failure,
    fig3_logistic_failure,
    fig5_crossover,
    fig7_scaling_law,
    style,
)
from experiments import fig4_perceptron_pareto as fig4
from experiments import fig5_curves as fig5
from experiments import fig6_double_descent as fig6
from experiments import fig8_calibration as fig8
from experiments import fig9_no_free_lunch as fig9
from experiments import fig10_free_lunch as fig10
from experiments import fig11_same_sample as fig11
from experiments import fig12_information as fig12
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
    panels = product(fig7_scaling_law.MODELS, fig7_scaling_law.CURVES, (0.1, 0.5))
    for model, (score, rule), r in panels:
        name = {"model": model, "score": score, "rule": rule, "fraction": r}
        lines += [
            name | {"num_samples": n, "limit": 0.1, "value": 0.1 + 5 / n}
            for n in (100.0, 1000.0, 10000.0)
        ]
        crossovers.append(name | {"crossover": 500.0})
        points.append(name | {"num_samples": 300, "mean": 0.12, "sem": 0.01})
    return {
        "points": from_rows(points),
        "lines": from_rows(lines),
        "crossovers": from_rows(crossovers),
    }


def fig1_tables():
    samples, boundaries, points, lines = [], [], [], []
    for r in (1.0, 0.5, 0.2, 0.05):
        samples += [{"fraction": r, "x1": x, "x2": 1.0, "label": x} for x in (-1.0, 1.0)]
        boundaries += [
            {"fraction": r, "which": which, "w1": 1.0, "w2": w, "error": 0.5}
            for which, w in (("teacher", 0.0), ("student", np.nan), ("limit", -1.0))
        ]
    for (score, rule), r in product((fig1.RANDOM, fig1.GRAND), (0.5, 0.05)):
        name, limit = {"score": score, "rule": rule}, 0.1 * (score == "GraNd")
        values = {"limit": limit, "value": limit + 0.01}
        lines += [name | values | {"fraction": r, "num_kept": m} for m in (50.0, 500.0)]
        point = {"num_kept": 64, "mean": 0.1, "sem": 0.01, "num_replicates": 8}
        points += [name | point | {"rule.fraction": r, "failed": failed} for failed in (0, 3)]
    found = {"samples": samples, "boundaries": boundaries, "points": points, "lines": lines}
    return {name: from_rows(rows) for name, rows in found.items()}


def fig3_tables():
    points, lines = [], []
    names = [("Uniform", "KeepRandom", 0.0), ("EL2N", "KeepHardest", 0.0)]
    for score, rule, penalty in [*names, ("EL2N", "KeepHardest", 1e-4), ("EL2N", "KeepEasiest", 0)]:
        name = {"score": score, "rule": rule}
        for r, limit, size in ((0.1, np.inf, np.nan), (0.5, 0.3, 5.0), (1.0, 0.0, 5.0)):
            line = {"fraction": r, "penalty": penalty, "error": 0.4}
            lines.append(name | line | {"limit": limit, "finite_size": size})
        point = {"learner.penalty": penalty, "error": 0.4, "error_sem": 0.01, "mean": 0.3}
        point |= {"sem": 0.01, "num_replicates": 8, "num_samples": 64}
        points += [
            name | point | {"rule.fraction": r, "failed": f} for r, f in ((0.1, 8), (0.5, 0))
        ]
    mark = {"score": "EL2N", "rule": "KeepHardest", "r_sep": 0.2, "r_flip": 0.4}
    phases = [
        {"model.signal": 1.0, "rule.fraction": r, "separable": s, "mean": m}
        for r, s, m in ((0.1, 1.0, np.nan), (0.3, 0.0, -1.0), (0.8, 0.0, 1.0))
    ]
    share = {"r_sep": 0.2, "num_samples": 64, "rule.fraction": 0.2, "separable": 0.5}
    edges = [{"signal": s, "r_sep": 0.3 / s, "r_flip": 0.6 / s} for s in (0.5, 2.0)]
    found = {"points": points, "lines": lines, "marks": [mark], "phases": phases}
    found |= {"shares": [share | {"num_replicates": 8}], "boundaries": edges}
    return {name: from_rows(rows) for name, rows in found.items()}


def fig4_tables():
    points, lines, best, laws = [], [], [], []
    for angle, rule in product((0.0, 20.0), (fig4.HARD, fig4.EASY, fig4.RANDOM)):
        name = {"angle": angle, "rule": rule}
        for f, ratio in product((0.5, 0.1), (1.0, 10.0)):
            lines.append(name | {"fraction": f, "ratio": ratio, "error": f / (1.0 + ratio)})
        points.append(name | {"ratio": 5.0, "mean": 0.1, "sem": 0.01})
    for angle, ratio in product((0.0, 20.0), (3.0, 10.0)):
        where = {"angle": angle, "ratio": ratio}
        best.append(where | {"fraction": 0.1, "error": 0.01})
        laws.append(where | {"error": 0.1 / ratio if angle else np.nan})
    found = {"points": points, "lines": lines, "frontier": best, "laws": laws}
    return {name: from_rows(rows) for name, rows in found.items()}


def fig5_tables():
    plane, ties, laws, duels = [], [], [], []
    for angle in (0.0, 30.0):
        for k, (ratio, fraction) in enumerate(product((1.0, 10.0), (0.1, 0.5))):
            plane.append({"angle": angle, "ratio": ratio, "fraction": fraction, "winner": k % 3})
        for ratio in (1.0, 10.0):
            one, other = fig5.PAIRS[0]
            ties.append({"one": one, "other": other, "angle": angle, "ratio": ratio})
            ties[-1]["fraction"] = 0.4 / ratio
            laws.append({"angle": angle, "ratio": ratio, "fraction": 0.5 / ratio})
        duels.append({"angle": angle, "ratio": 3.0, "fraction": 0.3, "gap": 0.1, "sem": 0.01})
    found = {"plane": plane, "ties": ties, "laws": laws, "duels": duels}
    return {name: from_rows(rows) for name, rows in found.items()}


def fig6_tables():
    points, lines = [], []
    for kind, rule, penalty in product(fig6.SCORES, fig6.RULES, (0.0, 0.1)):
        name = {"kind": kind, "curve_rule": rule, "penalty": penalty}
        lines += [name | {"kept_ratio": x, "value": 0.3 / x} for x in (0.5, 0.9, 1.1, 4.0)]
        points.append(name | {"kept_ratio": 2.0, "mean": 0.15, "sem": 0.01})
    return {"points": from_rows(points), "lines": from_rows(lines)}


def fig8_tables():
    tables = {}
    settings = product(fig8.SETTINGS, (fig8.HARDEST, fig8.SOFT, fig8.EXACT), (0.1, 0.5))
    names = ("kind", "curve_score", "curve_rule", "curve_mixing")
    limits = [
        dict(zip(names, (*setting, rule, 0.4), strict=True)) | {"kept": r, "limit": 0.3}
        for setting, rule, r in settings
    ]
    tables["limit_lines"] = limits
    tables["limit_points"] = [row | {"limit_sem": 0.01} for row in limits]
    tables["variance_lines"] = [
        {"quality": 0.1, "mixing": a, "value": 0.8 + a} for a in (0.1, 0.4, 0.7)
    ]
    tables["variance_points"] = [
        {"quality": 0.1, "curve_mixing": 0.4, "variance": 1.2, "variance_sem": 0.1}
    ]
    tables["optima"] = [{"quality": 0.1, "mixing": 0.3, "value": 0.9, "bound": 0.6, "kept": 0.3}]
    curves = [("EL2N", fig8.EXACT), ("EL2N", fig8.SOFT), ("Uniform", fig8.RANDOM)]
    along = [
        dict(zip(names[1:], (*curve, 0.4), strict=True)) | {"size": size}
        for curve, size in product(curves, (10.0, 1000.0))
    ]
    tables["error_lines"] = [row | {"samples": row["size"], "value": 0.2} for row in along]
    tables["error_points"] = [
        row | {"num_samples": row["size"], "mean": 0.2, "sem": 0.02} for row in along
    ]
    tables["ratio_lines"] = [
        row | {"ratio": row["size"], "risk": 0.2, "bias": 0.1} for row in along
    ]
    tables["ratio_points"] = [
        row | {"risk_sem": 0.01, "bias_sem": 0.01} for row in tables["ratio_lines"]
    ]
    ceilings = product(("Linear", "Logistic"), ("ceiling", "calibration", "top"), (0.05, 0.5))
    tables["ceiling_lines"] = [
        {"kind": kind, "curve": curve, "label": np.inf, "kept": r, "gain": 1.5}
        for kind, curve, r in ceilings
    ]
    tables["ceiling_points"] = [{"kind": "Linear", "kept": 0.2, "gain": 1.4, "sem": 0.1}]
    return {name: from_rows(rows) for name, rows in tables.items()}


def fig9_tables():
    fractions, cases = (0.1, 0.9), fig9.CASES
    names = [
        {"curve_score": score, "curve_rule": rule, "kept": r}
        for (score, rule), r in product(cases, fractions)
    ]
    learners = (*fig9.LEARNERS, fig9.MIDPOINT, fig9.RANDOM)
    points = [
        name | {"learner": learner, "worst": 1.0, "sem": 0.1}
        for name, learner in product(names, learners)
    ]
    lines = [name | {"bound": 0.9} for name in names]
    return {"lines": from_rows(lines), "points": from_rows(points)}


def fig10_tables():
    sizes, names = (400, 1600, 6400), ("curve_score", "curve_rule")
    curves = [dict(zip(names, curve, strict=True)) for curve in fig10.LINEAR]
    rows = [curve | {"num_samples": n} for curve, n in product(curves, sizes)]
    signs = [{"curve": name, "num_samples": n} for name, n in product(fig10.SIGNS, sizes)]
    audits = [
        dict(zip(names, pair, strict=True)) | {"audits": n, "risk": 0.5**n, "bound": 0.5**n}
        for pair, n in product(fig10.PAIRS, (0.0, 1.0, 2.0))
    ]
    found = {
        "distances": [row | {"distance": 0.1, "sem": 0.01} for row in rows],
        "distance_lines": [row | {"distance": 0.1} for row in rows],
        "risks": [row | {"ratio": 2.0, "sem": 0.1} for row in rows],
        "risk_lines": [row | {"ratio": 2.0} for row in rows],
        "logistic": [row | {"distance": 0.1, "sem": 0.01} for row in signs],
        "audits": [row | {"sem": 0.01} for row in audits],
    }
    return {name: from_rows(rows) for name, rows in found.items()}


def fig11_tables():
    rows = [
        vars(curve) | {"fraction": r, "value": 1.0 / r, "sem": 0.1}
        for curve, r in product(fig11._curves(), (0.3, 0.9))
    ]
    return {"lines": from_rows(rows), "points": from_rows(rows)}


def fig12_tables():
    curves = product((fig12.HARDEST, fig12.EASIEST), (fig12.SQUARES, fig12.LIKELY), (0.1, 0.9))
    points = [
        {"curve_rule": rule, "learner": learner, "kept": r, "value": 1.0 / r, "sem": 0.1}
        for rule, learner, r in curves
    ]
    averages = [
        {"curve_score": score, "curve_rule": rule, "error": q, "risk": 0.1, "sem": 0.01}
        for (score, rule), q in product([*fig12.AVERAGED, ("bound", "bound")], (0.1, 1.0))
    ]
    found = {"lines": points, "points": points, "averages": averages, "average_lines": averages}
    return {name: from_rows(rows) for name, rows in found.items()}


FIGURES = [
    (fig1, fig1_tables),
    (fig2_linear_failure, fig2_tables),
    (fig3_logistic_failure, fig3_tables),
    (fig4, fig4_tables),
    (fig5_crossover, fig5_tables),
    (fig6, fig6_tables),
    (fig7_scaling_law, fig7_tables),
    (fig8, fig8_tables),
    (fig9, fig9_tables),
    (fig10, fig10_tables),
    (fig11, fig11_tables),
    (fig12, fig12_tables),
]


@pytest.mark.parametrize(
    ("module", "made"), FIGURES, ids=[made.__name__.removesuffix("_tables") for _, made in FIGURES]
)
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
