"""From a picture to a field, and back."""

import numpy as np
import pytest
import torch

from medlib.pixels.staining.field import field_of, glow_picture, picture, stacked_pairs


def test_a_field_averages_two_by_two():
    bytes_ = np.zeros((4, 6, 3), dtype=np.uint8)
    bytes_[:2, :2] = [[[0], [255]], [[255], [0]]]
    found = field_of(bytes_)
    assert found.shape == (1, 3, 2, 3)
    assert found[0, 0].tolist() == [[0.5, 0, 0], [0, 0, 0]]


def test_a_picture_of_one_row_is_refused():
    with pytest.raises(ValueError, match="height, width, 3"):
        field_of(np.zeros((1, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize(("n", "training"), [(2, 1), (3, 2), (4, 3), (10, 7)])
def test_whole_pairs_train_or_test(n, training):
    pairs = np.repeat(np.arange(n, dtype=np.uint8), 2 * 8 * 6 * 3).reshape(n, 2, 8, 6, 3)
    pairs[:, 1] += 100
    x, y, cut = stacked_pairs(pairs)
    assert cut == 4 * training
    torch.testing.assert_close(y - x, torch.full_like(x, 100 / 255))
    assert x[0, 0, cut - 1, 0] < x[0, 0, cut, 0]


def test_one_pair_is_refused():
    with pytest.raises(ValueError, match="two are needed"):
        stacked_pairs(np.zeros((1, 2, 8, 8, 3), dtype=np.uint8))


def test_pictures_have_colours_between_none_and_all():
    image = torch.linspace(-1, 2, 24).reshape(1, 3, 2, 4)
    shown = picture(image)
    assert shown.shape == (2, 4, 3)
    assert (shown.min(), shown.max()) == (0, 1)
    assert glow_picture(image.abs()).max() == 1
