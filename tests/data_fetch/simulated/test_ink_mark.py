"""Ink marks: in a corner, within the tile, and only where asked for."""

import numpy as np
import pytest

from data_fetch.simulated.ink_mark import INK_RGB, ink_marks, with_ink


def test_every_mark_lies_whole_in_one_quarter_and_all_quarters_occur():
    marks = ink_marks(60, size=128, rng=np.random.default_rng(0))
    quarters = marks.reshape(60, 2, 64, 2, 64).any(axis=(2, 4)).reshape(60, 4)
    assert (quarters.sum(axis=1) == 1).all()
    assert set(quarters.argmax(axis=1)) == {0, 1, 2, 3}
    assert not marks[:, :6].any()
    assert not marks[:, :, -6:].any()


def test_ink_changes_the_marked_pixels_of_the_chosen_tiles_and_nothing_else():
    images = np.random.default_rng(1).integers(0, 255, (4, 64, 64, 3)).astype(np.uint8)
    marks = ink_marks(4, size=64, rng=np.random.default_rng(2))
    which = np.array([True, False, True, False])
    inked = with_ink(images, marks=marks, which=which)
    changed = marks & which[:, None, None]
    assert (inked[changed] == INK_RGB).all()
    np.testing.assert_array_equal(inked[~changed], images[~changed])


def test_a_mark_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="at most 13"):
        ink_marks(1, size=64, rng=np.random.default_rng(0), radius_px=14)
