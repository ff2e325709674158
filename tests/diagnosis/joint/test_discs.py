"""A disc lies on the middle of what is marked, and is the same whatever the shape."""

import numpy as np
import pytest

from medlib.diagnosis.joint.discs import discs


def test_two_shapes_on_one_middle_get_the_same_disc():
    tall, wide = np.zeros((2, 21, 21), dtype=bool)
    tall[5:16, 10] = True
    wide[10, 5:16] = True
    first, second = discs(np.stack([tall, wide]), radius=4.0)
    assert np.array_equal(first, second)
    assert np.argwhere(first).mean(axis=0) == pytest.approx((10, 10))
    assert first.sum() == pytest.approx(np.pi * 4**2, rel=0.15)


def test_a_moved_shape_moves_its_disc():
    masks = np.zeros((1, 32, 32), dtype=bool)
    masks[0, 8:12, 9:11] = True
    moved = np.roll(masks, (5, 7), axis=(1, 2))
    expected = np.roll(discs(masks, radius=3.0), (5, 7), axis=(1, 2))
    assert np.array_equal(discs(moved, radius=3.0), expected)


def test_a_mask_of_nothing_and_no_radius_are_refused():
    masks = np.zeros((2, 4, 4), dtype=bool)
    masks[0] = True
    with pytest.raises(ValueError, match="mask 1 marks nothing"):
        discs(masks, radius=2.0)
    with pytest.raises(ValueError, match="must be above 0"):
        discs(masks[:1], radius=0)
