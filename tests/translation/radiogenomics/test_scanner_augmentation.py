"""Blur equals scipy's, and the scanner that comes out is drawn, scaled and reproducible."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from medlib.translation.radiogenomics.scanner_augmentation import blurred, random_scanner


def images(n=3, seed=0):
    return torch.randn(n, 1, 32, 32, generator=torch.Generator().manual_seed(seed)).double()


def test_blur_is_scipys_each_image_by_its_own_width():
    sigma = torch.tensor([0.4, 0.8, 1.2]).double()
    found = blurred(images(), sigma=sigma)
    for image, width, got in zip(images(), sigma.tolist(), found, strict=True):
        expected = gaussian_filter(image[0].numpy(), width, mode="mirror", radius=4)
        assert np.allclose(got[0].numpy(), expected, atol=1e-12)


def test_a_width_near_zero_changes_nothing():
    assert torch.allclose(blurred(images(), sigma=torch.full((3,), 0.05).double()), images())


def test_scaled_reproducible_and_never_the_same_twice():
    first, again, other = (
        random_scanner(images().float(), generator=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert first.mean(dim=(1, 2, 3)).abs().max() < 1e-5
    assert (first.std(dim=(1, 2, 3), correction=0) - 1).abs().max() < 1e-4


def test_ranges_are_checked():
    with pytest.raises(ValueError, match="blur_px"):
        random_scanner(images(), blur_px=(1, 0), generator=torch.Generator())
    with pytest.raises(ValueError, match="one positive width"):
        blurred(images(), sigma=torch.zeros(3))
