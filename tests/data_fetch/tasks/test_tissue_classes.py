"""Tissue classes: exchangeable patients, and nuclei that differ as their names say."""

import numpy as np
import pytest

from data_fetch.simulated.laboratory import new_laboratory, reference_laboratory
from data_fetch.tasks.tissue_classes import KNOWN, SHARES, TISSUES, tissue_tiles

HOME = [reference_laboratory()]


def tiles(n, seed=0, **options):
    return tissue_tiles(n, rng=np.random.default_rng(seed), laboratories=HOME, **options)


def dark(images):
    """Share of pixels in which haematoxylin dominates."""
    return (images[..., 0] < 130).mean(axis=(1, 2))


def test_shares_names_and_patients():
    found = tiles(400)
    assert found.names == KNOWN
    assert np.allclose(np.bincount(found.labels) / 400, SHARES, atol=0.07)
    assert found.patients.tolist() == list(range(400))
    assert found.sample.array.dtype == np.uint8


def test_is_repeatable_and_a_full_batch_does_not_change_when_its_size_stays():
    assert np.array_equal(tiles(30).sample.array, tiles(30).sample.array)
    assert not np.array_equal(tiles(30).sample.array, tiles(30, seed=1).sample.array)


def test_tissues_differ_in_their_nuclei_as_they_should():
    area = {name: dark(tiles(30, tissues=(name,)).sample.array).mean() for name in TISSUES}
    assert area["necrosis"] < area["normal brain"] < area["low grade"] < area["diffuse glioma"]
    assert area["lymphoma"] > 2 * area["normal brain"]


def test_giant_cells_are_not_cut_off():
    from skimage.measure import label, regionprops

    images = tiles(30, tissues=("giant cell",)).sample.array
    longest = max(r.axis_major_length for x in images for r in regionprops(label(x[..., 0] < 130)))
    assert longest > 21  # what the narrower frame of one_tile_each could show of one nucleus


def test_each_patient_is_of_one_of_the_laboratories():
    places = [new_laboratory(rng=np.random.default_rng(i), variation=3.0) for i in (0, 1)]
    both = tissue_tiles(40, rng=np.random.default_rng(0), laboratories=places)
    one = tissue_tiles(40, rng=np.random.default_rng(0), laboratories=places[:1])
    between = np.ptp(both.sample.array.mean(axis=(1, 2)), axis=0).sum()
    assert between > np.ptp(one.sample.array.mean(axis=(1, 2)), axis=0).sum()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="no tissue 'heart'"):
        tiles(2, tissues=("heart",))
    with pytest.raises(ValueError, match="sum 1"):
        tiles(2, shares=(0.5, 0.5, 0.5))
    with pytest.raises(ValueError, match="outside its range"):
        tissue_tiles(2, rng=np.random.default_rng(0), laboratories=[])
