"""One style for all figures: a score is a colour, a rule is a line style and a marker.

Theory is a line, simulation a point with an error bar. Sizes are final: a figure is printed at
its own width, so that a font size here is the font size on paper.
"""

import io
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEXT_WIDTH = 6.5  # inches
SIGMAS = 2.0

# Okabe & Ito: told apart also with a colour vision deficiency
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
BROWN = "#7A5230"
INDIGO = "#332288"
GREY = "#7F7F7F"

SCORES = {
    "EL2N": VERMILION,
    "GraNd": BLUE,
    "Uncertainty": GREEN,
    "Leverage": PURPLE,
    "Loss": ORANGE,
    "Margin": SKY,
    "Influence": BROWN,
    "Uniform": BLACK,
    "RowScore": INDIGO,
}
RULES: dict[str, dict[str, Any]] = {
    "KeepHardest": {"linestyle": "-", "marker": "^"},
    "KeepEasiest": {"linestyle": (0, (4, 1.5)), "marker": "v"},
    "KeepRandom": {"linestyle": (0, (1, 1.2)), "marker": "o"},
    "SoftCalibration": {"linestyle": (0, (4, 1, 1, 1)), "marker": "s"},
    "ExactCalibration": {"linestyle": (0, (8, 1.5)), "marker": "D"},
    "ImportanceSampling": {"linestyle": (0, (4, 1, 1, 1, 1, 1)), "marker": "p"},
}
RULE_NAMES = {
    "KeepHardest": "hardest",
    "KeepEasiest": "easiest",
    "KeepRandom": "random",
    "SoftCalibration": "soft",
    "ExactCalibration": "exact",
    "ImportanceSampling": "best unbiased:",
}

RC: dict[Any, Any] = {
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "mathtext.fontset": "dejavusans",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "svg.hashsalt": "nfl_sim",
    "pdf.fonttype": 42,
    "path.simplify": False,
}


def context() -> AbstractContextManager[None]:
    """The style, for the time of a with-block, whatever the user's own settings."""
    import matplotlib as mpl

    mpl.use("agg")
    return mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg", **RC})


def theory(axes: "Axes", x: Any, y: Any, *, score: str, rule: str, **options: Any) -> None:
    """A theory line."""
    line = {"color": SCORES[score], "linestyle": RULES[rule]["linestyle"]}
    axes.plot(x, y, **(line | options))


def measured(
    axes: "Axes", x: Any, y: Any, sem: Any, *, score: str, rule: str, **options: Any
) -> None:
    """Simulated points with error bars of two standard errors."""
    look = {
        "color": SCORES[score],
        "marker": RULES[rule]["marker"],
        "linestyle": "none",
        "markerfacecolor": "white",
        "markeredgewidth": 0.9,
        "elinewidth": 0.8,
        "zorder": 3,
    }
    axes.errorbar(x, y, yerr=SIGMAS * sem, **(look | options))


def letter(figure: "Figure", x: float, y: float, name: str) -> None:
    """The letter of a panel, in figure coordinates of its upper left corner."""
    figure.text(x, y, name, fontsize=9, fontweight="bold", ha="left", va="top")


def curve_name(score: str, rule: str) -> str:
    """How a legend calls a curve."""
    return "random" if rule == "KeepRandom" else f"{RULE_NAMES[rule]} {score}"


def files(figure: "Figure", name: str) -> dict[str, bytes]:
    """The figure as PDF, SVG and PNG; the same figure gives the same bytes."""
    import matplotlib.pyplot as plt

    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}
    content: dict[str, bytes] = {}
    for kind, metadata in undated.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=200)
        content[f"{name}.{kind}"] = buffer.getvalue()
    plt.close(figure)
    return content
