"""The learner that attains T13: it reads from what should have been discarded which process it is.

In the processes of T5 it answers the midpoint if all it sees is in K, and the best student of the
sign that it reads if not.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key, PRNGKeyArray

from nfl_sim.models import Linear
from nfl_sim.problem import Problem
from nfl_sim.pruning import KeepEasiest, KeepHardest
from nfl_sim.scores import EL2N
from nfl_sim.theorems.adversary import adversary, hidden_magnitude
from nfl_sim.theorems.pair import Adversary
from nfl_sim.validation import Scalar

_STRONG = 10.0  # noises: so large a shift is read from one sample
_DIM = 2  # all that is read lies in the plane of teacher and probe
_BATCH = 1024


def strong_adversary(problem: Problem, room: float = 0.0) -> Adversary:
    """The processes of T5, apart enough to be told from one sample off K.

    Args:
        problem: of Linear, KeepHardest or KeepEasiest, with the score Uncertainty or EL2N of the
            teacher.
        room: by how much the mass of K exceeds the fraction of the rule, >= 0.

    Raises:
        ValueError: the problem is another, or K would be everything.
    """
    rule, model = problem.rule, problem.model
    if not isinstance(rule, KeepHardest | KeepEasiest) or not isinstance(model, Linear):
        raise ValueError(f"T5 needs Linear and KeepHardest or KeepEasiest, got {rule}")
    wider = type(rule)(rule.fraction + room)
    size = _STRONG * float(model.noise_std)
    if isinstance(problem.score, EL2N):
        size = hidden_magnitude(model, problem.score, wider)
    return adversary(problem.score, wider, size, model=model)


def top_m_risks(
    found: Adversary, key: PRNGKeyArray, *, num_samples: int, num_kept: int, replicates: int
) -> Float[np.ndarray, " replicates"]:
    """Excess risks of the detective, averaged over the two processes, when the top m are kept.

    Args:
        found: the processes.
        key: of all draws.
        num_samples, num_kept: n and m.
        replicates: how often.
    """
    return _both(found, key, replicates, functools.partial(_top_m, sizes=(num_samples, num_kept)))


def audited_risks(
    found: Adversary, key: PRNGKeyArray, *, num_samples: int, audit: float, replicates: int
) -> Float[np.ndarray, " replicates"]:
    """Excess risks of the detective when all of K is kept, and the rest by a coin.

    Args:
        found: the processes.
        key: of all draws.
        num_samples: n.
        audit: the probability rho of the coin, in [0, 1].
        replicates: how often.
    """
    rule = functools.partial(_audited, sizes=(num_samples,), audit=jnp.asarray(audit))
    return _both(found, key, replicates, rule)


def reading(
    found: Adversary, covariates: Float[Array, "n 2"], labels: Float[Array, " n"]
) -> Float[Array, " n"]:
    """What each sample says of the sign: sgn(u.x) (y - w0.x)."""
    side = jnp.sign(covariates @ found.direction)
    return side * (labels - covariates[:, 0] * found.model.signal)


def _both(found: Adversary, key: PRNGKeyArray, replicates: int, rule) -> np.ndarray:
    keys = jax.random.split(key, (2, replicates))
    guesses = [
        sign * np.asarray(rule(found, keys[row], jnp.asarray(float(sign))))
        for row, sign in enumerate((1, -1))
    ]
    # |w0 + g B h - w0 - s B h|^2 = (1 - g s)^2 Delta
    return found.bound * np.mean((1.0 - np.array(guesses)) ** 2, axis=0)


def _guess(
    found: Adversary,
    covariates: Float[Array, "n 2"],
    labels: Float[Array, " n"],
    off: Bool[Array, " n"],
) -> Scalar:
    """The sign read from the samples off K; 0 if there is none."""
    return jnp.sign(jnp.sum(jnp.where(off, reading(found, covariates, labels), 0.0)))


@functools.partial(jax.jit, static_argnames=("sizes",))
def _top_m(
    found: Adversary, keys: Key[Array, " r"], sign: Scalar, sizes: tuple[int, int]
) -> Float[Array, " r"]:
    def one(key: PRNGKeyArray) -> Scalar:
        covariates, labels = found.rows(key, sign, sizes[0], _DIM)
        inside = found.kept(covariates, labels)
        # All of K is above all the rest, and what is read has one law wherever it is off K.
        first = jnp.argsort(~inside, stable=True)[: sizes[1]]
        return _guess(found, covariates[first], labels[first], ~inside[first])

    return jax.lax.map(one, keys, batch_size=_BATCH)


@functools.partial(jax.jit, static_argnames=("sizes",))
def _audited(
    found: Adversary, keys: Key[Array, " r"], sign: Scalar, sizes: tuple[int], audit: Scalar
) -> Float[Array, " r"]:
    def one(key: PRNGKeyArray) -> Scalar:
        sample_key, coin_key = jax.random.split(key)
        covariates, labels = found.rows(sample_key, sign, sizes[0], _DIM)
        heads = jax.random.uniform(coin_key, labels.shape, labels.dtype) < audit
        return _guess(found, covariates, labels, heads & ~found.kept(covariates, labels))

    return jax.lax.map(one, keys, batch_size=_BATCH)


def mean_and_sem(values: Float[np.ndarray, " r"]) -> tuple[float, float]:
    """Of independent replicates."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))
