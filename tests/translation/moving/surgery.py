"""What the tests of fine-tuning train on: a few noisy images, and a head to start from."""

import torch
from torch import nn

from medlib.nets.efficientnet_lite import FEATURES


def data(n=12, side=32):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    images = torch.randn(n, 3, side, side, generator=generator) + labels[:, None, None, None]
    return images.contiguous(memory_format=torch.channels_last), labels


def head(seed=1):
    layer = nn.Linear(FEATURES, 2)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) / 100)
        layer.bias.zero_()
    return layer
