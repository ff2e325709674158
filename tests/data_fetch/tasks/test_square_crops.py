"""Crops are squares of the picture."""

import numpy as np
import pytest

from data_fetch.tasks.square_crops import square_crops


def test_crops_show_the_picture_and_nothing_else():
    ramp = np.zeros((50, 80, 3), dtype=np.uint8)
    ramp[..., 0] = np.arange(80)
    ramp[..., 1] = np.arange(50)[:, None]
    crops = square_crops(ramp, 20, size=20, rng=np.random.default_rng(0), widest=20)
    steps = np.diff(crops[..., 0].astype(int), axis=2)
    assert (steps == 1).all()
    assert (np.diff(crops[..., 1].astype(int), axis=1) == 1).all()
    wide = square_crops(ramp, 60, size=20, rng=np.random.default_rng(1))
    spans = np.ptp(wide[..., 1].astype(int), axis=(1, 2))
    assert spans.max() > 35 > 22 > spans.min()
    assert square_crops(ramp, 1, size=96, rng=np.random.default_rng(2)).shape == (1, 96, 96, 3)
    with pytest.raises(ValueError, match="at least 1"):
        square_crops(ramp, 0, size=20, rng=np.random.default_rng(0))
