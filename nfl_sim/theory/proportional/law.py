"""The kept samples of a model with labels +-1, as a student of high dimension meets them."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from nfl_sim.gaussian import pdf
from nfl_sim.theory.proportional.panels import Bend, fill, insert
from nfl_sim.validation import Scalar

Values = Float[Array, "..."]
Places = Float[Array, " k"]
REACH = 8.5


class Student(NamedTuple):
    """A student in the frame (probe, the teacher's part across it, everything else).

    Args:
        along: component along the probe.
        across: component along the teacher's part across the probe.
        rest: length of everything else, > 0.
    """

    along: Scalar
    across: Scalar
    rest: Scalar

    @property
    def spread(self) -> Scalar:
        """Standard deviation of the student's margin at a fixed margin of the probe."""
        return jnp.hypot(self.across, self.rest)

    @property
    def norm(self) -> Scalar:
        """|w|."""
        return jnp.sqrt(self.along**2 + self.across**2 + self.rest**2)


class Nodes(NamedTuple):
    """Quadrature over the kept law at a student, shape (k, x).

    Args:
        margin: w.z.
        mass: of the node.
        along: z.
        across: mass times v, averaged over what w.z leaves open.
        weight: omega.
    """

    margin: Values
    mass: Values
    along: Values
    across: Values
    weight: Values


class Ramps(NamedTuple):
    """Moments of the part of w.z below a bound, one entry a node of the kept law, shape (k,).

    Args:
        mass: P(w.z < bound).
        first, second: E of (bound - w.z)_+ and of its square.
        across: E of v (bound - w.z)_+.
    """

    mass: Places
    first: Places
    second: Places
    across: Places


class SignedLaw(eqx.Module):
    """The law of z = y x in the plane of probe and teacher, given that the sample is kept.

    Along the probe z has nodes; across it v is normal, tilted by P(label y | z, v). All other
    directions stay standard normal. Given z, the student's margin is along * z + spread * X with
    X ~ N(0, 1), and v is lean X + sqrt(1 - lean^2) Y with lean = across / spread.

    Attributes:
        places: the nodes z.
        masses: 2 phi(z) times length times inclusion over kept fraction, so that the tilted masses
            sum to one.
        weights: omega of the samples at each node.
        cosine, sine: of the angle between probe and teacher, sine >= 0.

    References: {eq}`eq-signed-law` in theory_notes/05_proportional_limit.md.
    """

    places: eqx.AbstractVar[Places]
    masses: eqx.AbstractVar[Places]
    weights: eqx.AbstractVar[Places]
    cosine: eqx.AbstractVar[Scalar]
    sine: eqx.AbstractVar[Scalar]

    @abc.abstractmethod
    def chance(self, places: Values) -> Values:
        """P(label y | z), v averaged out."""

    @abc.abstractmethod
    def tilt(self, places: Values, x: Values, lean: Scalar, open_: Scalar) -> tuple[Values, Values]:
        """P(label y | z, X), and the mean of v times it; ``open_`` is sqrt(1 - lean^2)."""

    @abc.abstractmethod
    def bends(self, lean: Scalar, open_: Scalar) -> list[Bend]:
        """The X at which `tilt` turns, at each node, and over what width."""

    @abc.abstractmethod
    def plane_moments(self) -> tuple[Float[Array, " 2"], Float[Array, "2 2"]]:
        """E[omega G] and E[omega G G'] over the kept law, G = (z, v)."""

    @abc.abstractmethod
    def ramps(self, student: Student, bound: Places, order: int) -> Ramps:
        """Moments of the student's margin below ``bound``, given at each node."""

    @property
    def mean_weight(self) -> Scalar:
        """E[omega] over the kept law."""
        return jnp.sum(self.masses * self.weights * self.chance(self.places))

    def nodes(self, student: Student, features: list[Bend], order: int) -> Nodes:
        """Quadrature whose panels end where the integrand bends.

        Args:
            student: whose margin is needed.
            features: margins at which the integrand bends, at each node, and widths.
            order: Gauss-Legendre nodes a panel.
        """
        spread = student.spread
        lean, open_ = student.across / spread, student.rest / spread
        bends = [
            Bend((bend.place - student.along * self.places) / spread, bend.width / spread)
            for bend in features
        ]
        edges = insert([*bends, *self.bends(lean, open_)], jnp.full_like(self.places, -REACH))
        x, share = fill(edges, order)
        places = jnp.broadcast_to(self.places[:, None], x.shape)
        tilt, across = self.tilt(places, x, lean, open_)
        share = share * pdf(x) * self.masses[:, None]
        weight = jnp.broadcast_to(self.weights[:, None], x.shape)
        return Nodes(
            student.along * places + spread * x, share * tilt, places, share * across, weight
        )
