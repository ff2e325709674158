"""The joint loss is minus the logarithm of the probability of both answers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.diagnosis.joint.joint_likelihood import two_losses


def scene(seed, n=3, side=4):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(n, 3, generator=generator),
        torch.randn(n, 1, side, side, generator=generator),
        torch.randint(3, (n,), generator=generator),
        torch.rand(n, 1, side, side, generator=generator) < 0.3,
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_it_is_the_probability_of_class_times_that_of_every_pixel(seed):
    classes, pixels, labels, masks = scene(seed)
    found = two_losses(classes, pixels, labels=labels, masks=masks)
    p_class = classes.softmax(dim=1).numpy().astype(float)[np.arange(3), labels]
    p_pixel = pixels.sigmoid().numpy().astype(float)
    p_mask = np.where(masks, p_pixel, 1 - p_pixel).reshape(3, -1).prod(axis=1)
    assert float(found.joint()) == pytest.approx(-np.log(p_class * p_mask).mean(), rel=1e-4)


def test_the_joint_likelihood_is_the_weight_of_as_many_pixels_as_there_are():
    classes, pixels, labels, masks = scene(0)
    found = two_losses(classes, pixels, labels=labels, masks=masks)
    assert found.n_pixels == 16
    assert float(found.weighted(16)) == pytest.approx(float(found.joint()), rel=1e-6)
    assert float(found.weighted(0)) == float(found.of_class)


def test_one_label_and_one_mask_an_image():
    classes, pixels, labels, masks = scene(0)
    with pytest.raises(ValueError, match="one of each an image"):
        two_losses(classes, pixels, labels=labels[:2], masks=masks)
