import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, radon, resize

from medlib.pixels.ct.fbp import WINDOWS, fbp, filter_kernel, filter_sinogram
from medlib.pixels.ct.projection import ParallelBeam, project

BEAM = ParallelBeam(size=129, n_views=180, pixel_cm=1.0)


@pytest.fixture(scope="module")
def phantom():
    return resize(shepp_logan_phantom(), (129, 129), anti_aliasing=True)


@pytest.mark.parametrize("window", WINDOWS)
def test_as_close_to_the_truth_as_scikit_image(phantom, window):
    name = {"ramp": "ramp", "shepp-logan": "shepp-logan", "cosine": "cosine", "hann": "hann"}[
        window
    ]
    angles = BEAM.angles_deg
    theirs = iradon(radon(phantom, angles, circle=False), angles, filter_name=name, circle=False)
    ours = fbp(project(torch.from_numpy(phantom), beam=BEAM), beam=BEAM, window=window).numpy()
    error = [float(np.sqrt(np.mean((x - phantom) ** 2))) for x in (ours, theirs)]
    assert error[0] < 1.15 * error[1]
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99


def test_the_same_sinogram_through_both(phantom):
    """scikit-image's own sinogram, put on our detector: only the backprojections differ."""
    theirs_sinogram = radon(phantom, BEAM.angles_deg, circle=False)
    extra = BEAM.n_bins - theirs_sinogram.shape[0]
    padded = np.pad(theirs_sinogram.T, ((0, 0), (extra // 2, extra - extra // 2)))
    theirs = iradon(theirs_sinogram, BEAM.angles_deg, filter_name="hann", circle=False)
    ours = fbp(torch.from_numpy(padded), beam=BEAM, window="hann").numpy()
    assert np.abs(ours - theirs)[10:-10, 10:-10].mean() < 0.01


def test_the_mean_density_of_a_disc_survives():
    axis = torch.arange(129) - 64.0
    disc = (torch.hypot(axis[:, None], axis) < 40).double() * 0.2
    for window in WINDOWS:
        image = fbp(project(disc, beam=BEAM), beam=BEAM, window=window)
        assert float(image[44:85, 44:85].mean()) == pytest.approx(0.2, rel=0.005)


def test_ram_lak_samples():
    kernel = filter_kernel(ParallelBeam(size=16, pixel_cm=0.5)).numpy() * 0.5
    middle = len(kernel) // 2
    np.testing.assert_allclose(
        kernel[middle : middle + 4], [0.25, -1 / np.pi**2, 0, -1 / (9 * np.pi**2)], atol=1e-12
    )


@pytest.mark.parametrize("window", WINDOWS)
def test_filtering_is_convolution_with_the_kernel(window):
    beam = ParallelBeam(size=20, n_views=2, pixel_cm=0.3)
    rays = torch.rand(beam.sinogram_shape, dtype=torch.float64)
    direct = np.stack(
        [
            np.convolve(row, filter_kernel(beam, window=window))[
                beam.n_bins - 1 : 2 * beam.n_bins - 1
            ]
            for row in rays.numpy()
        ]
    )
    np.testing.assert_allclose(filter_sinogram(rays, beam=beam, window=window), direct, atol=1e-10)


@settings(max_examples=20)
@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 2**31))
def test_linear(a, b, seed):
    beam = ParallelBeam(size=12, n_views=6)
    g = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, *beam.sinogram_shape, generator=g, dtype=torch.float64)
    both = fbp(a * x + b * y, beam=beam)
    torch.testing.assert_close(both, a * fbp(x, beam=beam) + b * fbp(y, beam=beam))


def test_density_does_not_depend_on_the_unit_of_length():
    values = []
    for pixel_cm in (0.1, 1.0):
        beam = ParallelBeam(size=33, n_views=60, pixel_cm=pixel_cm)
        image = fbp(project(torch.full((33, 33), 0.2), beam=beam), beam=beam)
        values.append(image)
    torch.testing.assert_close(*values, atol=1e-5, rtol=1e-4)


def test_windows_are_named_in_the_error():
    with pytest.raises(ValueError, match="ramp, shepp-logan, cosine, hann"):
        fbp(torch.zeros(BEAM.sinogram_shape), beam=BEAM, window="hamming")
