"""Images and their masks belong together."""

import numpy as np
import pytest

from data_fetch.sample import Sample, sha256_of_array
from data_fetch.segmented import Segmented


def sample(shape=(2, 4, 5)):
    array = np.zeros(shape, dtype=np.float32)
    about = {"kind": "simulated", "unit": "1", "sha256": sha256_of_array(array)}
    return Sample(array, name="example/zeros", **about)


def test_it_unpacks_into_images_and_masks():
    drawn = Segmented(sample=sample(), masks=np.zeros((2, 4, 5), bool), what="nothing")
    images, masks = drawn
    assert images is drawn.sample
    assert masks is drawn.masks
    assert len(drawn) == 2


@pytest.mark.parametrize(
    "masks",
    [np.zeros((2, 4, 5), np.uint8), np.zeros((3, 4, 5), bool), np.zeros((2, 5, 4), bool)],
)
def test_masks_of_another_size_or_kind_are_refused(masks):
    with pytest.raises((ValueError, TypeError), match="mask"):
        Segmented(sample=sample(), masks=masks, what="nothing")


def test_colours_have_no_mask_of_their_own():
    coloured = sample((2, 4, 5, 3))
    assert len(Segmented(sample=coloured, masks=np.zeros((2, 4, 5), bool), what="dots")) == 2
