"""Real tiles of other kinds, at their own scale."""

import numpy as np
import pytest

from data_fetch.packaged import ihc
from data_fetch.tasks.other_modalities import MODALITIES, other_modality


@pytest.mark.parametrize("name", MODALITIES)
def test_each_kind_gives_real_tiles_that_are_not_flat(name):
    found = other_modality(name, 5, rng=np.random.default_rng(0))
    assert found.array.shape == (5, 64, 64, 3)
    assert found.array.dtype == np.uint8
    assert found.kind == "real"
    assert (found.array.reshape(5, -1).std(axis=1) > 6).all()
    assert found.path is None


def test_a_tile_is_a_piece_of_the_picture_unchanged():
    tile = other_modality("immunostain", 1, rng=np.random.default_rng(3)).array[0]
    windows = np.lib.stride_tricks.sliding_window_view(ihc().array[..., 0], (64, 64))
    assert (windows == tile[..., 0]).all(axis=(2, 3)).any()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="no modality"):
        other_modality("x-ray", 1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="outside its range"):
        other_modality("fundus", 0, rng=np.random.default_rng(0))
