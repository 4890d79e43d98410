"""`simulate`: many replicates of a problem, with addressable seeds."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from nfl_sim.influence import Influence
from nfl_sim.learners import Ridge
from nfl_sim.problem import Problem, require_dimension, require_finite_mean
from nfl_sim.pruning import num_kept
from nfl_sim.scores import Probe
from nfl_sim.simulation.blocks import outcomes, run_replicates
from nfl_sim.simulation.draws import Method, plan
from nfl_sim.simulation.probing import require_probe
from nfl_sim.simulation.replicate import shape_of
from nfl_sim.simulation.result import QUANTITIES, Moments, Simulation
from nfl_sim.simulation.stopping import Target
from nfl_sim.validation import require_x64, to_count

_FINITE_VARIANCE = 3


def simulate(
    key: PRNGKeyArray,
    problem: Problem,
    *,
    dim: int,
    num_samples: int,
    num_replicates: int,
    method: Method = "auto",
    memory_budget: int | None = None,
    progress: Callable[[int], None] | None = None,
    control: Influence | None = None,
    target_sem: float | None = None,
    quantity: str = "excess_risk",
    start: Simulation | None = None,
) -> Simulation:
    """Simulate a problem: sample, score, select, fit, exact excess risk.

    Replicate i uses ``jax.random.fold_in(key, i)``, whatever the block size: the same draws, and
    well-conditioned values within 1e-5 relative. A score sees little of a sample, so that the kept
    ones can mostly be drawn by themselves, in the law of a draw of all: the cost then does not
    grow with ``num_samples``. "rows" draws all, in float32 (float64 for fractions below 1e-3,
    samples beyond a million, a noise that float32 would blur, or a fixed probe so sure of signs
    that its residuals would round to 1); scores of the other methods, and all sums, are float64.
    All local devices share the replicates.

    With ``target_sem`` the run looks at 128 replicates, and then at a quarter more each time, and
    ends at the first look that reaches it: as `simulate` does with that many replicates.

    Args:
        key: a typed key, ``jax.random.key(seed)``.
        problem: what to simulate; its scalars must be concrete.
        dim: dimension of the covariates, >= 1 (>= 2 unless the probe is collinear).
        num_samples: samples before pruning, >= 1.
        num_replicates: independent repetitions, >= 2; the most, where there is a target.
        method: "rows"; "conditional", which draws of the others what the score sees at the most;
            "sufficient", which draws what `Ridge` takes of the kept rows; or "auto", the cheapest
            that is exact in law. `Simulation` says which it was.
        memory_budget: bytes that the rows of one block may take on each device; by default 64 MiB
            on a CPU, where larger blocks gain nothing, and 2 GiB on an accelerator, or as much as
            one replicate takes.
        control: a control variate from `nfl_sim.linear_influence`; fills ``controlled_risk``, and
            needs the rows.
        progress: called with the number of replicates finished after each block.
        target_sem: the standard error of ``quantity`` to reach, > 0; the result says in
            ``reached`` whether ``num_replicates`` were enough.
        quantity: which standard error, one of those that a `Simulation` estimates.
        start: an earlier run with the same key, problem, size, method and control variate. Its
            replicates are not drawn again, and the result is that of one run.

    Returns:
        A `Simulation` with mean and sem of every quantity.

    Raises:
        ValueError: an argument is out of its range, float64 is off, the method is not exact in law
            here, the mean excess risk is infinite (penalty 0 and |num_kept - dim| <= 1),
            ``memory_budget`` is too small for one replicate, ``start`` is not the beginning of
            this run, or a fitted probe has too few rows to exist, or comes with a control variate,
            whose mean is zero only for a fixed one.

    References: {eq}`eq-draw-kept` in theory_notes/12_fast_draws.md.
    """
    count = to_count("num_replicates", num_replicates, at_least=2)
    dim, num_samples = check_sizes(problem, dim, num_samples)
    draw = plan(problem, dim, num_samples, method, whole=control is not None)
    _require_fixed_probe(problem, control)
    sequence = name_of_sequence(require_typed_key(key), problem, draw.method, control)
    target = None if target_sem is None else Target(quantity, target_sem)
    done, moments = _beginning(start, sequence, (dim, num_samples), count)
    reached = None if target is None else done > 0 and target.is_reached(moments)
    if done < count and not reached:
        moments = run_replicates(
            key,
            problem,
            dim=dim,
            num_samples=num_samples,
            start=done,
            stop=count,
            method=method,
            memory_budget=memory_budget,
            progress=progress,
            control=control,
            earlier=moments,
            target=target,
        )
        reached = None if target is None else target.is_reached(moments)
    run = summarise(problem, dim, num_samples, moments.drawn, moments, draw.method)
    return replace(run, reached=reached, sequence=sequence)


def _require_fixed_probe(problem: Problem, control: Influence | None) -> None:
    """Raise ``ValueError`` if a control variate comes with a probe made from the sample."""
    probe = problem.score.probe
    if control is not None and not isinstance(probe, Probe | None):
        raise ValueError(
            "a control variate needs a probe that is fixed before the sample, got "
            f"{type(probe).__name__}"
        )


def replicate(
    key: PRNGKeyArray,
    problem: Problem,
    index: int,
    *,
    dim: int,
    num_samples: int,
    method: Method = "auto",
) -> dict[str, float]:
    """Re-run replicate ``index`` of `simulate` with the same key: its value of each quantity."""
    dim, num_samples = check_sizes(problem, dim, num_samples)
    index = to_count("index", index, at_least=0)
    shape, quota = shape_of(problem, dim, num_samples)
    one = jnp.arange(index, index + 1)
    draw = plan(problem, dim, num_samples, method)
    found = outcomes(require_typed_key(key), problem, quota, one, shape, draw=draw)
    values = np.asarray(found.values)
    return dict(zip(QUANTITIES, map(float, values[0]), strict=True))


def _beginning(
    start: Simulation | None, sequence: str, size: tuple[int, int], count: int
) -> tuple[int, Moments]:
    """How many replicates are there already, and their statistics."""
    if start is None:
        return 0, Moments.empty()
    if not isinstance(start, Simulation):
        raise ValueError(f"start must be a Simulation, got {start!r}")
    if (start.sequence, start.dim, start.num_samples) != (sequence, *size):
        raise ValueError(
            "start must be a run with the same key, problem, dim, num_samples, method and control, "
            f"got one of {type(start.problem.model).__name__} at dim={start.dim}, "
            f"num_samples={start.num_samples}"
        )
    if start.num_replicates > count:
        raise ValueError(
            f"num_replicates must be at least the {start.num_replicates} of start, got {count}"
        )
    return start.num_replicates, start.moments


def name_of_sequence(
    key: PRNGKeyArray, problem: Problem, method: str, control: Influence | None
) -> str:
    """A hash of all, beside the size, that decides the values of the replicates."""
    tree = (problem, control)
    numbers = [jax.random.key_data(key), *jax.tree.leaves(tree)]
    content = repr((jax.random.key_impl(key), method, jax.tree.structure(tree))).encode()
    for number in map(np.asarray, numbers):
        content += repr((number.dtype.str, number.shape)).encode() + number.tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def summarise(
    problem: Problem,
    dim: int,
    num_samples: int,
    num_replicates: int,
    moments: Moments,
    method: str = "rows",
) -> Simulation:
    """The `Simulation` that these statistics belong to."""
    kept, probe = shape_of(problem, dim, num_samples)[1].kept, problem.score.probe
    heavy = _is_least_squares(problem) and abs(kept - dim) <= _FINITE_VARIANCE
    return Simulation(
        problem=problem,
        dim=dim,
        num_samples=num_samples,
        num_replicates=num_replicates,
        num_kept=kept,
        probe="none" if probe is None else probe.kind,
        moments=moments,
        trustworthy=not heavy,
        method=method,
    )


def check_sizes(problem: Problem, dim: int, num_samples: int) -> tuple[int, int]:
    """Validated (dim, num_samples); ``ValueError`` where nothing sensible can be simulated."""
    require_x64()
    if not isinstance(problem, Problem):
        raise ValueError(f"expected a Problem, got {problem!r}")
    dim = to_count("dim", dim, at_least=1)
    num_samples = to_count("num_samples", num_samples, at_least=1)
    require_dimension(problem, dim)
    require_probe(problem, dim, num_samples)
    if _is_least_squares(problem) and problem.rule.draw != "poisson":
        require_finite_mean(num_kept(float(problem.rule.fraction), num_samples), dim)
    return dim, num_samples


def _is_least_squares(problem: Problem) -> bool:
    return isinstance(problem.learner, Ridge) and float(problem.learner.penalty) == 0.0


def require_typed_key(key: PRNGKeyArray) -> PRNGKeyArray:
    """Return ``key``; ``ValueError`` unless it is typed."""
    if not (isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)):
        raise ValueError(f"key must be a typed key such as jax.random.key(0), got {key!r}")
    return key
