import numpy as np
import pytest

from medlib.pixels.ct.grid import block_means, onto_grid


def test_a_disc_keeps_its_area_and_place():
    axis = np.arange(200) - 99.5
    disc = 100.0 * (np.hypot(axis[:, None], axis) < 60)
    grid = onto_grid(disc, spacing_mm=(0.5, 0.5), size=64, pixel_mm=2.0, outside=0.0)
    assert grid.sum() * 2.0**2 == pytest.approx(disc.sum() * 0.5**2, rel=0.02)
    rows, columns = np.indices(grid.shape)
    for index in (rows, columns):
        assert (index * grid).sum() / grid.sum() == pytest.approx(31.5, abs=0.1)


def test_unequal_spacing_is_made_square():
    grid = onto_grid(np.zeros((20, 40)), spacing_mm=(2.0, 1.0), size=50, pixel_mm=1.0)
    inside = grid == 0
    assert inside.any(1).sum() == inside.any(0).sum() == 40


def test_a_slice_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"100 x 100 mm .* 1\.56 mm or more"):
        onto_grid(np.zeros((100, 100)), spacing_mm=(1, 1), size=64, pixel_mm=1.0)


def test_block_means_keep_the_mass_and_refuse_what_does_not_fit():
    images = np.random.default_rng(0).random((2, 6, 9))
    coarse = block_means(images, fold=3)
    assert coarse.shape == (2, 2, 3)
    np.testing.assert_allclose(coarse.mean((1, 2)), images.mean((1, 2)))
    with pytest.raises(ValueError, match="do not fill"):
        block_means(images, fold=2)
