import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label
from scipy.stats import spearmanr
from skimage.color import hdx_from_rgb, rgb2hed, separate_stains

from data_fetch.sample import sha256_of_array
from data_fetch.simulated.histology import LABEL_NAMES, Morphology, histology_tiles
from data_fetch.simulated.laboratory import new_laboratory, reference_laboratory, scan


def tiles(n_patients=2, *, seed=0, **changes):
    options = {"tiles_per_patient": 6, "size": 64} | changes
    return histology_tiles(n_patients, rng=np.random.default_rng(seed), **options)


def test_a_patient_does_not_depend_on_how_many_are_asked_for():
    few, many = tiles(1), tiles(3)
    np.testing.assert_array_equal(few.images, many.images[:6])
    np.testing.assert_array_equal(few.density_per_mm2, many.density_per_mm2[:6])


def test_same_seed_same_bytes_and_another_seed_others():
    assert tiles().sample.sha256 == tiles().sample.sha256 == sha256_of_array(tiles().images)
    assert tiles().sample.sha256 != tiles(seed=1).sample.sha256


def test_labels_are_balanced_within_every_patient_and_laboratory():
    t = tiles(4, n_laboratories=2)
    for patient in range(4):
        own = t.patients == patient
        assert t.labels[own].sum() == 3
        assert set(t.laboratories[own]) == {patient % 2}
    assert len(LABEL_NAMES) == 2


def test_density_is_the_number_of_centres_and_its_integral_their_count():
    t = tiles(1, size=160, tiles_per_patient=4, window_um=6.0)
    for centres, density in zip(t.centres, t.density_per_mm2, strict=True):
        area_mm2 = (160 * t.um_per_px / 1000) ** 2
        # centres just beyond the edge leak in as much as those within leak out
        assert density.mean() * area_mm2 == pytest.approx(len(centres), rel=0.08)
        rows, columns = np.rint(centres).astype(int).clip(0, 159).T
        assert density[rows, columns].mean() > density.mean()


def test_density_follows_the_front_from_the_normal_to_the_tumour_value():
    fixed = Morphology(
        normal_per_mm2=(1000, 1000), tumour_per_mm2=(4500, 4500), front_width_um=(3, 3)
    )
    t = tiles(6, morphology=fixed, size=96, tiles_per_patient=8)
    assert t.density_per_mm2[t.labels == 0].mean() == pytest.approx(1000, rel=0.15)
    inside = [
        (front[tuple(np.rint(c).astype(int).clip(0, 95).T)] > 0.99).sum()
        for front, c in zip(t.tumour, t.centres, strict=True)
    ]
    deep_mm2 = (t.tumour > 0.99).sum() * 1e-6
    assert sum(inside) / deep_mm2 == pytest.approx(4500, rel=0.12)
    assert (t.tumour[t.labels == 0] == 0).all()
    crossed = (t.tumour[t.labels == 1] > 0.5).mean(axis=(1, 2))
    assert ((crossed > 0.25) & (crossed < 0.75)).all()


def test_tumour_nuclei_are_larger_darker_and_more_irregular():
    t = tiles(4, tiles_per_patient=8, laboratory_variation=0.0, keep_stains=True)
    tumour, normal = t.tumour > 0.9, t.labels[:, None, None] == 0
    assert (
        t.radius_um[tumour].mean()
        > 1.1
        * np.broadcast_to(t.radius_um, tumour.shape)[np.broadcast_to(normal, tumour.shape)].mean()
    )
    assert spearmanr(t.atypia[::4].ravel(), t.tumour[::4].ravel()).statistic > 0.4
    haematoxylin = t.stains[..., 0]
    normal = np.broadcast_to(normal, tumour.shape)
    assert haematoxylin[tumour & t.nuclei].mean() > 1.1 * haematoxylin[normal & t.nuclei].mean()


def test_there_is_a_nucleus_at_every_centre_and_no_more_objects_than_centres():
    t = tiles(2, um_per_px=0.5, size=128)
    for centres, mask in zip(t.centres, t.nuclei, strict=True):
        rows, columns = np.rint(centres).astype(int).clip(0, 127).T
        assert mask[rows, columns].mean() > 0.97
        # nuclei centred beyond the edge may show as well
        assert label(mask)[1] <= len(centres) + 12


def test_area_of_nuclei_in_um2_does_not_depend_on_the_pixel():
    fine = tiles(4, um_per_px=0.5, size=160, tiles_per_patient=8)
    coarse = tiles(4, um_per_px=1.0, size=80, tiles_per_patient=8)
    assert fine.nuclei.mean() == pytest.approx(coarse.nuclei.mean(), rel=0.1)


def test_scikit_image_finds_the_haematoxylin_that_was_put_in():
    """An outsider's stain separation against the truth, at the reference laboratory."""
    t = tiles(2, laboratory_variation=0.0, keep_stains=True)
    found = rgb2hed(t.images)
    truth = t.stains
    for channel, of in ((0, 0), (1, 1)):
        r = np.corrcoef(found[..., channel].ravel(), truth[..., of].ravel())[0, 1]
        assert r > (0.95 if channel == 0 else 0.8)


def test_dab_rings_are_brown_to_scikit_image():
    t = tiles(2, stain="H-DAB", laboratory_variation=0.0, keep_stains=True)
    found = separate_stains(t.images, hdx_from_rgb)
    assert np.corrcoef(found[..., 1].ravel(), t.stains[..., 1].ravel())[0, 1] > 0.85


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 2))
def test_scan_without_noise_is_beer_lambert(seed, variation):
    laboratory = new_laboratory(rng=np.random.default_rng(seed), variation=variation)
    assert np.linalg.norm(laboratory.vectors, axis=1) == pytest.approx([1, 1])
    stains = np.random.default_rng(seed).uniform(0, 0.8, size=(1, 6, 6, 2)).astype(np.float32)
    density = -np.log10(scan(stains, laboratory=laboratory) / np.array(laboratory.white))
    # a grey level is at most 0.5 / 20 of the light that is left
    np.testing.assert_allclose(density, stains @ np.array(laboratory.vectors), atol=0.05)


def test_laboratories_differ_and_without_variation_they_do_not():
    own = np.random.default_rng(0)
    assert new_laboratory(rng=own) != new_laboratory(rng=own)
    assert new_laboratory(rng=own, variation=0.0) == reference_laboratory()
    t = tiles(4, tiles_per_patient=6)
    colours = np.array([t.images[t.laboratories == k].mean(axis=(0, 1, 2)) for k in range(4)])
    assert np.ptp(colours, axis=0).max() > 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 16}, "size=16"),
        ({"tiles_per_patient": 1}, "tiles_per_patient=1"),
        ({"um_per_px": 5.0}, "um_per_px"),
        ({"stain": "PAS"}, "H-DAB"),
        ({"laboratory_variation": -1.0}, "variation"),
    ],
)
def test_what_is_out_of_range_is_refused_in_words(changes, message):
    with pytest.raises(ValueError, match=message):
        tiles(**changes)
