"""Normalisation, pooling and dropout of planes in the form that does the same to volumes."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["in_three_dimensions"]


def in_three_dimensions(
    module: nn.Module, *, name: str = "", strided_depth: bool = False
) -> nn.Module:
    """Return the layer that does to a volume what `module` does to a plane.

    Normalisations keep every number: a channel has one mean and one variance, however many axes
    its places have. Pooling stays within its slice unless `strided_depth`; pooling to a given size
    (the mean over all places at a network's end) takes all slices together.

    Args:
        module: any layer but a convolution.
        name: of the layer in its network, for the message.
        strided_depth: True lets a pooling window reach along depth as far as along the rows.

    Returns:
        The new layer, or `module` itself where the number of axes makes no difference.

    Raises:
        ValueError: a 2D layer that has no 3D form here.

    Example:
        >>> in_three_dimensions(nn.MaxPool2d(2))(torch.zeros(1, 4, 5, 8, 8)).shape
        torch.Size([1, 4, 5, 4, 4])
    """
    if isinstance(module, nn.BatchNorm2d):
        new = nn.BatchNorm3d(
            module.num_features, module.eps, module.momentum, module.affine,
            module.track_running_stats,
        )  # fmt: skip
        new.load_state_dict(module.state_dict())
        return new.to(next(iter(module.state_dict().values()), torch.empty(0)).device)
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        along = (lambda size: _first(size)) if strided_depth else (lambda size: 1)
        kind = nn.MaxPool3d if isinstance(module, nn.MaxPool2d) else nn.AvgPool3d
        window = (along(module.kernel_size), *_pair(module.kernel_size))
        stride = (along(module.stride), *_pair(module.stride))
        padding = (_first(module.padding) if strided_depth else 0, *_pair(module.padding))
        return kind(window, stride, padding, ceil_mode=module.ceil_mode)
    if isinstance(module, nn.AdaptiveAvgPool2d):
        return nn.AdaptiveAvgPool3d((1, *_pair(module.output_size)))
    if isinstance(module, nn.AdaptiveMaxPool2d):
        return nn.AdaptiveMaxPool3d((1, *_pair(module.output_size)))
    if isinstance(module, nn.Dropout2d):
        return nn.Dropout3d(module.p)
    kind = type(module).__name__
    if kind.endswith("2d"):
        raise ValueError(f"layer {name!r} is a {kind}, which has no 3D form here")
    return module


def _first(size) -> int:
    return size if isinstance(size, int) else size[0]


def _pair(size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)
