import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import f1_score

from data_fetch.simulated.histology import histology_tiles
from medlib.pixels.staining.nuclei import NucleusMatch, find_nuclei, match_nuclei, unpaired_nuclei
from medlib.pixels.staining.optical_density import optical_density
from medlib.pixels.staining.stain import EOSIN, HAEMATOXYLIN, separate_stains, stain_matrix

points = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=5).map(
    lambda rows: np.array(rows, dtype=float).reshape(-1, 2)
)


@settings(deadline=None)
@given(points, points, st.floats(0.5, 6))
def test_no_other_pairing_has_more_pairs(found, truth, within):
    """Against trying every pairing."""
    got = match_nuclei(found, truth=truth, within_px=within)
    few, many = sorted((found, truth), key=len)
    near = cdist(few, many) <= within if len(few) else np.zeros((0, len(many)), bool)
    best = max(
        sum(near[i, j] for i, j in enumerate(order))
        for order in itertools.permutations(range(len(many)), len(few))
    )
    assert got.matched == best
    assert got.matched + got.invented == len(found)
    assert got.matched + got.erased == len(truth)
    swapped = match_nuclei(truth, truth=found, within_px=within)
    assert (swapped.invented, swapped.erased) == (got.erased, got.invented)
    assert len(unpaired_nuclei(found, others=truth, within_px=within)) == got.invented
    assert len(unpaired_nuclei(truth, others=found, within_px=within)) == got.erased


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_f1_is_scikit_learns(matched, invented, erased):
    match = NucleusMatch(matched, invented=invented, erased=erased)
    true = [1] * matched + [0] * invented + [1] * erased
    said = [1] * matched + [1] * invented + [0] * erased
    if true:
        assert match.f1 == pytest.approx(f1_score(true, said, zero_division=0.0))
    else:
        assert match.f1 == 1
    assert match + match == NucleusMatch(2 * matched, 2 * invented, 2 * erased)


def test_it_finds_the_nuclei_of_simulated_tissue_where_they_are():
    """An image with known centres, through scan, optical density and separation."""
    tiles = histology_tiles(
        4, rng=np.random.default_rng(0), tiles_per_patient=4, laboratory_variation=0.0
    )
    rgb = torch.from_numpy(tiles.images).permute(0, 3, 1, 2) / 255
    density = optical_density(rgb, white=243 / 255)
    haematoxylin = separate_stains(density, matrix=stain_matrix(HAEMATOXYLIN, EOSIN))[:, 0]
    total = NucleusMatch(0, 0, 0)
    for image, centres in zip(haematoxylin.double().numpy(), tiles.centres, strict=True):
        found = find_nuclei(image, threshold=0.3, radius_px=3.0)
        total += match_nuclei(found, truth=centres, within_px=4.0)
    assert total.f1 > 0.9


def test_nothing_is_found_in_empty_tissue_and_two_close_peaks_are_one_nucleus():
    assert len(find_nuclei(np.zeros((20, 20)), threshold=0.1, radius_px=3.0)) == 0
    rows, columns = np.mgrid[:40, :40]
    spots = sum(np.exp(-((rows - 20) ** 2 + (columns - c) ** 2) / 8.0) for c in (10.0, 12.0, 30.0))
    assert len(find_nuclei(spots, threshold=0.2, radius_px=4.0)) == 2


def test_radii_must_be_positive():
    with pytest.raises(ValueError, match="radius_px"):
        find_nuclei(np.zeros((9, 9)), threshold=0.1, radius_px=0.5)
    with pytest.raises(ValueError, match="within_px"):
        match_nuclei(np.zeros((1, 2)), truth=np.zeros((1, 2)), within_px=0.0)
