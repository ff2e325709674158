import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.pixels.ct.fbp import fbp
from medlib.pixels.ct.nps import fbp_nps, noise_power_spectrum, radial_spectrum
from medlib.pixels.ct.projection import ParallelBeam


@given(st.integers(1, 4), st.integers(2, 16), st.floats(0.01, 3.0), st.integers(0, 2**31))
def test_parseval(n, size, pixel_cm, seed):
    noise = torch.randn(n, size, size, generator=torch.Generator().manual_seed(seed)).double()
    nps = noise_power_spectrum(noise, pixel_cm=pixel_cm)
    power = float(nps.sum()) / (size * pixel_cm) ** 2
    assert power == pytest.approx(float(noise.square().mean()), rel=1e-9)


def test_white_noise_is_flat():
    noise = 3 * torch.randn(2000, 32, 32, generator=torch.Generator().manual_seed(0))
    spectrum = radial_spectrum(noise_power_spectrum(noise, pixel_cm=0.5), pixel_cm=0.5, n_rings=8)
    np.testing.assert_allclose(spectrum.power, 9 * 0.25, rtol=0.02)


@pytest.mark.parametrize("window", ["ramp", "hann"])
def test_fbp_noise_has_the_spectrum_that_theory_predicts(window):
    beam = ParallelBeam(size=65, n_views=180, pixel_cm=0.2)
    white = 3 * torch.randn(200, *beam.sinogram_shape, generator=torch.Generator().manual_seed(0))
    nps = noise_power_spectrum(fbp(white, beam=beam, window=window), pixel_cm=0.2)
    measured = radial_spectrum(nps, pixel_cm=0.2, n_rings=20)
    theory = fbp_nps(measured.frequency_per_cm, beam=beam, ray_variance=9.0, window=window)
    middle = (measured.frequency_per_cm > 0.5) & (measured.frequency_per_cm < 1.6)
    np.testing.assert_allclose(measured.power[middle], theory[middle], rtol=0.06)


def test_rings_without_samples_are_left_out():
    assert len(radial_spectrum(torch.ones(4, 4), pixel_cm=1.0, n_rings=50).power) < 50


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"\(n, N, N\)"):
        noise_power_spectrum(torch.zeros(4, 4), pixel_cm=1.0)
