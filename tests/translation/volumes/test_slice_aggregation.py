"""Aggregations: who notices the order of slices, and that each can learn what it can see."""

import numpy as np
import pytest
import torch
from torch import nn

from medlib.translation.volumes.slice_aggregation import (
    AGGREGATIONS,
    AttentionOverSlices,
    SliceWise,
    fit_aggregation,
    slice_features,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", AGGREGATIONS)
def test_only_the_recurrent_one_notices_the_order(kind):
    features = torch.randn(4, 6, 5, generator=generator())
    network = fit_aggregation(
        kind, features, torch.tensor([0, 1, 0, 1]), generator=generator(1), steps=3
    )
    with torch.no_grad():
        straight, shuffled = network(features), network(features[:, [3, 1, 5, 0, 2, 4]])
    if kind == "recurrent":
        assert (straight - shuffled).abs().max() > 1e-3
    else:
        torch.testing.assert_close(straight, shuffled)


def test_attention_is_a_mean_with_weights_that_sum_to_one():
    layer = AttentionOverSlices(5)
    features = torch.randn(3, 7, 5, generator=generator())
    with torch.no_grad():
        a = layer.weights(features)
        torch.testing.assert_close(a.sum(dim=1), torch.ones(3))
        expected = layer.classifier((a[..., None] * features).sum(1))
        torch.testing.assert_close(layer(features), expected)


def order_task(n, seed):
    """Label 1: the mark comes early. Every set of slices is the same under both labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    features = rng.normal(0, 0.1, size=(n, 8, 3))
    places = np.where(labels == 1, rng.integers(0, 3, n), rng.integers(5, 8, n))
    features[np.arange(n), places, 0] += 3
    return torch.tensor(features, dtype=torch.float32), torch.tensor(labels)


@pytest.mark.parametrize(("kind", "sees"), [("mean", 0), ("attention", 0), ("recurrent", 1)])
def test_order_is_learned_by_the_recurrent_one_alone(kind, sees):
    features, labels = order_task(200, 0)
    network = fit_aggregation(kind, features, labels, generator=generator(), steps=150)
    again, truth = order_task(200, 1)
    with torch.no_grad():
        right = (network(again).argmax(dim=1) == truth).float().mean()
    assert right > 0.95 if sees else abs(right - 0.5) < 0.15


def test_one_marked_slice_is_found_by_attention():
    labels = torch.arange(200) % 2
    features = 0.3 * torch.randn(200, 8, 3, generator=generator())
    features[torch.arange(200), torch.randint(8, (200,), generator=generator(1)), 0] += 3 * labels
    network = fit_aggregation("attention", features, labels, generator=generator(), steps=150)
    with torch.no_grad():
        assert (network(features).argmax(dim=1) == labels).float().mean() > 0.95


def test_features_are_each_slices_own_and_the_fit_repeats():
    flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    volumes = torch.randn(5, 2, 4, 6, 6, generator=generator())
    features = slice_features(flat, volumes, batch_size=2)
    torch.testing.assert_close(features, volumes.mean(dim=(3, 4)).transpose(1, 2))
    torch.testing.assert_close(SliceWise(flat, nn.Identity())(volumes), features)
    labels = torch.tensor([0, 1, 0, 1, 0])
    first, second = (
        fit_aggregation("recurrent", features, labels, generator=generator(3), steps=5)
        for _ in range(2)
    )
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_bad_input_is_named():
    features = torch.zeros(4, 3, 2)
    with pytest.raises(ValueError, match="no aggregation 'median'; there are mean"):
        fit_aggregation(
            "median", features, torch.zeros(4, dtype=torch.int64), generator=generator()
        )
    with pytest.raises(ValueError, match="4 volumes, but 3 labels"):
        fit_aggregation("mean", features, torch.zeros(3, dtype=torch.int64), generator=generator())
