"""What a score is: a function of what it declares to see."""

import abc
from collections.abc import Mapping
from typing import ClassVar, Literal, final

import equinox as eqx
from jaxtyping import Array, Float

from nfl_sim.scores._probe import AbstractProbe

Feature = Literal["residual", "loss", "probe_margin", "label", "norm", "influence", "covariates"]
Values = Float[Array, "..."]

_INFLUENCE: frozenset[Feature] = frozenset({"residual", "norm"})


@final
class View(eqx.Module):
    """The features of samples that a score declared to see; reading another one is an error.

    Args:
        features: arrays of one shape by name: "residual" is the label minus the probe's
            prediction, "loss" the probe's training loss, "probe_margin" is w_p.x, "label" is y,
            "norm" is |x|, and "influence" is `nfl_sim.models.Model.influence` at the probe;
            "covariates" is x itself, with one axis more.
    """

    features: Mapping[str, Values]

    @property
    def residual(self) -> Values:
        """Label minus the probe's prediction."""
        return self._read("residual")

    @property
    def loss(self) -> Values:
        """Training loss of the probe."""
        return self._read("loss")

    @property
    def probe_margin(self) -> Values:
        """w_p.x."""
        return self._read("probe_margin")

    @property
    def label(self) -> Values:
        """y."""
        return self._read("label")

    @property
    def norm(self) -> Values:
        """|x|."""
        return self._read("norm")

    @property
    def influence(self) -> Values:
        """Gradient at the probe, in the metric of the Hessian there."""
        return self._read("influence")

    @property
    def covariates(self) -> Values:
        """x."""
        return self._read("covariates")

    def _read(self, name: Feature) -> Values:
        if name not in self.features:
            raise ValueError(
                f"the score reads {name!r} but declares to see only {sorted(self.features)}; "
                f"add {name!r} to its `sees`"
            )
        return self.features[name]


class PointwiseScore(eqx.Module):
    """A score g(z) of one sample: larger = harder, always.

    ``sees`` declares the features that ``__call__`` reads. The declaration is all that
    `nfl_sim.predict` needs: it builds the quadrature of the kept law from it. A score that reads a
    probe's margin, residual or loss carries a ``probe``; another one has ``probe = None``.
    ``nonnegative`` says that it is never negative, as importance sampling needs.
    """

    sees: ClassVar[frozenset[Feature]]
    nonnegative: ClassVar[bool] = False
    probe: eqx.AbstractVar[AbstractProbe | None]

    def __check_init__(self) -> None:
        if not isinstance(self.probe, AbstractProbe | None):
            raise ValueError(f"probe must be a Probe, got {self.probe!r}")

    @property
    def needs(self) -> frozenset[Feature]:
        """The features that decide the score: those it sees, and what they are made of."""
        return self.sees | (_INFLUENCE if "influence" in self.sees else frozenset())

    @abc.abstractmethod
    def __call__(self, view: View) -> Values:
        """The scores of the samples in ``view``, elementwise."""
