"""Batch normalisation's running means and variances, estimated anew on the images at hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from medlib.nets.training import device_of

__all__ = ["refresh_statistics"]


@torch.no_grad()
def refresh_statistics(network: nn.Module, images: Tensor, *, batch_size: int = 64) -> nn.Module:
    """Replace every running mean and variance by those of `images`; return the network.

    In training a layer normalises by its batch's own statistics and keeps a running average of
    them, here with a memory of about 100 steps; after 25 steps it still mostly describes the
    source. Every statistic becomes the plain mean over the batches of one pass.

    Args:
        network: changed in place; no parameter moves, and the mode is left as it was.
        images: (N, C, H, W), preprocessed.
        batch_size: images at a time; N is cut into batches of nearly equal size.

    Raises:
        ValueError: fewer than 2 images: one image has no variance to speak of.

    Example:
        >>> net = nn.Sequential(nn.BatchNorm2d(1))
        >>> refresh_statistics(net, torch.full((4, 1, 2, 2), 3.0))[0].running_mean.item()
        3.0

    Source: Li et al. (2018), Adaptive batch normalization, doi:10.1016/j.patcog.2018.03.005.
    """
    if len(images) < 2:
        raise ValueError(f"{len(images)} image(s): give at least 2 to estimate a variance from")
    device = device_of(network)
    parts = -(-len(images) // batch_size)
    batches = [part.to(device) for part in images.tensor_split(parts)]
    update_bn(batches, network, device=device)
    return network
