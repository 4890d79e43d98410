"""Joint rules choose on the host, from one sample after the other."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Integer

from nfl_sim.pruning import JointRule
from nfl_sim.simulation.replicate import Chosen, Drawn, Rated


def choose_jointly(drawn: Drawn, rated: Rated, rule: JointRule, bucket: int) -> Chosen:
    """What a rule chooses from each sample of a block, in buckets of rows.

    Args:
        drawn, rated: the samples, stacked.
        rule: whose `select` is called once a sample.
        bucket: how many rows to return of each, at least as many as the rule keeps.

    Raises:
        ValueError: the rule returns what is no set of at most so many indices.
    """
    covariates, labels, scores = map(np.asarray, (*drawn[:2], rated.scores))
    count, num_samples = labels.shape
    wanted = rule.quota(num_samples).kept
    rows = np.zeros((count, bucket), np.int64)
    weights = np.zeros((count, bucket), covariates.dtype)
    for i in range(count):
        found = rule.select(drawn.tie_key[i], covariates[i], labels[i], scores[i])
        kept = _require_indices(rule, found, num_samples, wanted)
        rows[i, : len(kept)] = kept
        weights[i, : len(kept)] = 1.0
    place = np.arange(count)[:, None]
    return Chosen(
        jnp.asarray(covariates[place, rows]),
        jnp.asarray(labels[place, rows]),
        jnp.asarray(weights),
        jnp.full(count, jnp.nan),
        jnp.asarray(np.sum(weights, axis=1) == wanted),
    )


def _require_indices(
    rule: JointRule, found: Any, num_samples: int, wanted: int
) -> Integer[np.ndarray, " m"]:
    kept = np.asarray(found)
    whole = kept.ndim == 1 and np.issubdtype(kept.dtype, np.integer)
    if not whole or len(kept) > wanted or len(np.unique(kept)) < len(kept):
        raise ValueError(
            f"{type(rule).__name__}.select must return at most {wanted} distinct indices, got "
            f"{kept!r}"
        )
    if len(kept) and not (np.min(kept) >= 0 and np.max(kept) < num_samples):
        raise ValueError(
            f"{type(rule).__name__}.select must return indices in [0, {num_samples}), got "
            f"{np.min(kept)} to {np.max(kept)}"
        )
    return kept
