"""One curve over the right variable, several over a wrong one."""

import inspect

import numpy as np
import pytest

from medlib.translation.seeing.one_curve import off_one_curve

FIELDS = np.array([3.0, 9.0, 20.0, 50.0, 90.0, 200.0])


def answers(length):
    """An answer that depends on the field in lengths alone."""
    return 1 / (1 + np.exp(-2 * np.log(FIELDS / length)))


def test_the_variable_that_counts_makes_one_curve_of_three():
    lengths = (12, 24, 42)
    curves = [answers(length) for length in lengths]
    over_depth = off_one_curve([FIELDS] * 3, curves)
    over_lengths = off_one_curve([FIELDS / length for length in lengths], curves)
    assert over_lengths < over_depth / 2


def test_a_shift_of_one_curve_is_found():
    rising = np.linspace(0, 1, 9)
    assert off_one_curve([rising] * 3, [rising] * 3) == 0
    off = off_one_curve([rising] * 3, [rising, rising, rising + 0.3])
    assert off == pytest.approx(0.3 * np.sqrt((1 + 2 * 0.25) / 3))


@pytest.mark.parametrize(("x", "y"), [([FIELDS], [FIELDS]), ([FIELDS] * 2, [FIELDS, FIELDS[1:]])])
def test_what_does_not_fit_is_refused(x, y):
    # unwrapped: the checker of shapes looks at one curve of a list, by chance, and may be first
    with pytest.raises(ValueError, match="two curves"):
        inspect.unwrap(off_one_curve)(x, y)
