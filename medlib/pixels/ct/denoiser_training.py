"""How the chapters' denoiser is trained: random crops, one cycle of the rate, its own generator."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from medlib.nets.training import OneCycle, train
from medlib.pixels.ct.denoiser import ResidualDenoiser, denoise, random_crops

Batch = tuple[Tensor, ...]


def fit_denoiser(
    loss: Callable[[ResidualDenoiser, Batch], Tensor],
    stacks: Batch,
    *,
    untrained: ResidualDenoiser,
    order: Tensor,
    n_steps: int,
    peak_rate: float = 4e-3,
) -> Callable[[Tensor], Tensor]:
    """Train a copy of a network on crops of its stacks, and return it as a function of images.

    Args:
        loss: `loss(model, crops)`, a scalar; crops are (8, 1, side, side), one for each stack.
        stacks: images of one shape, (n, height, width), such as inputs, targets, variances.
        untrained: the network to start from; it is left as it is.
        order: state of the CPU generator that draws the crops.
        n_steps: steps.
        peak_rate: highest learning rate.

    Example:
        >>> from medlib.pixels.ct.denoiser import DenoiserConfig, new_denoiser
        >>> g = torch.Generator().manual_seed(0)
        >>> net = new_denoiser(DenoiserConfig(depth=2, channels=2, scale=1.0), generator=g)
        >>> noisy, clean = torch.randn(4, 16, 16, generator=g), torch.zeros(4, 16, 16)
        >>> loss = lambda model, part: (model(part[0]) - part[1]).square().mean()
        >>> fit = fit_denoiser(
        ...     loss, (noisy, clean), untrained=net, order=g.get_state(), n_steps=30)
        >>> bool(fit(noisy).std() < noisy.std())
        True
    """
    model = copy.deepcopy(untrained).to(stacks[0].device, memory_format=torch.channels_last)
    side = min(48, stacks[0].shape[-1])
    crops = partial(random_crops, *stacks, n=8, size=side)
    recipe = OneCycle(peak_rate=peak_rate, weight_decay=0.0)
    optimizer, schedule = recipe.start(model.parameters(), steps=n_steps)
    generator = torch.Generator()
    generator.set_state(order)
    train(
        model,
        loss,
        lambda g: crops(generator=g),
        steps=n_steps,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
    )
    return partial(denoise, model)
