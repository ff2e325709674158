from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import periodogram

from medlib.pixels.staining.autofluorescence import gaussian_blur
from medlib.pixels.staining.sharpness import high_frequency_amplitude, sharpness_ratio


def noise(n=3, size=32, seed=0):
    return torch.randn(n, 2, size, size, generator=torch.Generator().manual_seed(seed)).double()


def test_along_one_axis_it_is_scipys_periodogram():
    """Stripes: all power lies at zero row frequency, so scipy's one-dimensional one has it all."""
    stripes = noise()[:1, :1, :1].expand(1, 1, 32, 32).contiguous()
    line = stripes[0, 0, 0].numpy()
    window = torch.hann_window(33, periodic=True).double()[1:].numpy()
    line = line - (line * window).sum() / window.sum()
    frequency, power = periodogram(line, window=window, detrend=False, scaling="density")
    expected = power[frequency > 0.2].sum() / 32
    # the window along the rows spreads a stripe's power over neighbouring row frequencies only
    got = float(high_frequency_amplitude(stripes, above_per_px=0.2)) ** 2
    assert got == pytest.approx(expected, rel=0.05)


def test_white_noise_has_the_share_of_the_frequency_plane_above():
    amplitude = high_frequency_amplitude(noise(60), above_per_px=0.25)
    share = 1 - np.pi * 0.25**2
    assert float((amplitude**2).mean()) == pytest.approx(share, rel=0.05)


@given(st.floats(0.1, 50), st.floats(-5, 5))
def test_it_scales_with_contrast_and_ignores_brightness(gain, offset):
    x = noise(1)
    torch.testing.assert_close(
        high_frequency_amplitude(gain * x + offset), gain * high_frequency_amplitude(x)
    )


def test_blur_lowers_it_more_and_more():
    x = noise()
    ratios = [sharpness_ratio(gaussian_blur(x, sd_px=s), reference=x) for s in (0, 0.5, 1, 2)]
    assert ratios[0] == 1
    assert all(a > b for a, b in pairwise(ratios))
    assert ratios[-1] < 0.1


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="above_per_px"):
        high_frequency_amplitude(noise(), above_per_px=0.5)
    with pytest.raises(ValueError, match="no detail"):
        sharpness_ratio(noise(), reference=torch.ones(1, 2, 32, 32).double())
