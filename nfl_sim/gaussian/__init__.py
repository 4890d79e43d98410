"""Gaussian integrals: truncated moments and quadrature. No pruning vocabulary below this line."""

from nfl_sim.gaussian.absolute import integrate_absolute
from nfl_sim.gaussian.chi_square import chi_square_cdf, chi_square_pdf
from nfl_sim.gaussian.inverse_sum import mean_inverse_square_sum
from nfl_sim.gaussian.kept_share import mean_share_pull
from nfl_sim.gaussian.logistic_normal import (
    half_normal_edges,
    half_normal_rule,
    mean_sigmoid,
    mean_softplus,
    softplus_curvature,
    softplus_divergence,
    softplus_slope,
)
from nfl_sim.gaussian.normal import cdf, interval_mean, interval_moments, log_cdf, pdf, tail_moments
from nfl_sim.gaussian.order_statistics import kept_mass_rule
from nfl_sim.gaussian.proximal import ConvexLoss, HingeLoss, LogisticLoss, SquareLoss
from nfl_sim.gaussian.quadrature import (
    Rule,
    chi_rule,
    clustered_rule,
    disc_rule,
    normal_rule,
    on_intervals,
    panel_nodes,
    polar_rules,
    polynomial_normal_rule,
    sphere_coordinate_rule,
    trapezoidal_normal_rule,
    unit_panels,
)
from nfl_sim.gaussian.radial import RadialMoments, radial_beyond, radial_moments
from nfl_sim.gaussian.roots import bisect, polish, solve_increasing
from nfl_sim.gaussian.sigmoid_pairs import sigmoid_moments
from nfl_sim.gaussian.slab import SlabMoments, slab_beyond, slab_moments

__all__ = [
    "ConvexLoss",
    "HingeLoss",
    "LogisticLoss",
    "RadialMoments",
    "Rule",
    "SlabMoments",
    "SquareLoss",
    "bisect",
    "cdf",
    "chi_rule",
    "chi_square_cdf",
    "chi_square_pdf",
    "clustered_rule",
    "disc_rule",
    "half_normal_edges",
    "half_normal_rule",
    "integrate_absolute",
    "interval_mean",
    "interval_moments",
    "kept_mass_rule",
    "log_cdf",
    "mean_inverse_square_sum",
    "mean_share_pull",
    "mean_sigmoid",
    "mean_softplus",
    "normal_rule",
    "on_intervals",
    "panel_nodes",
    "pdf",
    "polar_rules",
    "polish",
    "polynomial_normal_rule",
    "radial_beyond",
    "radial_moments",
    "sigmoid_moments",
    "slab_beyond",
    "slab_moments",
    "softplus_curvature",
    "softplus_divergence",
    "softplus_slope",
    "solve_increasing",
    "sphere_coordinate_rule",
    "tail_moments",
    "trapezoidal_normal_rule",
    "unit_panels",
]
