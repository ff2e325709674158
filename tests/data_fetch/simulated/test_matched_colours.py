"""Tiles with the colours of others."""

import numpy as np

from data_fetch.simulated.matched_colours import with_colours_of


def test_mean_and_spread_are_those_of_another_and_structure_stays():
    rng = np.random.default_rng(0)
    own = rng.normal(100, 20, size=(6, 32, 32, 3)).clip(0, 255).astype(np.uint8)
    other = rng.normal(150, 10, size=(3, 16, 16, 3)).clip(0, 255).astype(np.uint8)
    found = with_colours_of(own, other, rng=rng).astype(float)
    means = other.astype(float).mean(axis=(1, 2))
    assert all(np.abs(f.mean(axis=(0, 1)) - means).max(axis=1).min() < 1 for f in found)
    assert np.allclose(found.std(axis=(1, 2)), 10, atol=1)
    r = np.corrcoef(found[0, ..., 0].ravel(), own[0, ..., 0].ravel())[0, 1]
    assert r > 0.99


def test_a_flat_tile_stays_flat():
    flat = np.full((1, 8, 8, 3), 77, dtype=np.uint8)
    other = np.random.default_rng(0).integers(0, 255, size=(1, 8, 8, 3)).astype(np.uint8)
    found = with_colours_of(flat, other, rng=np.random.default_rng(0))
    assert np.ptp(found, axis=(1, 2)).max() == 0
