"""Running statistics re-estimated at the depths that a plan lets move, and nowhere else."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from medlib.nets.depths import modules_by_depth
from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.training import device_of
from medlib.translation.moving.freeze_plan import FreezePlan, set_modes

__all__ = ["refresh_planned"]


@torch.no_grad()
def refresh_planned(
    network: EfficientNetLite0, images: Tensor, plan: FreezePlan, *, batch_size: int = 64
) -> EfficientNetLite0:
    """Replace the means and variances at the moving depths by those of `images`.

    The frozen depths keep theirs and normalise by them, as they will afterwards: so the moving
    ones are shown exactly what they are going to see. Each statistic becomes the plain mean over
    the batches of one pass.

    Args:
        network: changed in place, left in evaluation mode; no parameter moves.
        images: (N, 3, H, W), preprocessed.
        plan: its statistics must be "batch".
        batch_size: images at a time; N is cut into batches of nearly equal size.

    Raises:
        ValueError: a plan that keeps the source's statistics, or fewer than 2 images.

    Example:
        >>> plan = FreezePlan(from_depth=8, statistics="batch")
        >>> network = refresh_planned(EfficientNetLite0(), torch.zeros(4, 3, 32, 32), plan)
        >>> network.head[1].num_batches_tracked.item(), network.stem[1].num_batches_tracked.item()
        (1, 0)
    """
    if plan.statistics != "batch":
        raise ValueError('this plan keeps the source\'s statistics; give one with "batch"')
    if len(images) < 2:
        raise ValueError(f"{len(images)} image(s): give at least 2 to estimate a variance from")
    set_modes(network, plan)
    norms = [
        module
        for part in modules_by_depth(network)[plan.from_depth :]
        for module in part.modules()
        if isinstance(module, nn.BatchNorm2d)
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the batches
    for part in images.tensor_split(-(-len(images) // batch_size)):
        network(part.to(device_of(network)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return network.eval()
