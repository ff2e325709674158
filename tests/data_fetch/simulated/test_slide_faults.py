"""Faults do what they say, to the tiles and to nothing else."""

import numpy as np
import pytest

from data_fetch.simulated.slide_faults import (
    FAULTS,
    compressed,
    faded,
    knife_chatter,
    out_of_focus,
    pixelated,
)


def tiles():
    return np.random.default_rng(0).integers(90, 220, size=(4, 32, 32, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_changes_every_tile_and_leaves_the_original(name):
    before = tiles()
    after = FAULTS[name](before, rng=np.random.default_rng(1))
    assert after.shape == before.shape
    assert after.dtype == np.uint8
    assert (after != before).any(axis=(1, 2, 3)).all()
    assert np.array_equal(before, tiles())
    again = FAULTS[name](before, rng=np.random.default_rng(1))
    assert np.array_equal(after, again)


@pytest.mark.parametrize(
    ("name", "sign"),
    [("overexposed", 1), ("faded", 1), ("underexposed", -1), ("pen", -1), ("fold", -1)],
)
def test_light_goes_up_or_down(name, sign):
    after = FAULTS[name](tiles(), rng=np.random.default_rng(2)).astype(float)
    assert (sign * (after.mean(axis=(1, 2, 3)) - tiles().mean(axis=(1, 2, 3))) > 0).all()


def test_blur_keeps_the_mean_and_takes_contrast():
    after = out_of_focus(tiles(), rng=np.random.default_rng(0)).astype(float)
    assert np.allclose(after.mean(axis=(1, 2)), tiles().mean(axis=(1, 2)), atol=2)
    assert (after.std(axis=(1, 2)) < 0.5 * tiles().std(axis=(1, 2))).all()


def test_fading_scales_the_optical_density():
    tile = np.full((1, 32, 32, 3), 128, dtype=np.uint8)
    after = faded(tile, rng=np.random.default_rng(0))[0, 0, 0, 0]
    assert 0.69 < np.log10(after / 255) / np.log10(128 / 255) < 0.91


def test_blocks_have_one_colour_each():
    after = pixelated(tiles(), rng=np.random.default_rng(0))
    assert np.array_equal(after[:, ::4, ::4].repeat(4, 1).repeat(4, 2), after)
    with pytest.raises(ValueError, match="no multiple"):
        pixelated(tiles()[:, :30, :30], rng=np.random.default_rng(0))


def test_chatter_is_a_wave_of_the_optical_density():
    tile = np.full((1, 64, 64, 3), 128, dtype=np.uint8)
    after = knife_chatter(tile, rng=np.random.default_rng(0))[0, ..., 0]
    wave = np.log10(after / 255) / np.log10(128 / 255) - 1
    assert 0.04 < wave.max() < 0.16
    assert -0.16 < wave.min() < -0.04
    assert abs(wave.mean()) < 0.02


def test_compression_keeps_the_mean_and_the_size():
    after = compressed(tiles(), rng=np.random.default_rng(0)).astype(float)
    assert np.allclose(after.mean(axis=(1, 2)), tiles().mean(axis=(1, 2)), atol=8)
