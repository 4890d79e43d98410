"""What a score sees of a sample of the linear model, as coordinates to integrate over."""

from typing import final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.models import Linear
from nfl_sim.problem import Problem, probe_of
from nfl_sim.scores import View
from nfl_sim.theory.linear.frame import axes_along, teacher_plane
from nfl_sim.theory.linear.law import Matrix, Plane
from nfl_sim.validation import Scalar

Values = Float[Array, "..."]


@final
class Sight(eqx.Module):
    """The priority of a sample as a function of the Gaussian coordinates that it depends on.

    A residual or a label is a linear function of x plus the noise, a margin a linear function of
    x. If all that is seen lies along one direction of the plane, or the margin is seen, then that
    direction becomes the first axis.

    Args:
        problem: whose score is looked at.
        axes: rows are the axes of the plane in the frame (e_1, e_2).
        offset, teacher, probe: w0 - w_p, w0 and w_p along these axes.
        reference: the student whose residual the score turns about: the probe; the null student
            if only the label is seen, the teacher if no noise is.
        noise_std: of the model.
        directions: how many directions of x are seen, 0, 1 or 2.
        noise, norm: whether the score sees the noise, and the length of x.
    """

    problem: Problem
    axes: Matrix
    offset: Plane
    teacher: Plane
    probe: Plane
    reference: Plane
    noise_std: Scalar
    directions: int
    noise: bool
    norm: bool

    @classmethod
    def of(cls, problem: Problem, model: Linear) -> "Sight":
        """The sight of the problem's score."""
        sees = problem.score.needs
        teacher = teacher_plane(model)
        fixed = probe_of(problem)
        probe = jnp.zeros(2) if fixed is None else fixed.plane
        seen = {"label": teacher, "probe_margin": probe}
        vectors = [vector for name, vector in seen.items() if name in sees]
        vectors += [teacher - probe] if sees & {"residual", "loss"} else []
        first = probe if "probe_margin" in sees else vectors[0] if len(vectors) == 1 else None
        axes = jnp.eye(2) if first is None else axes_along(first)[0]
        noise = bool(sees & {"residual", "loss", "label"})
        reference = probe if sees & {"residual", "loss", "probe_margin"} else jnp.zeros(2)
        return cls(
            problem=problem,
            axes=axes,
            offset=axes @ (teacher - probe),
            teacher=axes @ teacher,
            probe=axes @ probe,
            reference=axes @ (reference if noise else teacher),
            noise_std=model.noise_std,
            directions=min(len(vectors), 2),
            noise=noise,
            norm="norm" in sees,
        )

    def priority(self, first: Values, second: Values, rest: Values, noise: Values) -> Values:
        """Priority at x with these coordinates (``rest`` squared, off the plane) and this noise."""
        shape = jnp.broadcast_shapes(*(jnp.shape(v) for v in (first, second, rest, noise)))
        noise = self.noise_std * noise
        residual = self.offset[0] * first + self.offset[1] * second + noise
        features = {
            "residual": residual,
            "loss": 0.5 * residual**2,
            "label": self.teacher[0] * first + self.teacher[1] * second + noise,
            "probe_margin": self.probe[0] * first + self.probe[1] * second,
            "norm": jnp.sqrt(first**2 + second**2 + rest),
        }
        features["influence"] = jnp.abs(residual) * features["norm"]
        score = self.problem.score
        seen = {name: jnp.broadcast_to(features[name], shape) for name in score.sees}
        return jnp.broadcast_to(self.problem.rule.priority(score(View(seen))), shape)
