import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.pixels.ct.fbp import WINDOWS, fbp
from medlib.pixels.ct.noise_propagation import fbp_variance
from medlib.pixels.ct.projection import ParallelBeam


@settings(max_examples=12)
@given(
    st.integers(2, 7),
    st.integers(1, 5),
    st.sampled_from(WINDOWS),
    st.floats(0.1, 2.0),
    st.integers(0, 2**31),
)
def test_equals_the_squared_matrix(size, n_views, window, pixel_cm, seed):
    """Column by column: FBP of a single ray, squared, weighted by that ray's variance."""
    beam = ParallelBeam(size=size, n_views=n_views, pixel_cm=pixel_cm)
    g = torch.Generator().manual_seed(seed)
    variance = torch.rand(beam.sinogram_shape, generator=g, dtype=torch.float64)
    n_rays = n_views * beam.n_bins
    rays = torch.eye(n_rays, dtype=torch.float64).reshape(n_rays, *beam.sinogram_shape)
    columns = fbp(rays, beam=beam, window=window)
    exact = (columns.square() * variance.reshape(-1, 1, 1)).sum(0)
    got = fbp_variance(variance, beam=beam, window=window)
    torch.testing.assert_close(got, exact, rtol=1e-5, atol=0.0)


def test_monte_carlo():
    beam = ParallelBeam(size=24, n_views=30, pixel_cm=0.2)
    g = torch.Generator().manual_seed(0)
    variance = 0.1 + torch.rand(beam.sinogram_shape, generator=g)
    noise = torch.randn(4000, *beam.sinogram_shape, generator=g) * variance.sqrt()
    measured = fbp(noise, beam=beam, window="hann").var(0)
    ratio = measured / fbp_variance(variance, beam=beam, window="hann")
    assert float(ratio.mean()) == pytest.approx(1, abs=0.01)
    assert float(ratio.std()) < 1.5 * (2 / 4000) ** 0.5


def test_batches():
    beam = ParallelBeam(size=8, n_views=5)
    variance = torch.rand(2, 3, *beam.sinogram_shape)
    both = fbp_variance(variance, beam=beam)
    assert both.shape == (2, 3, 8, 8)
    torch.testing.assert_close(both[1, 2], fbp_variance(variance[1, 2], beam=beam))


def test_a_negative_variance_is_refused():
    beam = ParallelBeam(size=8, n_views=5)
    with pytest.raises(ValueError, match="not residuals"):
        fbp_variance(-torch.ones(beam.sinogram_shape), beam=beam)
