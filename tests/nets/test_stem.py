"""The one-channel stem: the colour stem's answer to grey images, exactly as linearity says."""

import pytest
import torch
from torch import nn

from medlib.nets.stem import one_channel_stem


def test_a_grey_image_gets_the_same_answer(imagenet):
    grey = torch.rand(2, 1, 33, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1
    stem = imagenet.stem[0]
    with torch.no_grad():
        torch.testing.assert_close(
            one_channel_stem(stem)(grey), stem(grey.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-5
        )
        # the red kernel alone is not enough
        assert not torch.allclose(
            nn.functional.conv2d(grey, stem.weight[:, :1], stride=2, padding=1),
            nn.functional.conv2d(grey, one_channel_stem(stem).weight, stride=2, padding=1),
            atol=1e-2,
        )
    assert type(one_channel_stem(stem)) is type(stem)
    assert stem.weight.shape[1] == 3


def test_bias_is_added_once():
    conv = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        conv.weight.fill_(1.0)
        conv.bias.fill_(5.0)
    assert one_channel_stem(conv)(torch.ones(1, 1, 1, 1)).flatten().tolist() == [8.0, 8.0]


def test_a_grouped_layer_is_refused():
    with pytest.raises(ValueError, match="3 groups"):
        one_channel_stem(nn.Conv2d(3, 3, 3, groups=3))
