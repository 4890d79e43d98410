"""The kept law of any pointwise score, built from what the score declares to see."""

import jax.numpy as jnp

from nfl_sim.problem import Problem
from nfl_sim.theory.linear.covariate_nodes import covariate_grid
from nfl_sim.theory.linear.frame import teacher_plane
from nfl_sim.theory.linear.nodes import NodesLaw
from nfl_sim.theory.linear.noise_nodes import noise_grid
from nfl_sim.theory.linear.sight import Sight
from nfl_sim.theory.linear.student import linear_model
from nfl_sim.validation import Scalar

_NODES_PER_PANEL = 16


def generic_law(problem: Problem, penalty: Scalar, dim: int, refinement: int) -> NodesLaw:
    """The kept law of the problem's score, by quadrature over the features that it sees.

    If the score sees the noise, through the residual or the label, the noise is integrated
    between level crossings at nodes of x; otherwise a coordinate of x is. Scores may turn
    anywhere, but the grid that brackets the crossings is dense only where the residual, the label,
    the margin or the length vanish: finer structure elsewhere is missed, and then shows as a
    kept mass that differs from the fraction (``converged=False``).

    Derivatives are exact but for one place: where the one direction that is seen has length 0 (the
    residual of the perfect probe), they miss its turning.

    References: {eq}`eq-generic-nodes` in theory_notes/03_linear.md.
    """
    model = linear_model(problem)
    sight = Sight.of(problem, model)
    fine, coarse = (
        noise_grid(sight, dim, nodes, refinement)
        if sight.noise
        else covariate_grid(sight, dim, nodes)
        for nodes in (_NODES_PER_PANEL, _NODES_PER_PANEL // 2)
    )
    return NodesLaw(
        fine=fine,
        coarse=coarse,
        axes=sight.axes,
        sign=problem.rule.priority(jnp.ones(())),
        reference=sight.reference @ sight.axes,
        teacher=teacher_plane(model),
        noise_std=model.noise_std,
        penalty=penalty,
        dim=dim,
    )
