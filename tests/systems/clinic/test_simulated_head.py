"""Simulated lesions: where they are said to be, and nowhere else."""

import numpy as np
import pytest

from medlib.systems.clinic.simulated_head import COLUMNS, ROWS, T1, Tissues, simulated_head


@pytest.fixture(scope="module")
def tissues():
    """A ball of white matter in a shell of grey, at 4 mm, about the middle of the template."""
    x, y, z = np.meshgrid(*[np.arange(-80, 81, 4.0)] * 3, indexing="ij")
    far = np.sqrt(x**2 + (y + 18) ** 2 + (z - 20) ** 2)
    white, brain = (far < 50).astype(float), (far < 65).astype(float)
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -80
    return Tissues((brain - white) * 0.9, white, brain, affine)


def made(tissues, seed, **how):
    return simulated_head(tissues, rng=np.random.default_rng(seed), **how)


def test_with_and_without_lesions(tissues):
    for seed in range(5):
        one = made(tissues, seed, with_lesions=True, noise_sd=0.0)
        none = made(tissues, seed, with_lesions=False, noise_sd=0.0)
        assert one.volume.shape == (12, ROWS, COLUMNS)
        assert one.volume.dtype == np.float32
        assert one.has_lesion
        assert not none.has_lesion
        assert one.volume[one.lesions].mean() > 1.1 * one.volume[~one.lesions].max() * 0.9
        assert 1 <= one.lesions.any(axis=(1, 2)).sum() <= 12


def test_one_seed_one_head(tissues):
    first, again = (made(tissues, 3, with_lesions=True) for _ in range(2))
    assert np.array_equal(first.volume, again.volume)
    assert np.array_equal(first.lesions, again.lesions)
    assert not np.array_equal(first.volume, made(tissues, 4, with_lesions=True).volume)


def test_contrast_turns_grey_and_white(tissues):
    flair = made(tissues, 0, with_lesions=False, noise_sd=0.0).volume[6]
    t1 = made(tissues, 0, with_lesions=False, noise_sd=0.0, contrast=T1).volume[6]
    middle = (slice(50, 60), slice(42, 52))
    assert flair[middle].mean() < t1[middle].mean()


@pytest.mark.parametrize("wrong", [{"noise_sd": -1}, {"radius_mm": (3, 2)}, {"brightness": (0, 1)}])
def test_bad_ranges_are_told(tissues, wrong):
    with pytest.raises(ValueError, match="outside its range"):
        made(tissues, 0, with_lesions=True, **wrong)
