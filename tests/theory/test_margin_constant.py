import mpmath

import nfl_sim as nfl


def test_the_margin_constant_solves_its_equation():
    """In 30 digits and another form of the ramp moments, integrals of their definition."""
    with mpmath.workdps(30):
        ramp = lambda k, j: mpmath.quad(lambda z: (k - z) ** j * mpmath.npdf(z), [-12, -3, k])  # noqa: E731
        root = mpmath.findroot(lambda k: ramp(k, 1) - k * ramp(k, 2), 0.64)
        expected = 1 / (mpmath.sqrt(2 * mpmath.pi) * ramp(root, 1))
        assert abs(expected - nfl.theory.margin_constant()) < 1e-15
