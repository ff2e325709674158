import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_fetch.packaged import mni152
from data_fetch.sample import sha256_of_array
from data_fetch.simulated import head_ct
from data_fetch.simulated.head_ct import HeadTissues, HeadVariation, ct_slices
from data_fetch.simulated.lesion import insert_lesion, lesion_profile, lesion_site

STILL = HeadVariation(rotation_deg=0, scale=0, shift_mm=0, elastic_mm=0)


def heads(n=2, *, seed=0, **settings):
    return ct_slices(
        n, rng=np.random.default_rng(seed), **({"size": 104, "pixel_mm": 2.5} | settings)
    )


def test_slice_i_does_not_depend_on_how_many_are_asked_for():
    np.testing.assert_array_equal(heads(3).array[:2], heads(2).array)


def test_same_seed_same_slices_and_another_seed_others():
    assert heads().sha256 == heads().sha256 == sha256_of_array(heads().array)
    assert heads().sha256 != heads(seed=1).sha256


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_every_slice_is_a_head_in_hounsfield_units(plane):
    for image in heads(6, plane=plane).array:
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        np.testing.assert_array_equal(border, -1000)
        inside = image[(image > -5) & (image < 100)]
        assert 25 < np.median(inside) < 42, "between white and grey matter"
        assert 700 < image.max() < 1500, "bone"
        area_mm2 = inside.size * 2.5**2
        assert 5_000 < area_mm2 < 30_000


def test_tissues_have_the_values_that_were_asked_for():
    """With one value per tissue: every value inside is a mixture of grey, white and fluid."""
    one = HeadTissues(
        grey_hu=(40, 40), white_hu=(30, 30), fluid_hu=(5, 5), table_hu=(1200, 1200),
        diploe_hu=(800, 800)
    )  # fmt: skip
    image = ct_slices(
        1, rng=np.random.default_rng(0), tissues=one, variation=STILL, size=256, pixel_mm=1.0
    ).array[0]
    middle = image[90:166, 100:156]
    assert middle.min() >= 5 - 1e-3
    assert middle.max() <= 40 + 1e-3
    assert np.ptp(middle) > 20
    assert image.max() == pytest.approx(1200, abs=1)


def test_grey_and_white_matter_lie_where_the_template_has_them():
    one = HeadTissues(grey_hu=(40, 40), white_hu=(30, 30), fluid_hu=(5, 5))
    for kind, hu in (("gm", 40), ("wm", 30)):
        template = mni152(kind)
        surest = np.unravel_index(template.array.argmax(), template.array.shape)
        place_mm = (template.affine @ [*surest, 1])[:3].reshape(3, 1, 1)
        found = head_ct._hounsfield(
            head_ct._anatomy(), place_mm, tissues=one, pixel_mm=1.0, rng=np.random.default_rng(0)
        )
        assert found[0, 0] == pytest.approx(hu, abs=0.5)


def test_area_in_mm2_does_not_depend_on_the_pixel():
    fine, coarse = (
        heads(2, pixel_mm=p, size=round(256 / p), variation=STILL).array > -500 for p in (1.0, 2.0)
    )
    np.testing.assert_allclose(coarse.sum((1, 2)) * 4.0, fine.sum((1, 2)), rtol=0.01)


def test_head_without_variation_is_symmetric_left_to_right():
    image = heads(1, variation=STILL, size=256, pixel_mm=1.0).array[0]
    middle = (np.arange(256) * (image > -500)).sum() / (image > -500).sum()
    assert middle == pytest.approx(127.5, abs=0.01)
    np.testing.assert_allclose(image, image[:, ::-1], atol=0.1)


def test_mixed_holds_more_than_one_plane():
    shapes = {((image > -500).any(axis=1).sum() // 8) for image in heads(8, plane="mixed").array}
    assert len(shapes) > 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"n": 0}, "at least one"), ({"plane": "oblique"}, "choose"), ({"size": 64}, "truncated")],
)
def test_settings_out_of_range_are_errors(wrong, says):
    with pytest.raises(ValueError, match=says):
        heads(**wrong)


FLAT = np.full((96, 96), 30.0)


@given(
    contrast_hu=st.floats(-50, 50),
    diameter_mm=st.floats(6, 20),
    pixel_mm=st.floats(0.4, 1.0),
    edge_mm=st.floats(0.5, 1.0),
    centre=st.tuples(st.floats(40, 55), st.floats(40, 55)),
)
@settings(max_examples=40, deadline=None)
def test_lesion_adds_the_signal_that_its_formula_states(
    contrast_hu, diameter_mm, pixel_mm, edge_mm, centre
):
    added = (
        insert_lesion(
            FLAT,
            contrast_hu=contrast_hu,
            diameter_mm=diameter_mm,
            centre=centre,
            pixel_mm=pixel_mm,
            edge_mm=edge_mm,
        )
        - FLAT
    )
    expected = contrast_hu * np.pi * (diameter_mm**2 / 4 + edge_mm**2)
    assert added.sum() * pixel_mm**2 == pytest.approx(expected, rel=0.02, abs=1e-6)
    assert np.abs(added).max() <= abs(contrast_hu) + 1e-9


def test_lesion_in_a_batch_is_the_same_signal_for_all():
    batch = np.stack([FLAT, FLAT + 5]).astype(np.float32)
    settings = {"diameter_mm": 8.0, "centre": (40, 50), "pixel_mm": 0.5}
    added = insert_lesion(batch, contrast_hu=-4.0, **settings) - batch
    np.testing.assert_allclose(added[0], added[1], atol=1e-5)
    np.testing.assert_allclose(added[0], -4 * lesion_profile((96, 96), **settings), atol=1e-5)
    assert batch.max() == 35, "the input is not changed"


@pytest.mark.parametrize("wrong", [{"diameter_mm": 0}, {"edge_mm": -1}, {"centre": (2, 50)}])
def test_lesion_must_be_positive_and_inside(wrong):
    good = {"diameter_mm": 8.0, "centre": (40, 50), "pixel_mm": 0.5, "edge_mm": 0.5}
    with pytest.raises(ValueError, match=r"must be > 0|leaves the image"):
        insert_lesion(FLAT, contrast_hu=5.0, **(good | wrong))


def test_lesion_site_has_tissue_all_around():
    image = heads(1, size=256, pixel_mm=1.0).array[0]
    rng = np.random.default_rng(3)
    down, across = np.mgrid[:256, :256]
    for _ in range(20):
        row, column = lesion_site(image, diameter_mm=10, pixel_mm=1.0, rng=rng)
        covered = image[np.hypot(down - row, across - column) <= 5]
        assert covered.min() >= 15
        assert covered.max() <= 50


def test_lesion_too_large_for_the_tissue_says_how_much_room_there_is():
    with pytest.raises(ValueError, match=r"widest tissue .* is \d+"):
        lesion_site(FLAT, diameter_mm=200, pixel_mm=1.0, rng=np.random.default_rng(0))
