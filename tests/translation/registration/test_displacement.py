"""Fields: whose channels they are, and in which unit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.displacement import (
    checked_field,
    identity_grid,
    inside,
    length_mm,
    to_mm,
    to_voxels,
)
from tests.translation.registration.fields import smooth_field

sides = st.floats(0.1, 5.0)


@pytest.mark.parametrize("grid", [(3, 5), (2, 3, 4)])
def test_positions_are_counted_in_the_order_of_the_axes(grid):
    field = torch.zeros(2, len(grid), *grid, dtype=torch.float64)
    np.testing.assert_array_equal(identity_grid(field)[0], np.indices(grid))


@settings(max_examples=15)
@given(st.tuples(sides, sides, sides))
def test_millimetres_and_back(spacing):
    field = smooth_field(4, 5, 6)
    mm = to_mm(field, spacing_mm=spacing)
    torch.testing.assert_close(to_voxels(mm, spacing_mm=spacing), field)
    torch.testing.assert_close(mm[0, 2], field[0, 2] * spacing[2])
    by_hand = sum((field[0, d] * spacing[d]) ** 2 for d in range(3)).sqrt()
    torch.testing.assert_close(length_mm(field, spacing_mm=spacing)[0], by_hand)


def test_what_leaves_the_grid_is_known():
    field = torch.zeros(1, 2, 4, 4)
    field[0, 1, 2, 3], field[0, 0, 0, 0] = 0.1, -0.1
    assert (~inside(field)).nonzero().tolist() == [[0, 0, 0], [0, 2, 3]]


@pytest.mark.parametrize(
    ("shape", "says"),
    [((1, 3, 4, 4), "one channel"), ((1, 2, 4), "one channel"), ((1, 2, 1, 4), "two voxels")],
)
def test_what_is_no_field_is_refused(shape, says):
    with pytest.raises(ValueError, match=says):
        checked_field(torch.zeros(shape))
    with pytest.raises(ValueError, match="floating point"):
        checked_field(torch.zeros(1, 2, 4, 4, dtype=torch.int64))


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, float("nan")), (1.0, 1.0, 1.0)])
def test_what_is_no_spacing_is_refused(spacing):
    with pytest.raises(ValueError, match="positive numbers"):
        to_mm(torch.zeros(1, 2, 4, 4), spacing_mm=spacing)
