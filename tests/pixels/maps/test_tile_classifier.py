"""Fine-tuning the upper part: learns, repeats, and leaves the lower part and the source alone."""

import copy
import inspect

import pytest
import torch

from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise
from medlib.pixels.maps.tile_classifier import class_probabilities, fit_tile_classifier


@pytest.fixture(scope="module")
def source():
    return initialise(EfficientNetLite0(), generator=torch.Generator().manual_seed(0)).eval()


@pytest.fixture(scope="module")
def bright_and_dark():
    """16 noisy tiles, the second half brighter."""
    noise = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(16) // 8
    return 0.2 * noise + labels[:, None, None, None], labels


def fit(source, data, **more):
    given = {"steps": 12, "batch_size": 8, "generator": torch.Generator().manual_seed(2)}
    return fit_tile_classifier(source, *data, **{**given, **more})


def test_learns_and_repeats_to_the_bit(source, bright_and_dark):
    images, labels = bright_and_dark
    first, second = fit(source, bright_and_dark), fit(source, bright_and_dark)
    p = class_probabilities(first, images)
    assert (p.argmax(1) == labels).float().mean() > 0.9
    assert torch.equal(p, class_probabilities(second, images))
    assert not first.training


def test_the_frozen_stages_and_the_source_stay(source, bright_and_dark):
    before = copy.deepcopy(source.state_dict())
    network = fit(source, bright_and_dark, frozen_stages=5)
    assert all(torch.equal(value, before[name]) for name, value in source.state_dict().items())
    moved = {
        name
        for name, value in network.state_dict().items()
        if "classifier" not in name and not torch.equal(value, before[name])
    }
    assert {name.split(".")[0] for name in moved} == {"stages", "head"}
    assert {int(name.split(".")[1]) for name in moved if name.startswith("stages")} == {5, 6}


def test_errors_teach(source, bright_and_dark):
    images, labels = bright_and_dark
    with pytest.raises(ValueError, match="0 to 1"):
        fit(source, (images, labels + 1))
    with pytest.raises(ValueError, match="0 to 6 can stay"):
        fit(source, bright_and_dark, frozen_stages=7)
    with pytest.raises(ValueError, match="16 images, but 15 labels"):
        inspect.unwrap(fit_tile_classifier)(
            source, images, labels[:15], steps=1, generator=torch.Generator()
        )
