"""The photograph that a crop is said to be from is the one that it was cut from."""

import numpy as np
import pytest

from data_fetch.packaged import photograph, photograph_names
from data_fetch.tasks.photograph_crops import source_like
from data_fetch.tasks.photograph_of_crop import photograph_of_crop


def test_grey_crops_are_said_to_be_from_grey_photographs():
    crops = source_like(60, rng=np.random.default_rng(3), size=32).array
    said = photograph_of_crop(60, rng=np.random.default_rng(3))
    grey = np.array([np.ptp(photograph(n).array, axis=-1).max() == 0 for n in photograph_names()])
    assert 0 < grey[said].sum() < 60
    assert ((np.ptp(crops, axis=-1).max(axis=(1, 2)) == 0) == grey[said]).all()


def test_one_crop_is_refused():
    with pytest.raises(ValueError, match="two crops"):
        photograph_of_crop(1, rng=np.random.default_rng(0))
