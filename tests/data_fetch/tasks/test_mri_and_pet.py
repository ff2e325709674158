"""Each lesion is where it is dealt, the splits share nothing, and luck stays the same."""

import numpy as np
import pytest

from data_fetch.tasks.mri_and_pet import LEVELS_MM, TwoLooks, _places, blurred, mri_and_pet


def drawn(n=40, seed=0, split="train", **options):
    return mri_and_pet(n, split=split, rng=np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def scenes():
    return drawn()


def test_a_lesion_changes_what_is_dealt_and_nothing_else(scenes):
    own = scenes.scan(psf_mm=0.0, counts=1e4).array
    plain = scenes.scan(psf_mm=0.0, counts=1e4, lesion_in="neither").array
    changed = [(own[:, m] != plain[:, m]).any(axis=(1, 2)) for m in (0, 1)]
    np.testing.assert_array_equal(changed[0], np.isin(scenes.seen_by, (0, 2)))
    np.testing.assert_array_equal(changed[1], np.isin(scenes.seen_by, (1, 2)))


def test_a_lesion_has_the_size_of_its_contrast(scenes):
    both = scenes.scan(lesion_in="both", psf_mm=0.0, counts=1e6, noise_sd=0.0).array
    plain = scenes.scan(lesion_in="neither", psf_mm=0.0, counts=1e6, noise_sd=0.0).array
    core = scenes.lesion[:, 6:-6, 6:-6] > 0.98
    np.testing.assert_allclose((both / np.maximum(plain, 1e-6))[:, 0][core], 0.75, atol=0.01)
    np.testing.assert_allclose((both - plain)[:, 1][core], 0.5, atol=0.03)


def test_counts_have_the_mean_and_the_variance_of_counts():
    many = drawn(400)
    pet = many.scan(counts=20.0, lesion_in="neither").array[:, 1]
    mean = blurred(many.uptake(), psf_mm=6.0)
    standard = (pet - mean) / np.sqrt(mean / 20.0)
    assert abs(standard.mean()) < 0.01
    assert standard.var() == pytest.approx(1.0, abs=0.02)


def test_tissues_take_up_what_is_said(scenes):
    uptake = scenes.uptake()
    assert uptake[scenes.grey > 0.95].mean() == pytest.approx(1.0, abs=0.05)
    assert uptake[scenes.white > 0.95].mean() == pytest.approx(0.25, abs=0.03)


def test_the_blur_keeps_the_sum_and_has_its_width():
    point = np.zeros((1, 53, 53))
    point[0, 26, 26] = 1.0
    seen = blurred(point, psf_mm=6.0)[0]
    assert seen.sum() == pytest.approx(1.0, abs=1e-3)
    across = seen[20]
    half = across.max() / 2
    assert across[20] > half
    # 6 mm are 3 pixels: half of the height lies 1.5 pixels from the middle
    assert np.interp(1.5, np.arange(10), across[20:30]) == pytest.approx(half, rel=0.06)


def test_splits_share_no_level():
    levels = {split: set(_places(split)[:, 1]) for split in LEVELS_MM}
    for one in levels:
        for other in levels:
            assert one == other or not levels[one] & levels[other]


def test_patch_i_does_not_depend_on_how_many_there_are(scenes):
    few = drawn(3)
    np.testing.assert_array_equal(few.scan().array, scenes.scan().array[:3])


def test_every_lesion_can_be_seen_and_lies_inside(scenes):
    assert (scenes.masks.sum(axis=(1, 2)) >= 6).all()
    assert 0.01 < scenes.masks.mean() < 0.06
    assert not scenes.masks[:, 0].any()
    assert (scenes.masks & scenes.brain).sum() / scenes.masks.sum() > 0.95


def test_a_third_is_seen_by_each():
    shares = np.bincount(drawn(600).seen_by) / 600
    assert shares == pytest.approx([1 / 3] * 3, abs=0.08)


def test_the_same_luck_at_another_dose(scenes):
    low, high = (scenes.scan(counts=c, lesion_in="neither").array for c in (20.0, 2000.0))
    np.testing.assert_array_equal(low[:, 0], high[:, 0])
    mean = blurred(scenes.uptake(), psf_mm=6.0)
    apart = [np.corrcoef((each[:, 1] - mean)[scenes.brain],
                         scenes.pet_luck[scenes.brain])[0, 1] for each in (low, high)]  # fmt: skip
    assert min(apart) > 0.7


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"split": "all"}, "split is 'all'"),
        ({"n": 0}, "n=0"),
        ({"size": 20}, "size=20"),
        ({"counts": (5.0, 1.0)}, "counts="),
        ({"look": TwoLooks(radius_mm=(3.0, 1.0))}, "must rise"),
    ],
)
def test_what_is_out_of_range_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        drawn(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"counts": 0.0}, {"psf_mm": -1.0}, {"noise_sd": -1.0}, {"lesion_in": "CT"}]
)
def test_a_scan_that_cannot_be_made_is_refused(scenes, wrong):
    with pytest.raises(ValueError, match="is"):
        scenes.scan(**wrong)
