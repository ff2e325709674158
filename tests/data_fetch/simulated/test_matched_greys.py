"""Tiles in the greys of others."""

import numpy as np

from data_fetch.simulated.matched_greys import LUMA, with_greys_of


def tiles(n, *, seed, size=16):
    return np.random.default_rng(seed).integers(0, 256, size=(n, size, size, 3)).astype(np.uint8)


def test_the_histogram_is_anothers_and_no_colour_is_left():
    own, other = tiles(5, seed=0), tiles(1, seed=1) // 2
    found = with_greys_of(own, other, rng=np.random.default_rng(0))
    assert np.ptp(found, axis=-1).max() == 0
    expected = np.sort(np.rint(other[0] @ LUMA).ravel())
    for each in found:
        np.testing.assert_array_equal(np.sort(each[..., 0].ravel()), expected)


def test_the_arrangement_is_its_own():
    own, other = tiles(1, seed=0), tiles(1, seed=1)
    found = with_greys_of(own, other, rng=np.random.default_rng(0))[0, ..., 0].ravel()
    grey = (own[0] @ LUMA).ravel()
    assert (np.diff(found[np.argsort(grey)].astype(int)) >= 0).all()


def test_others_of_another_size_lend_their_quantiles():
    other = tiles(1, seed=1, size=64)
    found = with_greys_of(tiles(1, seed=0), other, rng=np.random.default_rng(0))[0, ..., 0]
    lent = other[0] @ LUMA
    for share in (0.1, 0.5, 0.9):
        assert abs(np.quantile(found, share) - np.quantile(lent, share)) < 4


def test_a_flat_tile_gets_the_levels_by_lot():
    flat = np.full((1, 16, 16, 3), 77, dtype=np.uint8)
    found = with_greys_of(flat, tiles(1, seed=1), rng=np.random.default_rng(0))[0, ..., 0]
    assert len(np.unique(found)) > 50
    assert abs(np.corrcoef(found[:, :-1].ravel(), found[:, 1:].ravel())[0, 1]) < 0.2
