"""Inflation with the divisor measured: how alike are the slices that this layer really gets?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.translation.volumes.inflation import InflatedConv, inflate
from medlib.translation.volumes.slice_correlation import (
    depth_correlations,
    depth_sum_ratio,
    variance_ratio,
)

__all__ = ["DepthLayer", "inflate_measured", "measure_depth"]


@dataclass(frozen=True, eq=False)
class DepthLayer:
    """What one inflated layer met on one volume.

    Attributes:
        name: of the layer in the network.
        depth: k, slices that its kernel covers.
        correlations: ρ_1..ρ_{k-1} of the 2D kernel's answers, pooled over channels.
        measured: Var(u_1 + ... + u_k) / Var(u), measured by adding up slices.
    """

    name: str
    depth: int
    correlations: Float[np.ndarray, " lags"]
    measured: float

    @property
    def predicted(self) -> float:
        """The same ratio from the correlations, by `variance_ratio`."""
        return variance_ratio(self.correlations)

    @property
    def divisor(self) -> float:
        """s that keeps this layer's variance."""
        return self.predicted**0.5


@torch.no_grad()
def measure_depth(
    network: nn.Module, slices: Float[Tensor, "slices channels height width"]
) -> list[DepthLayer]:
    """Run a 2D network slice by slice over one volume, and measure every layer that looks around.

    Args:
        network: 2D, in evaluation mode.
        slices: one volume, its slices in order.

    Returns:
        One `DepthLayer` for each convolution of more than one row, in the order in which they run.
    """
    found: list[DepthLayer] = []

    def look(name):
        def hook(module, inputs, output):
            maps, k = output.transpose(0, 1), module.kernel_size[0]
            lags = depth_correlations(maps, depth=k, pooled=True)
            found.append(DepthLayer(name, k, lags, depth_sum_ratio(maps, depth=k)))

        return hook

    hooks = [
        module.register_forward_hook(look(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size[0] > 1
    ]
    try:
        network(slices)
    finally:
        for hook in hooks:
            hook.remove()
    return found


@torch.no_grad()
def inflate_measured(
    network: nn.Module,
    volumes: Float[Tensor, "n channels slices height width"],
    *,
    depth: int | None = None,
    depth_padding: str = "replicate",
    keep_mean: bool = True,
) -> nn.Module:
    """Inflate a 2D network so that each layer keeps its variance, and its mean, on given volumes.

    One forward pass: every layer is first inflated by "centre" and so answers as in 2D; from this
    answer u its correlations ρ_h are measured, a set for each channel, on an input that already
    went through the inflated layers before it. Then the copies are divided by
    s = √(k + 2 Σ (k-h) ρ_h), and with `keep_mean` a bias (1 - k/s)·mean(u) takes away what
    dividing by s < k adds to the mean.

    Args:
        network: 2D, in evaluation mode; left as it is.
        volumes: preprocessed; where the statistics come from, all together.
        depth, depth_padding: as in `inflate`.
        keep_mean: False leaves the means multiplied by k/s.

    Returns:
        The 3D network.

    Raises:
        ValueError: fewer slices than a kernel covers.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)).eval()
        >>> volume = torch.linspace(0, 1, 640).reshape(1, 1, 10, 8, 8)
        >>> inflate_measured(net, volume)(volume).shape
        torch.Size([1, 2, 10, 8, 8])

    Source of data-dependent scaling: Mishkin and Matas (2016), doi:10.48550/arXiv.1511.06422.
    """
    inflated = inflate(network, rule="centre", depth=depth, depth_padding=depth_padding)

    def spread(module: InflatedConv, inputs, output):
        k = module.kernel_size[0]
        maps = output.permute(1, 2, 0, 3, 4).flatten(2, 3)  # (C, D, B·H, W)
        lags = torch.from_numpy(depth_correlations(maps, depth=k)).to(maps)
        weights = torch.arange(k - 1, 0, -1).to(maps)
        divisor = (k + 2 * (lags * weights).sum(dim=1)).clamp(min=1.0).sqrt()
        copies = module.weight[:, :, k // 2] / divisor[:, None, None, None]
        module.weight.copy_(copies[:, :, None].expand_as(module.weight))
        if keep_mean:
            mean = maps.mean(dim=(1, 2, 3))
            offset = (1 - k / divisor) * mean
            if module.bias is None:
                module.bias = nn.Parameter(offset)
            else:
                # mean holds the bias once; only what the kernel adds is multiplied by k/s
                module.bias.add_((1 - k / divisor) * (mean - module.bias))
        return module.forward(inputs[0])

    hooks = [
        module.register_forward_hook(spread)
        for module in inflated.modules()
        if isinstance(module, InflatedConv) and module.kernel_size[0] > 1
    ]
    try:
        inflated(volumes)
    finally:
        for hook in hooks:
            hook.remove()
    return inflated
