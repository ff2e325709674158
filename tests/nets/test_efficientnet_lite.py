"""EfficientNet-Lite0: the same function as another implementation's, and it knows a cat."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from data_fetch import packaged
from medlib.nets.efficientnet_lite import (
    DEPTHS,
    STAGES,
    EfficientNetLite0,
    SameConv2d,
    _same_padding,
    initialise,
    load_imagenet,
    preprocess,
)

GOLDEN = Path(__file__).parent.parent / "golden" / "efficientnet_lite0.json"
CATS = {281, 282, 285}  # tabby, tiger cat, Egyptian cat


@pytest.fixture(scope="module")
def network():
    return load_imagenet(packaged.imagenet_weights_path())


@pytest.fixture(scope="module")
def cat():
    return packaged.photograph("cat").array


@torch.no_grad()
def top_class(network, photograph, *, side=224):
    height, width = photograph.shape[:2]
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    crop = photograph[top : top + square, left : left + square]
    images = preprocess(crop)
    images = nn.functional.interpolate(images, side, mode="bilinear", antialias=True)
    return int(network(images).argmax())


def test_equals_the_peer_whose_weights_these_are(network, cat):
    golden = json.loads(GOLDEN.read_text())
    with torch.no_grad():
        logits = network(preprocess(cat[20:244, 100:324]))[0]
    expected = golden["logits_of_classes_0_to_299"]
    np.testing.assert_allclose(logits[:300].numpy(), expected, atol=2e-3)
    assert int(logits.argmax()) == golden["argmax"]


def test_recognises_photographs(network, cat):
    assert top_class(network, cat) in CATS
    assert top_class(network, packaged.photograph("coffee").array) == 967  # espresso
    assert top_class(network, packaged.photograph("camera").array) == 872  # tripod


def test_has_the_published_size():
    network = EfficientNetLite0()
    assert sum(p.numel() for p in network.parameters()) == 4_652_008
    assert sum(stage.blocks for stage in STAGES) == 16
    assert not any("Sigmoid" in type(m).__name__ for m in network.modules())


def test_depths_run_from_stem_to_head(network):
    with torch.no_grad():
        maps = network.depths(torch.zeros(1, 3, 64, 64))
    assert len(maps) == len(DEPTHS) == 9
    assert [m.shape[1] for m in maps] == [32, *(stage.channels for stage in STAGES), 1280]
    assert [m.shape[-1] for m in maps] == [32, 32, 16, 8, 4, 4, 2, 2, 2]
    assert maps[-1].amax() <= 6
    assert maps[3].is_contiguous(memory_format=torch.channels_last)


def test_logits_are_the_classifier_of_the_features(network, cat):
    images = preprocess(cat[:64, :64])
    with torch.no_grad():
        expected = network.classifier(network.features(images))
        assert torch.equal(network(images), expected)


@pytest.mark.parametrize("size", [8, 9, 10, 11])
@pytest.mark.parametrize("kernel", [3, 5])
def test_same_padding_gives_ceil_of_half_and_leans_right(size, kernel):
    before, after = _same_padding(size, kernel=kernel, stride=2)
    assert (size + before + after - kernel) // 2 + 1 == -(-size // 2)
    assert 0 <= after - before <= 1
    conv = SameConv2d(1, 1, kernel, 2, padding=kernel // 2, bias=False)
    image = torch.randn(1, 1, size, size)
    by_hand = nn.functional.conv2d(
        nn.functional.pad(image, (before, after, before, after)), conv.weight, stride=2
    )
    assert torch.equal(conv(image), by_hand)


def test_preprocess_keeps_order_and_refuses_what_it_cannot_mean():
    image = np.zeros((4, 6, 3), dtype=np.uint8)
    image[1, 2, 0] = 255
    x = preprocess(image)
    assert x.shape == (1, 3, 4, 6)
    assert x[0, 0, 1, 2] == 1
    assert x[0, 1, 1, 2] == -127 / 128
    with pytest.raises(ValueError, match="expects uint8"):
        preprocess(image / 255)
    with pytest.raises(ValueError, match="RGB"):
        preprocess(np.zeros((2, 4, 6), dtype=np.uint8))


def test_initialise_depends_on_its_generator_only():
    def start(seed):
        return initialise(
            EfficientNetLite0(classes=2), generator=torch.Generator().manual_seed(seed)
        ).state_dict()

    first, again, other = start(1), start(1), start(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.0.weight"], other["head.0.weight"])
    depthwise = first["stages.3.1.depthwise.0.weight"]
    assert depthwise.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.05)
    # A signal keeps its size through the depths, neither fading nor exploding.
    network = EfficientNetLite0(classes=2)
    network.load_state_dict(first)
    network.train()
    maps = network.depths(torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(3)))
    assert all(0.05 < m.std() < 20 for m in maps)


def test_other_weights_are_refused(tmp_path, network):
    with pytest.raises(ValueError, match="not EfficientNet-Lite0's weights"):
        load_imagenet({"_fc.weight": torch.zeros(10, 1280), "_fc.bias": torch.zeros(10)})
    with pytest.raises(ValueError, match="not EfficientNet-Lite0's weights"):
        load_imagenet({"conv1.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match="not EfficientNet-Lite0's weights"):
        load_imagenet({"_blocks.16._bn1.weight": torch.zeros(1)})
    with pytest.raises(FileNotFoundError):
        load_imagenet(tmp_path / "none.pth")
