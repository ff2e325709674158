"""Training a painter on pairs by an error between what it makes and the pair's image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from medlib.nets.training import OneCycle, train
from medlib.pixels.staining.stainer import Stainer, StainerConfig, new_stainer


def train_on_pairs(
    error: Callable[[Tensor, Tensor], Tensor],
    pairs: Callable[[torch.Generator], tuple[Tensor, Tensor]],
    *,
    steps: int,
    generator: torch.Generator,
    device: torch.device,
    rate: float = 4e-3,
    network: StainerConfig | None = None,
) -> Stainer:
    """A new painter, trained with AdamW under a rate that rises and falls once.

    Args:
        error: of what is made and of its answer, a scalar; lower = closer.
        pairs: gives a batch of pairs (x, y).
        steps: >= 1.
        generator: a CPU generator; first weights and every draw come from it.
        device: where to train.
        rate: the highest.
        network: size of the painter; by default three channels to three.

    Returns:
        The painter, in evaluation mode.

    Raises:
        ValueError: as `train`.

    Example:
        >>> own = torch.Generator().manual_seed(0)
        >>> pair = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
        >>> painter = train_on_pairs(lambda made, y: (made - y).abs().mean(), lambda g: pair,
        ...     steps=2, generator=own, device=torch.device("cpu"), network=StainerConfig(width=2))
        >>> painter(pair[0]).shape
        torch.Size([2, 3, 8, 8])
    """
    painter = new_stainer(network or StainerConfig(), generator=generator).to(device)
    course = OneCycle(peak_rate=rate, weight_decay=1e-4)
    optimizer, schedule = course.start(painter.parameters(), steps=steps)
    train(
        painter,
        lambda model, pair: error(model(pair[0]), pair[1]),
        pairs,
        steps=steps,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
    )
    return painter.eval()
