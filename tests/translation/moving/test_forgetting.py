"""Forgetting: nothing is forgotten by a frozen network, everything by a random one."""

import numpy as np
import pytest
import torch

from data_fetch.tasks.photograph_crops import ACCEPTED, recognisable
from medlib.nets.efficientnet_lite import initialise, preprocess
from medlib.nets.heads import with_head
from medlib.translation.moving.forgetting import (
    group_log_probability,
    source_logits,
)


@pytest.fixture(scope="module")
def memory():
    crops, groups = recognisable(24, rng=np.random.default_rng(0), size=96)
    return preprocess(crops.array), groups, ACCEPTED


def share_named(logits, groups, accepted):
    top = logits.argmax(axis=1)
    return np.mean([c in accepted[g] for c, g in zip(top, groups, strict=True)])


def test_the_original_head_on_unchanged_features_is_the_original_network(imagenet, memory):
    images, groups, accepted = memory
    with torch.no_grad():
        expected = imagenet(images).numpy()
    renewed = with_head(imagenet, torch.nn.Linear(1280, 2))
    logits = source_logits(renewed, images, source_classifier=imagenet.classifier)
    np.testing.assert_allclose(logits, expected, atol=1e-3)
    assert share_named(logits, groups, accepted) > 0.6


def test_a_random_network_knows_nothing(imagenet, memory):
    images, groups, accepted = memory
    random = with_head(imagenet, imagenet.classifier)
    initialise(random, generator=torch.Generator().manual_seed(0))
    logits = source_logits(random, images, source_classifier=imagenet.classifier)
    assert share_named(logits, groups, accepted) < 0.2
    assert group_log_probability(logits, groups, accepted=accepted) < -4


def test_log_probability_sums_the_accepted_classes():
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    value = group_log_probability(logits, np.array([0, 1]), accepted=[{1, 2}, {2}])
    assert value == pytest.approx((np.log(0.5) + np.log(0.8)) / 2)


def test_errors_teach():
    logits = np.zeros((2, 3))
    with pytest.raises(ValueError, match="2 rows of logits for 1 groups"):
        group_log_probability(logits, np.array([0]), accepted=[{0}])
    with pytest.raises(ValueError, match="group 1 has no accepted"):
        group_log_probability(logits, np.array([0, 1]), accepted=[{0}])
    with pytest.raises(ValueError, match="no images"):
        group_log_probability(np.zeros((0, 3)), np.array([], dtype=int), accepted=[{0}])
