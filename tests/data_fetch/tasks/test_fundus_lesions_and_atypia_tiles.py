"""The two tasks: balanced, without shortcuts in colour, without leaks between splits."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from data_fetch import packaged
from data_fetch.tasks import fundus_lesions as fundus
from data_fetch.tasks.atypia_tiles import atypia_tiles
from data_fetch.tasks.fundus_lesions import fundus_lesions


def lesions(n=8, *, split="train", seed=0, **settings):
    return fundus_lesions(n, split=split, rng=np.random.default_rng(seed), **settings)


def tiles(n=8, *, seed=0, **settings):
    return atypia_tiles(n, rng=np.random.default_rng(seed), **settings)


@pytest.mark.parametrize("make", [lesions, tiles])
def test_deterministic_balanced_and_labelled_simulated(make):
    (one, labels), (two, again) = make(9), make(9)
    assert one.sha256 == two.sha256
    np.testing.assert_array_equal(labels, again)
    np.testing.assert_array_equal(np.bincount(labels), [5, 4])
    assert not np.array_equal(labels, np.arange(9) % 2), "in random order"
    assert one.kind == "simulated"
    assert make(9, seed=1).sample.sha256 != one.sha256


def colour_auc(images, labels):
    """How well the mean colour alone tells the labels apart, cross-validated."""
    colour = images.reshape(len(images), -1, 3).mean(axis=1)
    colour = (colour - colour.mean(axis=0)) / colour.std(axis=0)
    return cross_val_score(LogisticRegression(), colour, labels, scoring="roc_auc", cv=5).mean()


@pytest.mark.parametrize("make", [lesions, tiles])
def test_mean_colour_does_not_tell_the_label(make):
    sample, labels = make(400)
    assert abs(colour_auc(sample.array, labels) - 0.5) < 0.12  # four standard errors of 400


def test_colour_test_would_see_a_shortcut():
    sample, labels = lesions(400)
    shifted = sample.array.astype(float)
    shifted[labels == 1, ..., 0] *= 0.9
    assert colour_auc(shifted, labels) > 0.7


def test_dot_and_streak_take_the_same_light_and_differ_in_shape():
    for seed in range(10):
        dot, streak = (
            fundus._absorption(64, dot=d, contrast=0.35, rng=np.random.default_rng(seed))[..., 1]
            for d in (True, False)
        )
        assert dot.sum() == pytest.approx(streak.sum(), rel=0.05)

        def elongation(image):
            at = np.argwhere(image > image.max() / 2)
            low, high = np.linalg.eigvalsh(np.cov(at.T, aweights=image[tuple(at.T)]))
            return np.sqrt(high / low)

        assert elongation(dot) < 1.6
        assert elongation(streak) > 2.2


def test_no_patch_crosses_from_one_split_to_another(monkeypatch):
    """On a photograph that is flat within each split, every patch must be flat."""
    real = packaged.retina()
    painted = np.zeros_like(real.array)
    for value, (top, bottom, left, right) in zip(
        (60, 120, 180), fundus._REGIONS.values(), strict=True
    ):
        painted[top:bottom, left:right] = value
    assert painted.min() == 60, "the regions cover the photograph"
    monkeypatch.setattr(fundus, "retina", lambda: real.with_array(painted))
    for split in fundus._REGIONS:
        sample, _ = lesions(200, split=split, contrast=1e-6, noise_sd=0.0)
        assert np.ptp(sample.array, axis=(1, 2)).max() == 0


def test_half_of_all_patches_are_mirrored():
    """On planes that hold their own row and column: the sense of rotation tells."""
    shape = packaged.retina().array.shape[:2]
    planes = np.stack([*np.indices(shape), np.zeros(shape)]).astype(np.float32)
    senses = []
    for seed in range(200):
        patch = fundus._patch(planes, split="train", size=32, rng=np.random.default_rng(seed))
        down, across = np.diff(patch, axis=0)[8, 8, :2], np.diff(patch, axis=1)[8, 8, :2]
        senses.append(down[0] * across[1] - down[1] * across[0])
    np.testing.assert_allclose(np.abs(senses), 1, atol=1e-2)
    assert 0.35 < np.mean(np.array(senses) < 0) < 0.65  # 4 standard errors of 200


def test_every_patch_lies_on_the_retina():
    for split in fundus._REGIONS:
        sample, _ = lesions(100, split=split, contrast=1e-6, noise_sd=0.0)
        assert sample.array[..., 0].min() > 60, "red of the retina, not the black around it"


@pytest.mark.parametrize(
    "wrong",
    [
        {"split": "all"},
        {"n": 1},
        {"size": 16},
        {"contrast": 0.0},
        {"contrast": 1.0},
        {"noise_sd": -1},
    ],
)
def test_fundus_settings_out_of_range_are_errors(wrong):
    with pytest.raises(ValueError, match=r"choose|outside its range"):
        lesions(**wrong)


def test_atypical_nuclei_are_larger_and_more_unequal():
    sample, labels = tiles(60)
    sizes = {0: [], 1: []}
    for image, label in zip(sample.array, labels, strict=True):
        dark = image[..., 0] < 110
        found, count = ndimage.label(dark)
        # whole nuclei only: those cut by the edge are smaller whatever the label
        cut = set(np.unique(np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])))
        areas = ndimage.sum_labels(dark, found, range(1, count + 1))
        sizes[int(label)] += [a for i, a in enumerate(areas, 1) if i not in cut and 15 < a < 120]
    regular, atypical = np.array(sizes[0]), np.array(sizes[1])
    assert np.median(atypical) > 1.1 * np.median(regular)
    assert atypical.std() / atypical.mean() > regular.std() / regular.mean()


@pytest.mark.parametrize("wrong", [{"n": 0}, {"size": 8}])
def test_tile_settings_out_of_range_are_errors(wrong):
    with pytest.raises(ValueError, match="outside its range"):
        tiles(**wrong)
