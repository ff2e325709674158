"""Crops are squares of the picture; the task keeps halves apart and gives no colour away."""

from dataclasses import replace

import numpy as np
import pytest

from data_fetch.packaged import photograph, photograph_names
from data_fetch.tasks import square_crops as square_crops_file
from data_fetch.tasks.square_crops import square_crops, which_photograph


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


def test_which_photograph_is_grey_even_and_repeatable():
    crops, labels = which_photograph(56, split="train", rng=np.random.default_rng(3))
    again, _ = which_photograph(56, split="train", rng=np.random.default_rng(3))
    np.testing.assert_array_equal(crops.array, again.array)
    assert np.bincount(labels).tolist() == [4] * len(photograph_names())
    assert (crops.array == crops.array[..., :1]).all()
    textured = np.isin(labels, [photograph_names().index(n) for n in ("grass", "gravel", "brick")])
    means = crops.array[textured].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means, 127, atol=4)


def test_halves_do_not_meet(monkeypatch):
    # upright stripes on the left of every photograph, level ones on the right
    stripes = np.tile(np.uint8([0, 0, 200, 200]), 32)
    picture = np.concatenate([np.tile(stripes, (128, 1)), np.tile(stripes[:, None], (1, 128))], 1)
    picture = np.repeat(picture[..., None], 3, axis=2)
    striped = replace(photograph("brick"), array=picture)
    monkeypatch.setattr(square_crops_file, "photograph", lambda name: striped)
    for split, across, along in (("train", 2, 1), ("test", 1, 2)):
        crops, _ = which_photograph(28, split=split, rng=np.random.default_rng(4), size=32)
        changes = crops.array[..., 0].astype(float)
        assert np.ptp(changes, axis=across).min() > 50
        assert np.ptp(changes, axis=along).max() <= 1


def test_wrong_requests_are_refused():
    with pytest.raises(ValueError, match='choose "train" or "test"'):
        which_photograph(28, split="validation", rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="14 photographs"):
        which_photograph(5, split="test", rng=np.random.default_rng(0))
