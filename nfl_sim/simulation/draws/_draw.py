"""How the kept samples of a replicate are drawn."""

from typing import Literal, NamedTuple

Method = Literal["auto", "rows", "conditional", "sufficient"]
Level = Literal["rows", "projections", "kept", "pseudo-rows", "scalars"]
Family = Literal["residual", "margin", "signed margin", "radius", "random"]
"""The score is monotone in |y - w_p.x|, in |w_p.x|, in y w_p.x, or in |x|; or all samples tie."""


class Draw(NamedTuple):
    """How the kept samples of a replicate are drawn; all of it is static.

    Args:
        method: as `nfl_sim.simulate` reports it.
        level: "rows" draws all; "projections" what the score sees of all, and whole rows of the
            kept; "kept" these alone; "pseudo-rows" and "scalars" their sufficient statistics.
        family: what the score sees; means nothing for "rows" and "projections".
        outward: whether samples with a large one are preferred.
        stratified: whether some are kept at random from the rest.
        weighted: whether those have another weight.
    """

    method: Literal["rows", "conditional", "sufficient"]
    level: Level
    family: Family = "random"
    outward: bool = True
    stratified: bool = False
    weighted: bool = False


ROWS = Draw("rows", "rows")
