"""MedMNIST's 3D files: two classes, cut to shape; anything else is refused with its shape."""

import numpy as np
import pytest

from data_fetch.errors import DataError
from data_fetch.tasks.volume_archive import read_volume_archive


def write(path, *, shape=(12, 28, 28, 28), labels=None, dtype=np.uint8):
    images = np.broadcast_to(np.arange(shape[1], dtype=dtype)[None, :, None, None], shape).copy()
    images[:, :, 0, 0] = np.arange(shape[0])[:, None]
    labels = np.arange(shape[0])[:, None] % 2 if labels is None else labels
    np.savez(path, train_images=images, train_labels=labels)
    return path


@pytest.mark.parametrize("side", [28, 64])
def test_volumes_keep_their_labels_and_their_middle(tmp_path, side):
    path = write(tmp_path / "nodulemnist3d.npz", shape=(12, side, side, side))
    rng = np.random.default_rng(0)
    sample, labels = read_volume_archive(path, 8, split="train", rng=rng, slices=7, size=32)
    assert sample.array.shape == (8, 7, 32, 32)
    assert sample.kind == "real"
    assert sample.name == "medmnist/nodulemnist3d_train"
    assert sorted(labels.tolist()) == [0] * 4 + [1] * 4
    planes = sample.array[0, :, 16, 16].astype(int)
    assert (np.diff(planes) > 0).all()
    assert planes[0] == side // 4
    if side == 28:  # the padded corner repeats the marked border: whose volume it was
        np.testing.assert_array_equal(sample.array[:, 0, 0, 0] % 2, labels)


def test_what_does_not_fit_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    flat = write(tmp_path / "flat.npz", shape=(12, 28, 28, 3))
    many = write(tmp_path / "many.npz", labels=np.arange(12)[:, None] % 3)
    good = write(tmp_path / "good.npz")
    other = tmp_path / "other.npz"
    np.savez(other, train_images=np.zeros((4, 28, 28), np.uint8), train_labels=np.zeros(4))
    with pytest.raises(DataError, match=r"labels \[0, 1, 2\]; expected 0 and 1"):
        read_volume_archive(many, 4, split="train", rng=rng)
    for odd in (0.7, np.nan):
        part = write(tmp_path / "part.npz", labels=np.array([0, 1, odd] * 4)[:, None])
        with pytest.raises(DataError, match=rf"labels \[0.0, .*{odd}.*\]; expected 0 and 1"):
            read_volume_archive(part, 4, split="train", rng=rng)
    with pytest.raises(DataError, match="15 slices out of the middle half of 28 planes"):
        read_volume_archive(good, 4, split="train", rng=rng, slices=15)
    with pytest.raises(DataError, match="one of MedMNIST's 3D sets"):
        read_volume_archive(other, 2, split="train", rng=rng)
    with pytest.raises(DataError, match="6 volumes of label 0"):
        read_volume_archive(good, 14, split="train", rng=rng)
    with pytest.raises(DataError, match="no array 'test_images'"):
        read_volume_archive(good, 4, split="test", rng=rng)
    with pytest.raises(DataError, match="split is 'all'"):
        read_volume_archive(good, 4, split="all", rng=rng)
    with pytest.raises(DataError, match="3D sets"):
        read_volume_archive(flat, 4, split="train", rng=rng, slices=3)
