"""Bleeds, veins and beads: what a slice may not tell, and what the slices together must."""

import numpy as np
import pytest

from data_fetch.tasks import bleed_or_vein as module
from data_fetch.tasks.bleed_or_vein import bleed_or_vein


def light(kind, seed, **options):
    shape = {"size": 32, "slices": 9, "gap_mm": 3.0, **options}
    return module._light(kind, contrast=0.5, rng=np.random.default_rng(seed), **shape)


@pytest.mark.parametrize("seed", range(8))
def test_in_the_middle_slice_bleed_and_vein_are_the_same_spot(seed):
    vein, bleed = light("vein", seed), light("bleed", seed)
    np.testing.assert_allclose(vein[4], bleed[4], atol=1e-12)
    assert np.abs(vein[2] - bleed[2]).max() > 0.1
    # a bleed is symmetric about its middle; far from it only what both have is left
    np.testing.assert_allclose(bleed[3].max(), bleed[5].max(), atol=0.1)


def lateral_course(volume):
    """Centre of the darkness in each slice."""
    dark = 1 - volume
    rows, columns = np.indices(dark.shape[1:])
    total = dark.sum(axis=(1, 2))
    return np.stack([(dark * axis).sum(axis=(1, 2)) / total for axis in (rows, columns)], axis=1)


def alone(kind, n=400):
    """Lights without the second vein at the side."""
    found = []
    for seed in range(3 * n):
        volume = light(kind, seed)
        if (1 - volume[4]).sum() < 40 and volume[:, [0, -1]].min() > 0.99:
            found.append(volume)
    return found[:n]


def test_veins_are_straight_and_beads_are_not():
    def bend(volume):
        course = lateral_course(volume)[2:-2]
        return np.abs(np.diff(course, 2, axis=0)).max()

    assert np.median([bend(v) for v in alone("vein", 20)]) < 0.5
    assert np.median([bend(v) for v in alone("beads", 20)]) > 3


def test_a_single_slice_of_beads_is_distributed_as_a_veins():
    area = {kind: np.array([(1 - light(kind, seed)).sum(axis=(1, 2)) for seed in range(300)])
            for kind in ("vein", "beads")}  # fmt: skip
    for z in (0, 4, 8):
        vein, beads = area["vein"][:, z], area["beads"][:, z]
        error = np.hypot(vein.std(), beads.std()) / 300**0.5
        assert abs(vein.mean() - beads.mean()) < 4 * error
    # and the control: a bleed is gone in the outer slices
    bleed = np.array([(1 - light("bleed", seed)).sum(axis=(1, 2)) for seed in range(300)])
    assert bleed[:, 0].mean() < 0.7 * area["vein"][:, 0].mean()


def test_patches_are_real_anatomy_repeat_and_stay_in_their_split(monkeypatch):
    first, labels = bleed_or_vein(6, split="test", rng=np.random.default_rng(1))
    again, _ = bleed_or_vein(6, split="test", rng=np.random.default_rng(1))
    np.testing.assert_array_equal(first.array, again.array)
    assert first.array.dtype == np.uint8
    assert sorted(labels) == [0, 0, 0, 1, 1, 1]
    assert first.kind == "simulated"
    assert "no claim about patients" in first.note

    template = module.mni152("t1")
    marks = np.zeros((*template.array.shape, 1), dtype=np.float32)[..., 0] + 0.5
    for split, (y, z) in module._BOXES.items():
        marked = marks.copy()
        marked[:, y[0] : y[1], z[0] : z[1]] = 1.0  # any voxel of another split would be darker
        monkeypatch.setattr(module, "mni152", lambda kind, a=marked: template.with_array(a))
        rng = np.random.default_rng(0)
        for _ in range(20):
            patch = module._patch(marked, split=split, rng=rng, size=32, slices=9, gap_mm=3.0)
            assert patch.min() == pytest.approx(1.0)


def test_numbers_out_of_range_are_refused():
    rng = np.random.default_rng(0)
    for wrong in ({"size": 20}, {"slices": 8}, {"gap_mm": 9.0}, {"contrast": 0.0}):
        with pytest.raises(ValueError, match="outside its range"):
            bleed_or_vein(2, split="test", rng=rng, **wrong)
    with pytest.raises(ValueError, match="outside its range"):
        bleed_or_vein(3, split="test", rng=rng)
    with pytest.raises(ValueError, match="split is 'all'"):
        bleed_or_vein(2, split="all", rng=rng)
    with pytest.raises(ValueError, match="against is 'clot'; choose bleed, beads or vein"):
        bleed_or_vein(2, split="test", rng=rng, against="clot")


def test_half_of_all_patches_are_mirrored():
    """On templates that hold their own place from left to right, and from back to front."""
    places = 1 + np.indices((197, 233, 189), dtype=np.float32)[:2]
    shape = {"split": "train", "size": 24, "slices": 3, "gap_mm": 1.0}
    senses = []
    for seed in range(200):
        x, y = (module._patch(p, rng=np.random.default_rng(seed), **shape)[1] for p in places)
        down = x[9, 8] - x[8, 8], y[9, 8] - y[8, 8]
        across = x[8, 9] - x[8, 8], y[8, 9] - y[8, 8]
        senses.append(down[0] * across[1] - down[1] * across[0])
    np.testing.assert_allclose(np.abs(senses), 1, atol=1e-2)
    assert 0.35 < np.mean(np.array(senses) < 0) < 0.65  # 4 standard errors of 200


def test_one_stream_puts_every_kind_at_the_same_place():
    vein, bleed, _ = (
        bleed_or_vein(6, split="train", rng=np.random.default_rng(3), against=kind)
        for kind in ("vein", "bleed", "beads")
    )
    rival = bleed.labels == 1
    np.testing.assert_array_equal(vein.sample.array[~rival], bleed.sample.array[~rival])
    np.testing.assert_array_equal(vein.sample.array[:, 4], bleed.sample.array[:, 4])
    assert (
        (vein.sample.array[rival][:, 0] != bleed.sample.array[rival][:, 0]).any(axis=(1, 2)).all()
    )
