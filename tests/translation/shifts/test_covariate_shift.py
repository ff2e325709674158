"""Covariate shift: exact laws on small networks, repairs against scikit-image and by inversion."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.exposure import match_histograms
from torch import nn

from data_fetch.tasks.photograph_crops import source_like
from medlib.nets.efficientnet_lite import preprocess
from medlib.nets.norm_statistics import refresh_statistics
from medlib.translation.shifts.covariate_shift import (
    match_to,
    measured_statistics,
    remembered_statistics,
    renormalise,
    rms_shift,
    standardised_shift,
    with_mean,
)


def some_images(seed, n=6, size=32, low=40, high=180):
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (n, size, size, 3), dtype=np.uint8)


def worst_shift(network, x):
    pairs = zip(measured_statistics(network, x), remembered_statistics(network), strict=True)
    return max(rms_shift(standardised_shift(t.mean, s.mean, s.sd)) for t, s in pairs)


def test_measured_statistics_are_numpys_on_what_enters_the_layer():
    conv, norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)
    x = torch.randn(10, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 + 1
    entered = conv(x).detach().numpy()
    found = measured_statistics(nn.Sequential(conv, norm), x, batch_size=3)[0]
    np.testing.assert_allclose(found.mean, entered.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.sd, entered.std((0, 2, 3)), rtol=1e-4)


def test_every_layer_of_the_real_network_is_there_in_order(imagenet):
    x = preprocess(some_images(0))
    there, remembered = measured_statistics(imagenet, x), remembered_statistics(imagenet)
    assert [s.layer for s in there] == [s.layer for s in remembered]
    assert len(there) == 49
    assert (there[0].layer, there[-1].layer) == ("stem.1", "head.1")
    assert sum(len(s.mean) for s in there) == 21008
    assert not imagenet.training
    assert all(not m._forward_pre_hooks for m in imagenet.modules())


def test_an_offset_moves_the_stem_as_its_kernels_say(imagenet):
    images = some_images(1, size=64)
    inner = slice(1, -1)  # no padding under the kernel
    offset = torch.tensor([20.0, -10.0, 5.0]) / 128
    x = preprocess(images)
    conv = imagenet.stem[0]
    with torch.no_grad():
        moved = conv(x + offset[:, None, None]) - conv(x)
    expected = conv.weight.detach().sum(dim=(2, 3)) @ offset
    difference = moved[:, :, inner, inner].amax((0, 2, 3)) - expected
    assert difference.abs().max() < 1e-4
    assert expected.abs().max() > 0.1


def test_reestimated_statistics_leave_no_shift_anywhere(imagenet):
    x = preprocess(source_like(32, rng=np.random.default_rng(2), size=64).array)
    assert worst_shift(imagenet, x) > 0.2
    assert worst_shift(refresh_statistics(copy.deepcopy(imagenet), x), x) < 0.05


@given(shift=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_shift_has_no_units(shift, scale):
    rng = np.random.default_rng(0)
    target, source, sd = rng.normal(size=4), rng.normal(size=4), rng.uniform(1, 2, 4)
    plain = standardised_shift(target, source, sd)
    other = standardised_shift(scale * target + shift, scale * source + shift, scale * sd)
    np.testing.assert_allclose(other, plain, atol=1e-9)
    assert rms_shift(standardised_shift(source, source, sd)) == 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), mean=st.floats(20, 235))
def test_with_mean_reaches_the_mean_whatever_is_cut(seed, mean):
    images = some_images(seed, n=2, low=0, high=255)
    assert with_mean(images, mean=mean).mean() == pytest.approx(mean, abs=0.6)


def test_renormalise_undoes_brightness_and_contrast():
    images = some_images(3, low=60, high=140)
    other = np.rint(images * 0.7 + 30).astype(np.uint8)
    home = images.astype(float)
    back = renormalise(other, mean=home.mean((0, 1, 2)), sd=home.std((0, 1, 2)))
    assert np.abs(back.astype(int) - images).max() <= 1  # rounding to 8 bits
    assert np.abs(other.astype(int) - images).max() > 10


def test_match_to_undoes_any_monotone_curve_and_is_scikit_images():
    images = some_images(4)
    curve = np.rint(255 * (np.arange(256) / 255) ** 0.4).astype(np.uint8)
    back = match_to(curve[images], images)
    assert np.abs(back.astype(int) - images).mean() < 1
    assert np.abs(curve[images].astype(int) - images).mean() > 30
    other = some_images(5, n=3, low=100, high=250)
    row, home = (np.concatenate(list(a), axis=0) for a in (other, images))
    theirs = np.rint(match_histograms(row, home, channel_axis=-1)).reshape(other.shape)
    np.testing.assert_array_equal(match_to(other, images), theirs)


def test_errors_teach():
    with pytest.raises(ValueError, match="no batch normalisation"):
        remembered_statistics(nn.Sequential(nn.Conv2d(3, 3, 1)))
    with pytest.raises(ValueError, match="channel 1 has no spread"):
        standardised_shift(np.zeros(2), np.zeros(2), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="mean=300"):
        with_mean(some_images(0), mean=300)
    with pytest.raises(ValueError, match="one value everywhere"):
        renormalise(np.full((1, 4, 4, 3), 7, np.uint8), mean=np.ones(3), sd=np.ones(3))
