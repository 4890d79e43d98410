"""Proximal maps, against minimisation by brute force and the properties that define them."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nfl_sim.gaussian import HingeLoss, LogisticLoss, SquareLoss
from tests.strategies import log_uniform

LOSSES = [SquareLoss(), HingeLoss(), LogisticLoss()]
_POINTS = st.floats(-50.0, 50.0)
_STEPS = log_uniform(1e-6, 1e6)
some = settings(max_examples=20)
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)


def _map(loss, points, steps):
    points, steps = np.broadcast_arrays(np.float64(points), np.float64(steps))
    return np.asarray(loss.proximal(jnp.asarray(points), jnp.asarray(steps)))


@every_loss
@some
@given(point=_POINTS, step=_STEPS)
def test_no_other_point_is_better(loss, point, step):
    """Of l(h) + (h - p)^2 / (2V), over a fine grid about the map and a coarse one about all."""
    best = float(_map(loss, point, step))
    near = best + np.concatenate([[0.0], *(s * np.geomspace(1e-7, 10.0, 400) for s in (1, -1))])
    wide = np.concatenate([near, np.linspace(point - 2.0, point + 2.0 * min(step, 1e3), 2000)])

    def objective(margin):
        loss_there = np.asarray(loss.value(jnp.asarray(margin)))
        return step * loss_there + 0.5 * (margin - point) ** 2

    there = float(objective(np.array([best]))[0])
    assert there <= np.min(objective(wide)) * (1.0 + 1e-14) + 1e-13 * (1.0 + point**2)


@every_loss
@some
@given(points=st.tuples(_POINTS, _POINTS), step=_STEPS)
def test_firm_nonexpansiveness(loss, points, step):
    """|prox a - prox b|^2 <= (prox a - prox b)(a - b), which is Moreau's identity at work."""
    images = _map(loss, np.array(points), step)
    gap, shift = images[0] - images[1], points[0] - points[1]
    assert gap * gap <= gap * shift + 1e-10 * (1.0 + abs(shift)) ** 2
    assert gap * shift >= -1e-10


@every_loss
def test_moreau_identity(loss):
    """prox_l(p; V) + V prox_{l*}(p/V; 1/V) = p with l* by brute force on a grid of duals."""
    low, high = (-12.0, 12.0) if isinstance(loss, SquareLoss) else (-1.0, 0.0)  # where l' can lie
    duals = np.linspace(low, high, 2_400_001)
    conjugate = {
        SquareLoss: lambda c: 0.5 * c**2 + c,
        HingeLoss: lambda c: c,
        LogisticLoss: _entropy,
    }[type(loss)](duals)
    for point, step in [(-3.0, 0.7), (0.2, 2.0), (0.9, 0.3), (4.0, 5.0)]:
        dual = duals[np.argmin(conjugate + 0.5 * step * (duals - point / step) ** 2)]
        assert abs(float(_map(loss, point, step)) + step * dual - point) < 2e-5 * step


def _entropy(c):
    """The conjugate of log(1 + exp(-h)) at -1 <= c <= 0."""
    share = np.clip(-c, 1e-300, 1.0)
    rest = np.clip(1.0 + c, 1e-300, 1.0)
    return share * np.log(share) + rest * np.log(rest)


@some
@given(point=st.floats(-300.0, 300.0), step=log_uniform(1e-8, 1e8))
def test_the_logistic_map_to_the_last_digits(point, step):
    with mpmath.workdps(40):
        p, v = mpmath.mpf(point), mpmath.mpf(step)

        def pull(h):
            return h - p - v / (1 + mpmath.exp(h))

        root = mpmath.findroot(pull, (p, p + v), solver="anderson", maxsteps=500, tol=1e-50)
        error = abs(mpmath.mpf(float(_map(LogisticLoss(), point, step))) - root)
        assert error <= 1e-13 * (1 + abs(root))


@every_loss
@some
@given(point=st.floats(-20.0, 20.0), step=log_uniform(1e-2, 1e2))
def test_derivatives_are_those_of_differences(loss, point, step):
    gap = 1e-6 * max(1.0, step)
    kinks = [float(place) for place, width in loss.features(jnp.asarray(step)) if width == 0.0]
    if any(abs(point - kink) < 10.0 * gap for kink in kinks):
        return
    slopes = jax.grad(loss.proximal, argnums=(0, 1))(jnp.asarray(point), jnp.asarray(step))
    for slope, move in zip(slopes, ((gap, 0.0), (0.0, 1e-6 * step)), strict=True):
        high, low = (_map(loss, point + s * move[0], step + s * move[1]) for s in (1, -1))
        expected = float(high - low) / (2.0 * sum(move))
        assert float(slope) == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_features_are_where_the_hinge_bends():
    step = jnp.asarray(0.7)
    places = sorted(float(place) for place, _ in HingeLoss().features(step))
    assert places == pytest.approx([0.3, 1.0])
    for place in places:
        slopes = np.diff(_map(HingeLoss(), place + np.array([-1e-6, 0.0, 1e-6]), 0.7)) / 1e-6
        assert abs(slopes[1] - slopes[0]) == pytest.approx(1.0, abs=1e-6)
    assert SquareLoss().features(step) == []


@every_loss
def test_at_a_small_step_it_is_a_step_down_the_gradient(loss):
    points = np.array([-2.0, 0.3, 1.7])
    slope = np.asarray(jax.vmap(jax.grad(loss.value))(jnp.asarray(points)))
    moved = _map(loss, points, 1e-7) - points
    np.testing.assert_allclose(moved, -1e-7 * slope, atol=1e-13)
