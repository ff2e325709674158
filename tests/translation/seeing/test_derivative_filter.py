"""The law of derivative filters, exactly; what normalisation leaves of the scale, to the digit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate2d
from torch import nn

from medlib.translation.seeing.derivative_filter import (
    filter_kinds,
    grey_kernels,
    response_to_affine,
    scale_left,
    sum_share,
)

finite = st.floats(-50, 50).filter(lambda a: abs(a) > 0.02)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), finite, finite)
def test_affine_law_for_any_filter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    image, kernel = rng.normal(size=(12, 9)), rng.normal(size=(3, 3))
    before = correlate2d(image, kernel, mode="valid")
    after = correlate2d(scale * image + shift, kernel, mode="valid")
    said = response_to_affine(
        before[None], kernel_sums=np.array([kernel.sum()]), scale=scale, shift=shift
    )
    np.testing.assert_allclose(said[0], after, atol=1e-10 * (1 + abs(scale) + abs(shift)))


def test_a_derivative_filter_forgets_the_zero_exactly():
    # integers: no rounding at all, so equality is exact
    image = np.random.default_rng(0).integers(0, 256, size=(20, 20)).astype(float)
    sobel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    assert sum_share(sobel[None]).item() == 0
    before = correlate2d(image, sobel, mode="valid")
    assert np.array_equal(correlate2d(4 * image + 117, sobel, mode="valid"), 4 * before)
    mean = np.ones((3, 3))
    assert not np.array_equal(
        correlate2d(4 * image + 117, mean, mode="valid"), 4 * correlate2d(image, mean, mode="valid")
    )
    # zeros around the image are not shifted with it: at the edge the law ends
    edge = correlate2d(4 * image + 117, sobel, mode="same") - 4 * correlate2d(image, sobel, "same")
    assert not edge[1:-1, 1:-1].any()
    assert np.abs(edge[:, 0]).min() > 0


@pytest.mark.parametrize("scale", [0.3, -2.5])
def test_batch_statistics_leave_what_scale_left_says(scale):
    rng = np.random.default_rng(1)
    images = torch.from_numpy(rng.normal(size=(4, 1, 16, 16)) * 0.05)
    filters = nn.Conv2d(1, 6, 3, bias=False).double()
    norm = nn.BatchNorm2d(6, eps=1e-3, affine=False).double().train()
    with torch.no_grad():
        u = filters(images)
        before, after = norm(u), norm(filters(scale * images + 0.7))
    factor = scale_left(u.var((0, 2, 3), correction=0).numpy(), scale=scale, eps=1e-3)
    np.testing.assert_allclose(
        after.numpy(), before.numpy() * factor.reshape(1, -1, 1, 1), atol=1e-9
    )
    assert np.ptp(factor) > 0.01
    np.testing.assert_array_equal(scale_left(np.ones(3), scale=scale, eps=0.0), np.sign(scale))


def test_fixed_statistics_leave_the_scale_and_the_shift():
    filters = nn.Conv2d(1, 2, 3, bias=False).double()
    with torch.no_grad():
        filters.weight[0, 0] = torch.tensor([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])
        filters.weight[1, 0] = 1.0
    norm = nn.BatchNorm2d(2, eps=1e-3).double().eval()
    images = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        before, after = norm(filters(images)), norm(filters(3 * images + 5))
    torch.testing.assert_close(after[:, 0], 3 * before[:, 0])
    assert (after[:, 1] - 3 * before[:, 1]).abs().min() > 1


def test_kinds_of_the_real_first_layer(imagenet):
    weights = imagenet.stem[0].weight.detach().numpy().astype(float)
    kinds = filter_kinds(weights)
    grey = grey_kernels(weights)
    derivative = kinds == "derivative"
    assert 5 <= derivative.sum() <= 12
    assert (sum_share(grey[derivative]) < 0.1).all()
    # an even grey image moves none of them, a step does
    even = np.einsum("fhw,hw->f", grey, np.ones((3, 3)))
    step = np.einsum("fhw,hw->f", np.abs(grey), np.ones((3, 3)))
    assert (np.abs(even)[derivative] < 0.1 * step[derivative]).all()
    # a silent filter's weights are nothing beside the others'
    assert np.abs(weights[kinds == "silent"]).max() < 1e-3 * np.abs(weights).max()
    assert set(kinds) == {"silent", "colour", "derivative", "brightness"}


def test_sum_share_bounds_and_errors():
    share = sum_share(np.random.default_rng(2).normal(size=(50, 3, 3, 3)))
    assert ((share >= 0) & (share <= 1)).all()
    assert np.isnan(sum_share(np.zeros((1, 3, 3)))).all()
    with pytest.raises(ValueError, match="one sum for each of the 2 filters"):
        response_to_affine(np.zeros((2, 4)), kernel_sums=np.zeros(3), scale=1.0, shift=0.0)
    for wrong in ({"scale": 0.0, "eps": 1e-3}, {"scale": 1.0, "eps": -1.0}):
        with pytest.raises(ValueError, match="one is not"):
            scale_left(np.ones(2), **wrong)
