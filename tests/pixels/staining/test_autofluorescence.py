import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from medlib.pixels.staining.autofluorescence import Glow, autofluorescence, gaussian_blur


def test_without_noise_and_blur_it_is_the_formula():
    stains = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    glow = Glow(blur_px=0.0, photons=1e12)
    light = autofluorescence(stains, rng=np.random.default_rng(0), glow=glow)
    h, d = stains[:, 0], stains[:, 1]
    expected = torch.stack(
        [
            (b + g * d) * 10 ** (-a * h)
            for b, g, a in zip(glow.base, glow.gain, glow.absorption, strict=True)
        ],
        1,
    )
    torch.testing.assert_close(light, expected, rtol=1e-4, atol=1e-5)


def test_noise_is_that_of_counted_photons():
    flat = torch.zeros(1, 2, 200, 200).double()
    light = autofluorescence(flat, rng=np.random.default_rng(0), glow=Glow(photons=500.0))
    variance = light.var((0, 2, 3)).numpy()
    np.testing.assert_allclose(variance, np.array(Glow().base) / 500, rtol=0.03)


def test_nuclei_are_dark_and_an_invisible_target_leaves_no_trace():
    nucleus, target = torch.zeros(2, 1, 2, 20, 20)
    nucleus[:, 0] = 1.0
    target[:, 1] = 1.0
    bare = torch.zeros(1, 2, 20, 20)

    def light(x, v):
        own = Glow(visibility=v, photons=1e9)
        return autofluorescence(x, rng=np.random.default_rng(0), glow=own).mean((0, 2, 3))

    assert bool((light(nucleus, 1.0) < light(bare, 1.0)).all())
    assert bool((light(target, 1.0) > light(bare, 1.0) + 0.05).all())
    torch.testing.assert_close(light(target, 0.0), light(bare, 0.0), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("sd", [0.6, 1.0, 2.5])
def test_blur_is_scipys(sd):
    image = torch.rand(1, 2, 40, 40, generator=torch.Generator().manual_seed(1)).double()
    theirs = gaussian_filter(image[0, 1].numpy(), sd, mode="nearest", radius=max(1, round(4 * sd)))
    np.testing.assert_allclose(gaussian_blur(image, sd_px=sd)[0, 1].numpy(), theirs, atol=1e-12)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="two dyes"):
        autofluorescence(torch.zeros(1, 1, 4, 4), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="photons"):
        Glow(photons=0.0)
    with pytest.raises(ValueError, match="each channel"):
        Glow(base=(0.1, 0.2))
