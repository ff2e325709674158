"""A study: draws that do not overlap, frozen arms without a step, labels that can be shuffled."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from medlib.nets.features import fit_head
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.study import Pool, gain, label_images, measure_arm


@pytest.fixture(scope="module")
def data(imagenet):
    rng = np.random.default_rng(0)
    labels = np.array([0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1])
    images = rng.integers(0, 256, size=(12, 32, 32, 3)).astype(np.uint8)
    images[labels == 1, 8:24, 8:24] //= 3
    return label_images(imagenet, images, labels)


def options(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {"steps": 2, "batch_size": 4, "generator": generator}


def test_draws_are_balanced_and_do_not_overlap(data):
    seen = []
    for draw in range(3):
        part = data.pick(4, draw=draw)
        assert part.labels.tolist() == [0, 1, 0, 1]
        seen += [tuple(row) for row in part.features.tolist()]
    assert len(set(seen)) == 12
    for n, draw in ((4, 3), (3, 0), (14, 0)):
        with pytest.raises(ValueError, match="there are 6"):
            data.pick(n, draw=draw)


def test_pick_keeps_images_labels_and_features_together(data):
    part = data.pick(6)
    for image, label, features in zip(part.images, part.labels, part.features, strict=True):
        (row,) = np.flatnonzero((data.features == features).all(1))
        assert torch.equal(data.images[row], image)
        assert data.labels[row] == label


def test_a_frozen_arm_is_the_logistic_regression_and_draws_nothing(imagenet, data):
    given = options()
    before = given["generator"].get_state()
    outcome = measure_arm(Arm("frozen", moves="head"), imagenet, data.pick(8), data, **given)
    assert torch.equal(given["generator"].get_state(), before)
    assert outcome.network is imagenet
    train = data.pick(8)
    expected = fit_head(train.features, train.labels).decision_function(data.features)
    np.testing.assert_allclose(outcome.scores, expected)
    assert outcome.test.value == pytest.approx(roc_auc_score(data.labels, expected))
    assert outcome.gap == pytest.approx(outcome.train.value - outcome.test.value)


def test_a_fine_tuned_arm_starts_where_the_frozen_one_ends(imagenet, data):
    still = Arm("still", moves="all", peak_rate=1e-12)
    frozen = measure_arm(Arm("frozen", moves="head"), imagenet, data.pick(8), data, **options())
    tuned = measure_arm(still, imagenet, data.pick(8), data, **options())
    np.testing.assert_allclose(tuned.scores, frozen.scores, atol=1e-3)
    moved = measure_arm(
        Arm("full", moves="all", peak_rate=1e-3), imagenet, data.pick(8), data, **options()
    )
    assert np.abs(moved.scores - frozen.scores).max() > 1e-2
    difference = gain(moved, frozen, data.labels)
    assert difference.value == pytest.approx(moved.test.value - frozen.test.value)
    assert gain(frozen, frozen, data.labels).high == 0


def test_shuffling_changes_the_labels_only(data):
    shuffled = data.shuffled(rng=np.random.default_rng(1))
    assert shuffled.images is data.images
    assert sorted(shuffled.labels) == sorted(data.labels)
    assert not np.array_equal(shuffled.labels, data.labels)
    assert isinstance(shuffled, Pool)
    assert len(shuffled) == 12


@pytest.mark.parametrize("n_test", [4, 5, 12])
def test_training_is_judged_on_as_many_images_as_the_test_at_most(imagenet, data, n_test):
    test = data.at(np.arange(n_test))
    outcome = measure_arm(Arm("frozen", moves="head"), imagenet, data, test, **options())
    seen = data.pick(4) if n_test < 12 else data
    head = fit_head(data.features, data.labels, strength=1e-2)
    expected = roc_auc_score(seen.labels, head.decision_function(seen.features))
    assert outcome.train.value == pytest.approx(expected)
