"""Scores: each is its own measure, a pair at a time; the known field scores best."""

import warnings

import numpy as np
import pytest
import torch

from medlib.translation.registration.known_warp import known_warp, random_velocities
from medlib.translation.registration.registration_scores import label_scores, score_registration
from medlib.translation.registration.warp import warp_labels
from tests.translation.registration.fields import noise

SPACING = (1.0, 2.0)


def scene(n=2):
    """Labels 1 and 2, and what a known field makes of them."""
    own = np.random.default_rng(0)
    v = random_velocities(
        n, grid=(40, 30), spacing_mm=SPACING, smoothness_mm=8.0, largest_mm=5.0, rng=own,
        margin_mm=8.0,
    )  # fmt: skip
    known = known_warp(v)
    moving = torch.zeros(n, 1, 40, 30, dtype=torch.int64)
    moving[..., 8:32, 6:24], moving[..., 14:26, 10:20] = 1, 2
    return warp_labels(moving, by_voxels=known.by_voxels), moving, known


def scored(by, back, fixed, moving, **options):
    return score_registration(
        by, back_voxels=back, fixed_labels=fixed, moving_labels=moving, labels=[1, 2],
        mask=fixed[:, 0] > 0, spacing_mm=SPACING, **options,
    )  # fmt: skip


def test_the_known_field_is_perfect_and_none_is_not():
    fixed, moving, known = scene()
    best = scored(known.by_voxels, known.back_voxels, fixed, moving, known=known.by_voxels)
    np.testing.assert_array_equal(best.dice, 1)
    np.testing.assert_array_equal(best.surface_mm, 0)
    np.testing.assert_array_equal(best.error_mm, 0)
    assert (best.inverse_mm < 0.1).all()
    assert not best.folded.any()
    nothing = torch.zeros_like(known.by_voxels)
    worst = scored(nothing, nothing, fixed, moving, known=known.by_voxels)
    assert (worst.dice < 0.99).all()
    assert (worst.error_mm > 0.5).all()
    np.testing.assert_array_equal(worst.log_jacobian_sd, 0)


def test_a_tear_is_counted_though_the_labels_overlap():
    fixed, moving, known = scene()
    torn = known.by_voxels.clone()
    torn[0, 0, 20, 15] += 3.0
    found = scored(torn, known.back_voxels, fixed, moving)
    assert found.folded[0] > 0 == found.folded[1]
    assert found.folded_central[0] < found.folded[0]
    assert found.dice[0].min() > 0.99
    assert np.isnan(found.error_mm).all()


def test_dice_is_as_by_hand_and_surfaces_lie_between_monais_two_ways():
    ours, truth = ((noise(2, 1, 20, 20, seed=s) * 3).long() for s in (0, 1))
    dice, surface_mm = label_scores(ours, truth, labels=[1, 2], spacing_mm=SPACING)
    a, b = (x.numpy() == 2 for x in (ours, truth))
    by_hand = 2 * (a & b).sum((1, 2, 3)) / (a.sum((1, 2, 3)) + b.sum((1, 2, 3)))
    np.testing.assert_allclose(dice[:, 1], by_hand)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI warns of an argument of its own
        from monai.metrics import compute_average_surface_distance as theirs

        both = [
            theirs(*map(torch.from_numpy, pair), include_background=True, spacing=SPACING).numpy()
            for pair in ((a, b), (b, a))
        ]
    low, high = (np.minimum(*both)[:, 0], np.maximum(*both)[:, 0])
    assert ((low - 1e-6 <= surface_mm[:, 1]) & (surface_mm[:, 1] <= high + 1e-6)).all()


def test_a_label_that_is_missing_is_nan_and_not_perfect():
    labels = torch.ones(1, 1, 8, 8, dtype=torch.int64)
    dice, surface_mm = label_scores(labels, labels, labels=[1, 5], spacing_mm=(1.0, 1.0))
    assert dice[0, 0] == 1
    assert np.isnan([dice[0, 1], surface_mm[0, 1]]).all()


def test_nothing_to_score_is_refused():
    labels = torch.ones(1, 1, 8, 8, dtype=torch.int64)
    with pytest.raises(ValueError, match="name one"):
        label_scores(labels, labels, labels=[], spacing_mm=(1.0, 1.0))
